"""What every format yields: a delivery with its place in the file, or an error with file and line. Pure.

A message names fields and places, never a value that could be note text or a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

from coding_review.choices import Confidentiality
from coding_review.incoming import IncomingEncounter

MAX_LINE_BYTES = 32 * 1024 * 1024
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is where the delivery begins in the file, from 1; None where a whole file is one delivery."""

    file: str
    line: int | None
    encounter: IncomingEncounter


@dataclass(frozen=True, slots=True)
class RowError:
    file: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for a delivery that does not say otherwise; for plain texts all there is."""

    source: str = "import"
    facility: str = ""
    work_group: str = ""
    confidentiality: str = Confidentiality.NORMAL
    setting: str = ""
    claim_types: tuple[str, ...] = ()
    document_type: str = ""
    specialty: str = ""
    admit_date: date | None = None
    discharge_date: date | None = None
    date_of_service: date | None = None


@dataclass(slots=True)
class Seen:
    """The ids of one file, each with the line it first stood on."""

    lines: dict[tuple[str, ...], int] = field(default_factory=dict)

    def problem(self, line: int, *key: str) -> str:
        """Notes the id; a sentence when it was there before, else empty."""
        first = self.lines.setdefault(key, line)
        return "" if first == line else f"the id is already used on line {first} of this file"


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as it stands in the file, with its end; `offset` is the byte it begins at. `whole` False: too long."""

    number: int
    offset: int
    raw: bytes
    whole: bool = True

    def byte_problem(self) -> str:
        """Why the bytes are not text, with the byte offset in the file; empty when they are."""
        if (at := self.raw.find(b"\x00")) >= 0:
            return f"NUL byte at byte offset {self.offset + at:,} of the file"
        try:
            self.raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return (
                f"not UTF-8: byte 0x{self.raw[error.start]:02X} at byte offset "
                f"{self.offset + error.start:,} of the file"
            )
        return ""


def is_utf16(start: bytes) -> bool:
    return start[:2] in UTF16_BOMS


UTF16_MESSAGE = "the file is UTF-16; save it as UTF-8"


def raw_lines(stream: BinaryIO) -> Iterator[RawLine]:
    """The lines of a file by line feed, a byte order mark left out. What is over MAX_LINE_BYTES is skipped over."""
    number = offset = 0
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        start, whole = offset, len(raw) <= MAX_LINE_BYTES
        offset += len(raw)
        if not whole:
            rest = raw
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(MAX_LINE_BYTES)
                offset += len(rest)
            raw = b""
        if number == 1 and raw.startswith(UTF8_BOM):
            raw, start = raw[len(UTF8_BOM) :], start + len(UTF8_BOM)
        yield RawLine(number, start, raw, whole)


def decoded(data: bytes) -> tuple[str, str, int | None]:
    """(text, problem, line) of a whole file as text: the byte order mark is not text, line ends stay as they are."""
    if is_utf16(data):
        return "", UTF16_MESSAGE, 1
    start = len(UTF8_BOM) if data.startswith(UTF8_BOM) else 0
    try:
        text = data[start:].decode("utf-8")
    except UnicodeDecodeError as error:
        at = start + error.start
        return "", f"not UTF-8: byte 0x{data[at]:02X} at byte offset {at:,}", data.count(b"\n", 0, at) + 1
    if (at := data.find(b"\x00")) >= 0:
        return "", f"NUL byte at byte offset {at:,}", data.count(b"\n", 0, at) + 1
    return text, "", None
