"""What an operator brings: a file, a folder of files or a zip archive, as downloaded."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from catalog.errors import LoadRefused

_HEAD = 4096


@dataclass(frozen=True)
class Stated:
    """What the operator says about an edition, because the file does not or says it wrongly."""

    edition: str = ""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    name: str = ""


def first_day(stated: Stated, source: str) -> dt.date:
    """The first day in force, where only the operator can say it. Raises LoadRefused where it is not said."""
    if stated.valid_from is None:
        raise LoadRefused(source, "the file does not say from when it holds; state it with --valid-from")
    return stated.valid_from


class Delivery:
    """The files at a path by their names inside it. Raises LoadRefused where they cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        try:
            if path.is_dir():
                found = [part for part in path.rglob("*") if part.is_file()]
                self.names = sorted(str(part.relative_to(path)) for part in found)
            elif zipfile.is_zipfile(path):
                self._zip = zipfile.ZipFile(path)
                self.names = sorted(part.filename for part in self._zip.infolist() if not part.is_dir())
            else:
                with path.open("rb"):
                    self.names = [path.name]
        except (OSError, zipfile.BadZipFile) as error:
            raise LoadRefused(path.name, "the file cannot be read") from error

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with self._opened(name) as stream:
            try:
                yield stream
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise LoadRefused(name, "the archive is damaged") from error

    def _opened(self, name: str) -> IO[bytes]:
        try:
            if self._zip is not None:
                return self._zip.open(name)
            return (self.path / name if self.path.is_dir() else self.path).open("rb")
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            # zipfile's own signals: NotImplementedError for a method of compression it lacks, RuntimeError for a
            # password.
            raise LoadRefused(name, "the file cannot be read") from error

    def head(self, name: str) -> str:
        """The first 4096 bytes as text, to tell formats apart; undecodable bytes are replaced."""
        with self.open(name) as stream:
            return stream.read(_HEAD).decode("utf-8-sig", errors="replace")

    def named(self, pattern: str) -> list[str]:
        """Names whose last part matches the pattern (whole, any case)."""
        wanted = re.compile(pattern, re.IGNORECASE)
        return [name for name in self.names if wanted.fullmatch(name.rsplit("/", 1)[-1])]

    def holding(self, pattern: str) -> list[str]:
        """Names of the files whose head holds the pattern."""
        wanted = re.compile(pattern)
        return [name for name in self.names if wanted.search(self.head(name))]

    def read(self, name: str) -> bytes:
        with self.open(name) as stream:
            return stream.read()

    @contextmanager
    def text(self, name: str, encoding: str = "utf-8-sig") -> Iterator[io.TextIOWrapper]:
        """Lines of a text file; what cannot be decoded is a LoadRefused when it is met."""
        try:
            with self.open(name) as stream:
                yield io.TextIOWrapper(stream, encoding=encoding, newline="")
        except UnicodeDecodeError as error:
            raise LoadRefused(name, f"the file is not {encoding.removesuffix('-sig').upper()}") from error

    def fingerprint(self, *names: str) -> str:
        """SHA-256 over the named files' bytes; over several: over their hashes, in the order given."""
        hashes = [self._hash(name) for name in names]
        return hashes[0].hexdigest() if len(hashes) == 1 else _over(hashes)

    def _hash(self, name: str) -> hashlib._Hash:
        digest = hashlib.sha256()
        with self.open(name) as stream:
            while part := stream.read(1 << 20):
                digest.update(part)
        return digest


def _over(hashes: list[hashlib._Hash]) -> str:
    digest = hashlib.sha256()
    for part in hashes:
        digest.update(part.digest())
    return digest.hexdigest()
