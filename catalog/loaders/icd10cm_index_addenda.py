"""Applies the addenda of an ICD-10-CM index or table (XML) to a loaded edition; the result is an edition of its own.

The layout is that of the index itself, marked isAddenda="true": a term has `diff` in place of its title, with what was
(`old`), what is (`new`) and what stays (`unc`). New words only: the term is added, with its codes and all below it;
old words only: it is deleted, with all below it; both: it is worded anew. A cell of a table has `diff` likewise. Terms
with a title show the place. A term deleted and added under one name keeps what stood below it.

Written to the published schema; no published addenda in it has been met.
"""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from catalog.choices import TableKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated
from catalog.loaders.icd10cm_index import candidates, edition_dates, row_of
from catalog.loaders.icd10cm_note_addenda import versions
from catalog.loaders.table_rows import IndexRow, Remark
from catalog.loaders.table_store import TableSource
from catalog.loaders.xml_stream import clean, line_of, stream
from catalog.models import IndexEntry, TableEdition

_MODIFIER = re.compile(r"\([^()]*\)")


@dataclass(slots=True)
class _Line:
    row: IndexRow
    below: list[_Line] = field(default_factory=list)

    @property
    def words(self) -> str:
        return f"{self.row.term} {self.row.nonessential}".strip()


def is_addenda(head: str) -> bool:
    return "<ICD10CM.index" in head and 'isAddenda="true"' in head


def recogniser(kind: TableKind) -> Callable[[Delivery], bool]:
    """Does the delivery hold exactly one file of that kind, and is it an addenda?"""

    def recognises(delivery: Delivery) -> bool:
        found = candidates(kind, delivery)
        return len(found) == 1 and is_addenda(delivery.head(found[0]))

    return recognises


def opener(kind: TableKind) -> Callable[[Delivery, Stated], TableSource]:
    return partial(_open, kind)


def _open(kind: TableKind, delivery: Delivery, stated: Stated) -> TableSource:
    """Over the newest edition that was in force before the addenda. Raises LoadRefused where none is loaded."""
    (name,) = candidates(kind, delivery)
    dates = edition_dates(name, delivery.head(name), stated)
    base = TableEdition.objects.usable(kind).filter(valid_from__lt=dates.valid_from).first()
    if base is None:
        raise LoadRefused(name, f"no edition from before {dates.valid_from} is loaded to apply it to")
    both = bytes.fromhex(base.source_hash) + bytes.fromhex(delivery.fingerprint(name))
    return TableSource(
        kind=kind,
        edition=dates.edition,
        valid_from=dates.valid_from,
        valid_to=dates.valid_to,
        source=f"{name} on {base.edition}",
        fingerprint=hashlib.sha256(both).hexdigest(),
        read=partial(_read, delivery, name, base),
        size=base.row_count,
    )


def _read(delivery: Delivery, name: str, base: TableEdition) -> Iterator[IndexRow | RowError | Remark]:
    lines = _lines(base)
    columns: dict[str, str] = {}
    gone: dict[str, _Line] = {}
    with delivery.open(name) as file:
        for element in stream(file, name, "head", "mainTerm"):
            if element.tag == "head":
                columns[element.get("col", "")] = clean("".join(element.itertext()))
            else:
                yield from _apply(lines, gone, element, 0, columns, name)
    for line in lines:
        yield from _rows(line)


def _lines(base: TableEdition) -> list[_Line]:
    roots: list[_Line] = []
    open_lines: list[_Line] = []
    for entry in IndexEntry.objects.filter(edition=base).order_by("position").defer("search").iterator():
        row = IndexRow(
            entry.depth,
            entry.term,
            entry.nonessential,
            tuple(entry.codes),
            tuple(entry.columns),
            entry.see,
            entry.see_also,
        )
        line = _Line(row)
        del open_lines[entry.depth :]
        (open_lines[-1].below if open_lines else roots).append(line)
        open_lines.append(line)
    return roots


def _rows(line: _Line) -> Iterator[IndexRow]:
    yield line.row
    for below in line.below:
        yield from _rows(below)


def _apply(
    siblings: list[_Line],
    gone: dict[str, _Line],
    element: ET.Element,
    depth: int,
    columns: dict[str, str],
    source: str,
) -> Iterator[RowError]:
    """`gone`: deleted beside it, by words, until one of the same words is added."""
    before, after = _titles(element)
    if not before and not after:
        yield RowError(source, "a term without words", line_of(element))
        return
    line = _of(siblings, before)
    if before and line is None:
        yield RowError(source, f"{before!r} is not in the edition", line_of(element))
        return
    if line is not None and not after:
        siblings.remove(line)
        gone[line.words] = line
        return
    given = row_of(_as_whole(element, after), depth, columns)
    if isinstance(given, str):
        yield RowError(source, given, line_of(element))
        return
    if line is None:
        if _of(siblings, after) is not None:
            yield RowError(source, f"{after!r} is there already", line_of(element))
            return
        line = _Line(given)
        if line.words in gone:
            line.below = gone.pop(line.words).below
        place = (at for at, other in enumerate(siblings) if _in_print(other) > _in_print(line))
        siblings.insert(next(place, len(siblings)), line)
    else:
        if before != after:
            line.row = replace(line.row, term=given.term, nonessential=given.nonessential)
        # Codes that stand beside words that stay are there to show the place.
        if given.codes and (before != after or _cell_changes(element)):
            line.row = replace(line.row, codes=given.codes, columns=given.columns)
    gone_below: dict[str, _Line] = {}
    for below in element.iterfind("term"):
        yield from _apply(line.below, gone_below, below, depth + 1, columns, source)


def _in_print(line: _Line) -> tuple[bool, str]:
    """The order of print: by the alphabet, "with" before all others."""
    return line.row.term.casefold() != "with", line.words.casefold()


def _cell_changes(element: ET.Element) -> bool:
    return any(cell.find("diff") is not None for cell in element.iterfind("cell"))


def _titles(element: ET.Element) -> tuple[str, str]:
    """The term's words with its nonessential modifiers, before and after."""
    title, diff = element.find("title"), element.find("diff")
    if diff is not None:
        before, after = versions(diff)
    else:
        before = after = clean(" ".join(title.itertext())) if title is not None else ""
    return _ordered(before), _ordered(after)


def _ordered(words: str) -> str:
    """Modifiers last, as the edition's rows have them."""
    plain = re.sub(r" (?=[,;:])", "", clean(_MODIFIER.sub(" ", words)))
    return clean(f"{plain} {' '.join(_MODIFIER.findall(words))}")


def _of(lines: list[_Line], words: str) -> _Line | None:
    return next((line for line in lines if line.words == words), None) if words else None


def _as_whole(element: ET.Element, words: str) -> ET.Element:
    """The term as a whole index would print it now: its words as a title, each cell as it is."""
    whole = ET.Element(element.tag, element.attrib)
    title = ET.SubElement(whole, "title")
    title.text = clean(_MODIFIER.sub(" ", words))
    for modifier in _MODIFIER.findall(words):
        ET.SubElement(title, "nemod").text = modifier
    for part in element:
        if part.tag == "cell":
            ET.SubElement(whole, "cell", part.attrib).text = versions(part)[1]
        elif part.tag not in ("title", "diff", "term"):
            whole.append(part)
    return whole
