"""A zip of plain texts, each an encounter of one document. Nothing in the archive's headers is trusted.

The list of members is bounded before it is read, bytes are counted while they are unpacked, and a member is
never written to disk: its name is only an id.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from coding_review.intake import txt
from coding_review.intake.rows import Defaults, Row, RowError
from modelops.interchange import MAX_TEXT_BYTES

MAX_MEMBERS = 1_000
MAX_UNPACKED = 200 * 1024 * 1024
# 1,000 entries of 46 bytes with long names; zipfile reads the whole list at once, so it is bounded first.
MAX_DIRECTORY_BYTES = 1024 * 1024
_END = b"PK\x05\x06"
_END_SIZE = 22
_LONGEST_COMMENT = 65_535
_ZIP64_LOCATOR = b"PK\x06\x07"
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000


def rows(file: str, stream: BinaryIO, defaults: Defaults) -> Iterator[Row | RowError]:
    if problem := _directory_problem(stream):
        yield RowError(file, None, problem)
        return
    try:
        archive = ZipFile(stream)
    # NotImplementedError is zipfile's own signal for a version of the format or a compression it cannot read.
    except (BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        yield RowError(file, None, f"not a zip file that can be read ({type(error).__name__})")
        return
    with archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            yield RowError(file, None, f"over {MAX_MEMBERS:,} members; nothing of it was read")
            return
        if not members:
            yield RowError(file, None, "the zip file is empty")
            return
        yield from _texts(file, archive, members, defaults)


def _texts(
    file: str, archive: ZipFile, members: list[ZipInfo], defaults: Defaults
) -> Iterator[Row | RowError]:
    unpacked = 0
    seen: set[str] = set()
    for number, member in enumerate(members, start=1):
        name = f"{file}:{_shown(member.filename)}"
        source_id = str(PurePosixPath(member.filename).with_suffix("")) if member.filename else ""
        if problem := _member_problem(member):
            yield RowError(name, None, problem)
            continue
        if source_id in seen:
            yield RowError(name, None, "the name is there twice in this file")
            continue
        seen.add(source_id)
        data, problem = _unpack(archive, member)
        unpacked += len(data)
        if unpacked > MAX_UNPACKED:
            left = len(members) - number + 1
            yield RowError(
                name, None, f"over 200 MiB unpacked: this and what follows ({left:,}) was not read"
            )
            return
        yield RowError(name, None, problem) if problem else txt.row_of(name, source_id, data, defaults)


def _directory_problem(stream: BinaryIO) -> str:
    """Checks the end record by which the list of members is found, before zipfile reads that list."""
    size = stream.seek(0, 2)
    tail_size = min(size, _END_SIZE + _LONGEST_COMMENT + 20)
    stream.seek(size - tail_size)
    tail = stream.read(tail_size)
    stream.seek(0)
    if tail[-_END_SIZE:-18] == _END and tail[-2:] == b"\x00\x00":
        at = len(tail) - _END_SIZE
    else:
        at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        return "not a zip file"
    if tail[max(0, at - 20) : at].startswith(_ZIP64_LOCATOR):
        return "a zip64 file: far larger than what is taken in"
    count, directory_size = struct.unpack_from("<HI", tail, at + 10)
    if count > MAX_MEMBERS:
        return f"over {MAX_MEMBERS:,} members; nothing of it was read"
    if directory_size > MAX_DIRECTORY_BYTES:
        return "the list of members is too long; nothing of it was read"
    return ""


def _member_problem(member: ZipInfo) -> str:
    name = member.filename
    kind = stat.S_IFMT(member.external_attr >> 16)
    if stat.S_ISLNK(kind):
        return "a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "not a plain file"
    # orig_filename still has what zipfile replaced or cut off.
    if any(
        mark in shown for shown in (name, member.orig_filename) for mark in ("/", "\\", "..", ":", "\x00")
    ):
        return "has a path in its name: put the texts side by side, without folders"
    if PurePosixPath(name).suffix.lower() != ".txt":
        return "not a .txt file"
    if member.flag_bits & _ENCRYPTED_FLAGS:
        return "encrypted"
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "packed by a method other than deflate"
    return ""


def _unpack(archive: ZipFile, member: ZipInfo) -> tuple[bytes, str]:
    """(bytes, problem): never more than one byte above what a text with a byte order mark may have."""
    try:
        with archive.open(member) as unpacking:
            return unpacking.read(MAX_TEXT_BYTES + 4), ""
    except (
        BadZipFile,
        zlib.error,
        EOFError,
        # zipfile's own signal for a compression or an encryption it cannot read.
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        return b"", f"damaged ({type(error).__name__})"


def _shown(name: str) -> str:
    """A name of the archive in a message: no control characters, not endless."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return clean if len(clean) <= 120 else f"{clean[:120]}…"
