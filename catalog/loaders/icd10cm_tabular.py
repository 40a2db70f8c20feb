"""Reads the ICD-10-CM tabular list (XML, as CDC/NCHS publishes it) beside a list of its codes.

The tabular list names 7th characters by definition only; which combinations exist stands in the list of codes
(icd10cm_codes.py). The list is also checked the other way: both files must name exactly the same nodes.
Not read: the table of visual impairment under H54 (a picture of numbers, not a note).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from catalog.choices import NodeKind, NoteKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.icd10cm_codes import CodeList
from catalog.loaders.rows import NodeRow, NoteRow, SeventhRow
from catalog.loaders.xml_stream import clean, line_of, stream

NOTE_TAGS = {
    "includes": NoteKind.INCLUDES,
    "inclusionTerm": NoteKind.INCLUSION_TERM,
    "excludes1": NoteKind.EXCLUDES1,
    "excludes2": NoteKind.EXCLUDES2,
    "codeFirst": NoteKind.CODE_FIRST,
    "useAdditionalCode": NoteKind.USE_ADDITIONAL_CODE,
    "codeAlso": NoteKind.CODE_ALSO,
    "sevenChrNote": NoteKind.SEVENTH_CHARACTER,
    "notes": NoteKind.NOTE,
}


@dataclass
class _Reading:
    source: str
    codes: CodeList
    met: set[str] = field(default_factory=set)


def read_tabular(xml: IO[bytes], codes: CodeList, source: str) -> Iterator[NodeRow | RowError]:
    """Rows in tabular order; a RowError for an element without a name or title and for each difference between
    the two files. Raises LoadRefused for XML that does not parse or holds no chapter."""
    yield from codes.errors
    reading = _Reading(source, codes)
    chapters = 0
    # A chapter at a time keeps the memory small.
    for element in stream(xml, source, "chapter"):
        chapters += 1
        yield from _rows(element, 0, (), reading)
    if not chapters:
        raise LoadRefused(source, "no chapter in the file")
    for listed in codes.ordered():
        if listed.key not in reading.met:
            yield RowError(codes.source, f"{listed.key} is not in the tabular list", listed.line)


def _rows(
    element: ET.Element, depth: int, seventh: tuple[SeventhRow, ...], reading: _Reading
) -> Iterator[NodeRow | RowError]:
    code = element.get("id") or element.findtext("name") or ""
    title = clean(element.findtext("desc"))
    if not code or not title:
        said = f"an element <{element.tag}> named {code!r} lacks its name or title"
        yield RowError(reading.source, said, line_of(element))
        return
    own = _seventh(element)
    seventh = own or seventh
    parts = [part for part in element if part.tag in ("section", "diag")]
    extensions = _extensions(code, title, seventh, reading) if element.tag == "diag" and not parts else []
    node = NodeRow(
        code=code,
        kind=_kind(element, code),
        title=title,
        depth=depth,
        billable=element.tag == "diag" and not parts and not extensions,
        placeholder=element.get("placeholder") == "true",
        notes=_notes(element),
        seventh=own,
    )
    yield from _met(node, element, reading)
    for part in parts:
        yield from _rows(part, depth + 1, seventh, reading)
    for code_with_seventh, row in extensions:
        extended = NodeRow(
            code=code_with_seventh,
            kind=NodeKind.EXTENDED,
            title=_listed_title(code_with_seventh, reading) or f"{title}, {row.meaning}",
            depth=depth + 1,
            billable=True,
            notes=(NoteRow(NoteKind.INCLUSION_TERM, 0, row.also),) if row.also else (),
        )
        yield from _met(extended, element, reading)


def _met(node: NodeRow, element: ET.Element, reading: _Reading) -> Iterator[NodeRow | RowError]:
    """The node, and before it what the list of codes says against it."""
    key = _key(node.code)
    listed = reading.codes.entries.get(key)
    if listed is None:
        if reading.codes.claims(node.kind, node.billable):
            yield RowError(reading.source, f"{node.code} is not in the list of codes", line_of(element))
    elif listed.billable not in (None, node.billable) and node.kind != NodeKind.BLOCK:
        said = "billable" if listed.billable else "a header"
        yield RowError(reading.source, f"{node.code} is {said} in the list of codes", line_of(element))
    reading.met.add(key)
    yield node


def _key(code: str) -> str:
    return code.replace(".", "")


def _listed_title(code: str, reading: _Reading) -> str:
    listed = reading.codes.entries.get(_key(code))
    return listed.title if listed else ""


def _kind(element: ET.Element, code: str) -> NodeKind:
    if element.tag == "chapter":
        return NodeKind.CHAPTER
    if element.tag == "section":
        return NodeKind.BLOCK
    return NodeKind.CATEGORY if len(code) == 3 else NodeKind.SUBCATEGORY


def _extensions(
    code: str, title: str, seventh: tuple[SeventhRow, ...], reading: _Reading
) -> list[tuple[str, SeventhRow]]:
    stem = (code if "." in code else f"{code}.").ljust(7, "X")
    made = [(f"{stem}{row.character}", row) for row in seventh]
    return [(extended, row) for extended, row in made if _key(extended) in reading.codes.entries]


def _seventh(element: ET.Element) -> tuple[SeventhRow, ...]:
    definition = element.find("sevenChrDef")
    rows: list[SeventhRow] = []
    for part in definition if definition is not None else ():
        text = clean(part.text)
        if part.tag == "extension":
            rows.append(SeventhRow(part.get("char", ""), text))
        elif rows:
            last = rows[-1]
            rows[-1] = SeventhRow(last.character, last.meaning, "; ".join(filter(None, (last.also, text))))
    return tuple(rows)


def _notes(element: ET.Element) -> tuple[NoteRow, ...]:
    rows: list[NoteRow] = []
    for block, part in enumerate(part for part in element if part.tag in NOTE_TAGS):
        rows += [NoteRow(NOTE_TAGS[part.tag], block, text) for line in part if (text := clean(line.text))]
    return tuple(rows)
