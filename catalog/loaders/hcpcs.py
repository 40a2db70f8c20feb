"""Reads HCPCS Level II as CMS publishes it each quarter: records of 320 characters (`HCPC2026_OCT_ANWEB.txt`).

Columns after the record layout in the same archive: code 1-5 (of a modifier 4-5), sequence 6-10, kind of
record 11 (3 a code, 4 its long description going on, 7 a modifier, 8 going on), long description 12-91, short
description 92-119, date added 269-276, date of the action 277-284, last day 285-292, action 293.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from catalog.choices import CodeSystem, NodeKind, NoteKind
from catalog.errors import LoadRefused
from catalog.loaders.rows import NodeRow, NoteRow, Source

_NAME = re.compile(r"HCPC(?P<year>\d{4})_(?P<month>[A-Z]{3})_ANWEB.*\.txt", re.IGNORECASE)
_MONTHS = {"JAN": 1, "APR": 4, "JUL": 7, "OCT": 10}
_CODE = re.compile(r"[A-Z]\d{4}")
_MODIFIER = re.compile(r"[0-9A-Z]{2}")
_FIRST, _MORE, _MODIFIER_FIRST, _MODIFIER_MORE = "3", "4", "7", "8"
_SHORTEST = 92


@dataclass
class Record:
    """A code or modifier with its continuation records joined; `line` is where it begins in the file."""

    code: str
    modifier: bool
    line: int
    long: list[str] = field(default_factory=list)
    short: str = ""
    added: dt.date | None = None
    last: dt.date | None = None
    action: str = ""

    @property
    def title(self) -> str:
        return " ".join(" ".join(self.long).split()) or self.short


@dataclass(frozen=True)
class Quarter:
    name: str
    valid_from: dt.date
    valid_to: dt.date

    @classmethod
    def of(cls, file: str) -> Quarter:
        named = _NAME.fullmatch(file)
        month = _MONTHS.get(named["month"].upper()) if named else None
        if named is None or month is None:
            raise LoadRefused(
                file,
                "the file is called HCPC<year>_<JAN, APR, JUL or OCT>_ANWEB.txt; its name gives the quarter",
            )
        begins = dt.date(int(named["year"]), month, 1)
        after = dt.date(begins.year + (month == 10), (month + 3) % 12, 1)
        return cls(f"{begins:%B %Y}", begins, after - dt.timedelta(days=1))


def open_source(path: Path) -> Source:
    """The codes of one quarterly file. Raises LoadRefused."""
    quarter = Quarter.of(path.name)
    text = read_bytes(path)
    return Source(
        system=CodeSystem.HCPCS,
        edition=quarter.name,
        valid_from=quarter.valid_from,
        valid_to=quarter.valid_to,
        name=path.name,
        fingerprint=hashlib.sha256(text).hexdigest(),
        read=partial(_read, text, path.name),
        size=text.count(b"\n"),
    )


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LoadRefused(path.name, "the file cannot be read") from error


def _read(text: bytes, source: str) -> Iterator[NodeRow]:
    for record in records(text, source):
        if record.modifier:
            continue
        short = (NoteRow(NoteKind.INCLUSION_TERM, 0, record.short),) if record.short else ()
        yield NodeRow(
            record.code,
            NodeKind.CODE,
            record.title,
            0,
            True,
            notes=short if record.short != record.title else (),
            valid_from=record.added,
            valid_to=record.last,
        )


def records(text: bytes, source: str) -> Iterator[Record]:
    """Codes and modifiers in the order of the file. Raises LoadRefused, naming the line."""
    current: Record | None = None
    for number, line in enumerate(text.decode("cp1252", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        if len(line) < _SHORTEST - 1:
            raise LoadRefused(source, f"a record of {len(line)} characters, 320 are published", number)
        kind, code = line[10], line[:5].strip()
        if kind in (_FIRST, _MODIFIER_FIRST):
            if current is not None:
                yield current
            current = _first(line, number, code, source, modifier=kind == _MODIFIER_FIRST)
        elif kind in (_MORE, _MODIFIER_MORE):
            if current is None or current.code != code:
                raise LoadRefused(source, f"a description of {code} goes on that has not begun", number)
            current.long.append(line[11:91].strip())
        else:
            raise LoadRefused(source, f"a record of the unknown kind {kind!r}", number)
    if current is not None:
        yield current


def _first(line: str, number: int, code: str, source: str, *, modifier: bool) -> Record:
    if not (_MODIFIER if modifier else _CODE).fullmatch(code):
        raise LoadRefused(source, f"{code!r} is no code of HCPCS Level II", number)
    return Record(
        code=code,
        modifier=modifier,
        line=number,
        long=[line[11:91].strip()],
        short=line[91:119].strip(),
        added=_day(line[268:276], source, number),
        last=_day(line[284:292], source, number),
        action=line[292:293].strip(),
    )


def _day(written: str, source: str, number: int) -> dt.date | None:
    written = written.strip()
    if not written or set(written) == {"0"}:
        return None
    try:
        return dt.datetime.strptime(written, "%Y%m%d").date()  # noqa: DTZ007 (a calendar day, no time)
    except ValueError as error:
        raise LoadRefused(source, f"{written!r} is no date", number) from error
