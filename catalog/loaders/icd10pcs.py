"""Reads ICD-10-PCS as CMS publishes it: the order file, and beside it the tables (XML).

The order file (`icd10pcs_order_2026.txt`) is fixed in width: order number in columns 1-5, code 7-13, "0" for
the header of a table or "1" for a code in column 15, short title 17-76, long title from 78. The tables
(`icd10pcs_tables_2026.xml`) say what each character of a table means; where the file lies in the same folder
its axes become notes of the table, and every code must be one that its table builds.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from catalog.choices import CodeSystem, NodeKind, NoteKind
from catalog.errors import LoadRefused
from catalog.loaders.rows import NodeRow, NoteRow, Source

_ORDER = re.compile(r"icd10pcs_order_(\d{4})\.txt", re.IGNORECASE)
_TABLES = re.compile(r"icd10pcs_tables_(\d{4})\.xml", re.IGNORECASE)
_LINE = re.compile(r"(?P<number>\d{5}) (?P<code>[0-9A-Z]{3,7}) *(?P<flag>[01]) (?P<short>.{60}) (?P<long>.+)")
# Characters of a code that stand for its table; the rest stands in the table's rows.
_TABLE = 3
_COMPLETE = 7


@dataclass(frozen=True)
class _Axis:
    """What one character of a table may be: its place in the code (from 1), name, and meaning by character."""

    place: int
    name: str
    values: dict[str, str]


@dataclass(frozen=True)
class Table:
    """A table of three characters: `rows` are the combinations of characters 4 to 7 that it builds."""

    code: str
    definition: str
    rows: tuple[tuple[_Axis, ...], ...]

    def builds(self, code: str) -> bool:
        return any(
            len(row) == _COMPLETE - _TABLE
            and all(letter in axis.values for letter, axis in zip(code[_TABLE:], row, strict=True))
            for row in self.rows
        )


def open_source(path: Path) -> Source:
    """`path`: the order file, or a folder that holds it; the tables are looked for beside it.

    A fiscal year's codes are valid from 1 October before it to its 30 September. Raises LoadRefused.
    """
    order = _only(path, _ORDER) if path.is_dir() else path
    named = _ORDER.fullmatch(order.name)
    if named is None:
        raise LoadRefused(
            order.name, "the order file is called icd10pcs_order_YYYY.txt, with its fiscal year"
        )
    year = int(named.group(1))
    tables = order.parent / f"icd10pcs_tables_{year}.xml"
    try:
        text = order.read_bytes()
        xml = tables.read_bytes() if tables.is_file() else b""
    except OSError as error:
        raise LoadRefused(path.name, "the file cannot be read") from error
    digest = hashlib.sha256(hashlib.sha256(text).digest() + hashlib.sha256(xml).digest())
    return Source(
        system=CodeSystem.ICD10PCS,
        edition=f"FY{year}",
        valid_from=dt.date(year - 1, 10, 1),
        valid_to=dt.date(year, 9, 30),
        name=order.name + (f" with {tables.name}" if xml else ", without tables"),
        fingerprint=digest.hexdigest(),
        read=partial(_read, text, order.name, xml, tables.name),
        size=text.count(b"\n"),
    )


def _only(folder: Path, name: re.Pattern[str]) -> Path:
    found = [file for file in sorted(folder.iterdir()) if name.fullmatch(file.name)]
    if len(found) != 1:
        raise LoadRefused(
            folder.name, f"{len(found)} files here are called icd10pcs_order_YYYY.txt, one must be"
        )
    return found[0]


def _read(text: bytes, source: str, xml: bytes, xml_source: str) -> Iterator[NodeRow]:
    tables = read_tables(xml, xml_source) if xml else {}
    depth = 0
    for number, line in enumerate(io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", errors="replace"), 1):
        if not line.strip():
            continue
        match = _LINE.fullmatch(line.rstrip("\r\n"))
        if match is None:
            raise LoadRefused(source, "not a line of the published layout", number)
        code, title = match["code"], " ".join(match["long"].split())
        if match["flag"] == "0":
            depth = 1
            notes = _axis_notes(tables[code]) if code in tables else ()
            yield NodeRow(code, NodeKind.CATEGORY, title, 0, False, notes=notes)
            continue
        if len(code) != _COMPLETE:
            raise LoadRefused(
                source, f"{code} is marked as a code and has not {_COMPLETE} characters", number
            )
        if tables and not (code[:_TABLE] in tables and tables[code[:_TABLE]].builds(code)):
            raise LoadRefused(source, f"{code} is not built by the tables of {xml_source}", number)
        yield NodeRow(code, NodeKind.CODE, title, depth, True)


def read_tables(xml: bytes, source: str) -> dict[str, Table]:
    """The tables by their three characters. Raises LoadRefused for XML that does not parse or has no table."""
    found: dict[str, Table] = {}
    try:
        for _, element in ET.iterparse(io.BytesIO(xml)):  # noqa: S314 (a published file given by the operator)
            if element.tag == "pcsTable":
                table = _table(element)
                found[table.code] = table
                element.clear()
    except ET.ParseError as error:
        line, _ = error.position
        raise LoadRefused(source, "the XML is damaged", line) from error
    if not found:
        raise LoadRefused(source, "no table in the file")
    return found


def _table(element: ET.Element) -> Table:
    head = [_axis(axis) for axis in element.findall("axis")]
    code = "".join(next(iter(axis.values), "") for axis in head)
    definition = " ".join((element.findtext("axis/definition") or "").split())
    rows = tuple(tuple(_axis(axis) for axis in row.findall("axis")) for row in element.findall("pcsRow"))
    return Table(code, definition, rows)


def _axis(element: ET.Element) -> _Axis:
    values = {
        label.get("code", ""): " ".join((label.text or "").split()) for label in element.findall("label")
    }
    return _Axis(int(element.get("pos", "0")), " ".join((element.findtext("title") or "").split()), values)


def _axis_notes(table: Table) -> tuple[NoteRow, ...]:
    """The definition of the operation, then one line for each character that can stand at a place."""
    lines: list[tuple[int, str]] = [(0, table.definition)] if table.definition else []
    for place in range(_TABLE + 1, _COMPLETE + 1):
        axes = [axis for row in table.rows for axis in row if axis.place == place]
        meanings = {letter: meaning for axis in axes for letter, meaning in axis.values.items()}
        lines += [(place, f"{axes[0].name} {letter}: {meaning}") for letter, meaning in meanings.items()]
    return tuple(NoteRow(NoteKind.NOTE, block, line) for block, line in lines)
