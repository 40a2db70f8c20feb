"""The built-in source: ICD-10-CM FY2026, April 2026 release, out of the package simple-icd-10-cm.

The package (MIT) carries the official tabular XML and the list of codes. Its files are read, the
package itself is not imported: importing builds a tree of 193 MB and joins lines of notes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from catalog.choices import CodeSystem
from catalog.errors import LoadRefused, RowError
from catalog.loaders.icd10cm_codes import read_code_list
from catalog.loaders.icd10cm_tabular import read_tabular
from catalog.loaders.rows import Expected, NodeRow, Source

EDITION = "FY2026, April release"
VALID_FROM = dt.date(2026, 4, 1)
VALID_TO = dt.date(2026, 9, 30)
TABULAR = "icd10c-tabular-April-1-2026.xml"
CODE_LIST = "code-list-April-2026.txt"
EXPECTED = Expected(
    billable=74_719,
    # Blocks of one category that is a code itself: the first thing a wrong loader loses.
    billable_codes=("B20", "F99", "P84", "R99", "Z66"),
    duplicate_names=39,
)


def package_data() -> Path:
    """The folder of the package's files, found without importing the package."""
    spec = find_spec("simple_icd_10_cm")
    if spec is None or not spec.submodule_search_locations:
        raise LoadRefused("simple-icd-10-cm", "the package is not installed")
    return Path(spec.submodule_search_locations[0]) / "data"


def open_source(data: Path | None = None) -> Source:
    """The edition with its fingerprint. `data`: another folder holding the two files."""
    folder = data or package_data()
    name = f"simple-icd-10-cm {version('simple-icd-10-cm')}"
    parts: list[bytes] = []
    for file in (TABULAR, CODE_LIST):
        try:
            parts.append((folder / file).read_bytes())
        except OSError as error:
            raise LoadRefused(file, "the file cannot be read") from error
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return Source(
        system=CodeSystem.ICD10CM,
        edition=EDITION,
        valid_from=VALID_FROM,
        valid_to=VALID_TO,
        name=name,
        fingerprint=digest.hexdigest(),
        read=partial(_read, parts[0], parts[1]),
        size=98_505,
        expected=EXPECTED,
    )


def _read(tabular: bytes, code_list: bytes) -> Iterator[NodeRow | RowError]:
    return read_tabular(io.BytesIO(tabular), read_code_list(code_list, CODE_LIST), TABULAR)
