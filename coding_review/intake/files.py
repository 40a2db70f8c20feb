"""A file, a folder or an upload as rows, by the ending of its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from coding_review.intake import csv, jsonl, txt, zip
from coding_review.intake.rows import Defaults, Row, RowError

Reader = Callable[[str, BinaryIO, Defaults], Iterator[Row | RowError]]

READERS: dict[str, Reader] = {".txt": txt.rows, ".jsonl": jsonl.rows, ".csv": csv.rows, ".zip": zip.rows}


def rows_of_stream(name: str, stream: BinaryIO, defaults: Defaults) -> Iterator[Row | RowError]:
    """`name` as people know the file: it stands in every error and, for a plain text, is the id."""
    reader = READERS.get(PurePosixPath(name).suffix.lower())
    if reader is None:
        yield RowError(name, None, f"the name ends in none of {', '.join(READERS)}")
        return
    yield from reader(name, stream, defaults)


def rows_of_path(path: Path, defaults: Defaults) -> Iterator[Row | RowError]:
    """A file, or every file of a folder and its folders in order of name; hidden ones and links are left out."""
    if path.is_file():
        yield from _rows_of_file(path, path.name, defaults)
        return
    if not path.is_dir():
        yield RowError(str(path), None, "no such file or folder")
        return
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if file.is_symlink() or not file.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        yield from _rows_of_file(file, relative.as_posix(), defaults)


def _rows_of_file(path: Path, name: str, defaults: Defaults) -> Iterator[Row | RowError]:
    try:
        stream = path.open("rb")
    except OSError as error:
        yield RowError(name, None, f"could not be opened ({error.strerror})")
        return
    with stream:
        yield from rows_of_stream(name, stream, defaults)
