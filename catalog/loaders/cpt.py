"""Reads CPT as the AMA licenses it (tab-separated LONGULT, MEDU and SHORTU files), and the product's own sample.

No descriptor of the AMA's is part of this product: the licensed files are the operator's. The sample beside
this module has forty codes described in words of this project, for trying the product and never for billing;
each of its titles says so.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path

from catalog.choices import CodeSystem, NodeKind, NoteKind, Origin
from catalog.errors import LoadRefused
from catalog.loaders.rows import Expected, NodeRow, NoteRow, Source

SAMPLE_MARK = "(sample, not for billing)"
SAMPLE_SIZE = 40
_SAMPLE = "cpt.csv"
_CODE = re.compile(r"(?P<code>\d{4}[0-9FTUM])[\t ]+(?P<text>\S.*)")
_YEAR = re.compile(r"(?<!\d)(20\d\d)(?!\d)")
# By kind of description, the names under which the AMA delivers it; the long one must be there.
_FILES = {"long": ("LONGULT", "LONGULF"), "medium": ("MEDU",), "short": ("SHORTU",)}


def open_source(path: Path) -> Source:
    """`path`: the folder of the licensed files, or its LONGULT.txt.

    The year stands in the name of the folder, of the file, or in the lines above the codes; CPT is then valid
    in that calendar year. Raises LoadRefused.
    """
    folder = path if path.is_dir() else path.parent
    texts: dict[str, tuple[str, bytes]] = {}
    for kind, names in _FILES.items():
        file = _file(folder, names)
        if file is not None:
            try:
                texts[kind] = (file.name, file.read_bytes())
            except OSError as error:
                raise LoadRefused(file.name, "the file cannot be read") from error
    if "long" not in texts:
        raise LoadRefused(folder.name, "no LONGULT.txt (long descriptions) in the folder")
    year = _year(path, folder, texts["long"][1])
    digest = hashlib.sha256()
    for _, text in texts.values():
        digest.update(hashlib.sha256(text).digest())
    return Source(
        system=CodeSystem.CPT,
        edition=str(year),
        valid_from=dt.date(year, 1, 1),
        valid_to=dt.date(year, 12, 31),
        name=", ".join(name for name, _ in texts.values()),
        fingerprint=digest.hexdigest(),
        read=partial(_read, texts),
        size=texts["long"][1].count(b"\n"),
    )


def open_sample() -> Source:
    """The forty sample codes."""
    text = files(__package__).joinpath("samples", _SAMPLE).read_bytes()
    return Source(
        system=CodeSystem.CPT,
        edition="sample of 2026",
        valid_from=dt.date(2026, 1, 1),
        valid_to=dt.date(2026, 12, 31),
        name="the product's own sample",
        fingerprint=hashlib.sha256(text).hexdigest(),
        read=partial(_read_sample, text),
        size=SAMPLE_SIZE,
        expected=Expected(billable=SAMPLE_SIZE),
        origin=Origin.SAMPLE,
    )


def _file(folder: Path, names: tuple[str, ...]) -> Path | None:
    for file in sorted(folder.iterdir()):
        if file.suffix.lower() == ".txt" and file.stem.upper() in names:
            return file
    return None


def _year(path: Path, folder: Path, text: bytes) -> int:
    head = text[:4000].decode("utf-8", "replace").splitlines()
    above = [line for line in head if _CODE.fullmatch(line.rstrip()) is None]
    # The folder by its full name: an operator keeps "cpt-2026/LONGULT.txt".
    for place in (path.stem, folder.resolve().name, *above):
        if found := _YEAR.search(place):
            return int(found.group(1))
    raise LoadRefused(folder.name, "the year is not named: call the folder by it, for example cpt-2026")


def _read(texts: dict[str, tuple[str, bytes]]) -> Iterator[NodeRow]:
    others = {kind: dict(_lines(*texts[kind])) for kind in ("medium", "short") if kind in texts}
    for code, title in _lines(*texts["long"]):
        terms = [said[code] for said in others.values() if code in said]
        notes = tuple(
            NoteRow(NoteKind.INCLUSION_TERM, 0, term)
            for term in dict.fromkeys(terms)
            if term.casefold() != title.casefold()
        )
        yield NodeRow(code, NodeKind.CODE, title, 0, True, notes=notes)
    known = {code for code, _ in _lines(*texts["long"])}
    for kind, said in others.items():
        if strangers := said.keys() - known:
            raise LoadRefused(
                texts[kind][0],
                f"{len(strangers)} codes lack a long description, {min(strangers)} is the first",
            )


def _lines(name: str, text: bytes) -> Iterator[tuple[str, str]]:
    """Code and description. What stands above the first code (notices) is passed over; below it every line
    must be one."""
    begun = False
    for number, line in enumerate(text.decode("utf-8-sig", "replace").splitlines(), start=1):
        match = _CODE.fullmatch(line.rstrip())
        if match is None:
            if begun and line.strip():
                raise LoadRefused(name, "not a code and its description", number)
            continue
        begun = True
        yield match["code"], " ".join(match["text"].split())


def _read_sample(text: bytes) -> Iterator[NodeRow]:
    """Columns code, description, other names (parted by "|"), all in words of this project."""
    for row in csv.DictReader(io.StringIO(text.decode("utf-8"))):
        names = [name.strip() for name in row["also"].split("|") if name.strip()]
        notes = tuple(NoteRow(NoteKind.INCLUSION_TERM, 0, name) for name in names)
        yield NodeRow(row["code"], NodeKind.CODE, f"{row['description']} {SAMPLE_MARK}", 0, True, notes=notes)
