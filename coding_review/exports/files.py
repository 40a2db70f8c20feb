"""Writing rows as CSV or JSONL, hashed while they are written."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

# A spreadsheet takes a cell that begins with one of these for a formula.
# The wide forms too: some take them for the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Written:
    rows: int
    sha256: str


def utc(moment: datetime | None) -> str | None:
    """2026-11-21T09:30:00.123456Z"""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def write_rows(out: BinaryIO, format: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Written:
    """`rows` hold JSON values in the order of `columns`. Raises KeyError for a format that is not in FORMATS."""
    digest, count = hashlib.sha256(), 0

    def counted() -> Iterator[Sequence[Any]]:
        nonlocal count
        for row in rows:
            count += 1
            yield row

    for line in FORMATS[format](columns, counted()):
        data = line.encode("utf-8")
        digest.update(data)
        out.write(data)
    return Written(count, digest.hexdigest())


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """RFC 4180: comma, CRLF, quotes where needed; lists as JSON; true and false; empty for null."""
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\r\n")
    writer.writerow(columns)
    yield line.getvalue()
    for row in rows:
        line.seek(0)
        line.truncate()
        writer.writerow([_cell(value) for value in row])
        yield line.getvalue()


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return _json(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _jsonl(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    for row in rows:
        yield _json(dict(zip(columns, row, strict=True))) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


FORMATS: dict[str, Callable[[Sequence[str], Iterable[Sequence[Any]]], Iterator[str]]] = {
    "csv": _csv,
    "jsonl": _jsonl,
}
