"""Reads the ICD-10-CM tabular list (XML, as CDC/NCHS publishes it) beside the list of its codes.

The tabular list names 7th characters by definition only; which combinations exist stands in the
list of codes. The list is also checked the other way: both files must name exactly the same nodes.
Not read: the table of visual impairment under H54 (a picture of numbers, not a note).
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field

from catalog.choices import NodeKind, NoteKind
from catalog.errors import LoadRefused
from catalog.loaders.rows import NodeRow, NoteRow, SeventhRow

_NOTE_TAGS = {
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
    # Keys without the dot. Taken out as they are met; what is left was promised and not found.
    listed: set[str]
    met: set[str] = field(default_factory=set)


def read_tabular(xml: bytes, code_list: bytes, source: str) -> Iterator[NodeRow]:
    """Rows in tabular order. Raises LoadRefused for XML that does not parse, an element without a
    name or title, and any difference between the two files."""
    reading = _Reading(source, _listed_keys(code_list, source))
    chapters = 0
    try:
        for _, element in ET.iterparse(io.BytesIO(xml)):  # noqa: S314 (a published file given by the operator)
            if element.tag == "chapter":
                chapters += 1
                yield from _rows(element, 0, (), reading)
                # A chapter at a time keeps the memory small.
                element.clear()
    except ET.ParseError as error:
        line, _ = error.position
        raise LoadRefused(source, "the XML is damaged", line) from error
    if not chapters:
        raise LoadRefused(source, "no chapter in the file")
    missing = reading.listed - reading.met
    if missing:
        raise LoadRefused(
            source, f"{len(missing)} listed codes are not in the tabular list, {min(missing)} is the first"
        )


def _listed_keys(code_list: bytes, source: str) -> set[str]:
    try:
        text = code_list.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LoadRefused(source, "the list of codes is not UTF-8") from error
    return {line.split()[0].replace(".", "") for line in text.splitlines() if line.strip()}


def _rows(
    element: ET.Element, depth: int, seventh: tuple[SeventhRow, ...], reading: _Reading
) -> Iterator[NodeRow]:
    code = element.get("id") or element.findtext("name") or ""
    title = _clean(element.findtext("desc"))
    if not code or not title:
        raise LoadRefused(
            reading.source, f"an element <{element.tag}> named {code!r} lacks its name or title"
        )
    own = _seventh(element)
    seventh = own or seventh
    parts = [part for part in element if part.tag in ("section", "diag")]
    extensions = _extensions(code, title, seventh, reading) if element.tag == "diag" and not parts else []
    _meet(code, reading)
    yield NodeRow(
        code=code,
        kind=_kind(element, code),
        title=title,
        depth=depth,
        billable=element.tag == "diag" and not parts and not extensions,
        placeholder=element.get("placeholder") == "true",
        notes=_notes(element),
        seventh=own,
    )
    for part in parts:
        yield from _rows(part, depth + 1, seventh, reading)
    for code_with_seventh, row in extensions:
        _meet(code_with_seventh, reading)
        yield NodeRow(
            code=code_with_seventh,
            kind=NodeKind.EXTENDED,
            title=f"{title}, {row.meaning}",
            depth=depth + 1,
            billable=True,
            notes=(NoteRow(NoteKind.INCLUSION_TERM, 0, row.also),) if row.also else (),
        )


def _meet(code: str, reading: _Reading) -> None:
    key = code.replace(".", "")
    if key not in reading.listed:
        raise LoadRefused(reading.source, f"{code} is not in the list of codes")
    reading.met.add(key)


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
    return [(extended, row) for extended, row in made if extended.replace(".", "") in reading.listed]


def _seventh(element: ET.Element) -> tuple[SeventhRow, ...]:
    definition = element.find("sevenChrDef")
    rows: list[SeventhRow] = []
    for part in definition if definition is not None else ():
        text = _clean(part.text)
        if part.tag == "extension":
            rows.append(SeventhRow(part.get("char", ""), text))
        elif rows:
            last = rows[-1]
            rows[-1] = SeventhRow(last.character, last.meaning, "; ".join(filter(None, (last.also, text))))
    return tuple(rows)


def _notes(element: ET.Element) -> tuple[NoteRow, ...]:
    rows: list[NoteRow] = []
    for block, part in enumerate(part for part in element if part.tag in _NOTE_TAGS):
        rows += [NoteRow(_NOTE_TAGS[part.tag], block, text) for line in part if (text := _clean(line.text))]
    return tuple(rows)


def _clean(text: str | None) -> str:
    return " ".join((text or "").split())
