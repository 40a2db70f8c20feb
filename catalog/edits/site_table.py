"""The site's own table for the checks that no published table stands behind: CSV with the columns check, code, other.

A code is named by how it begins ("R07", "I21", "45378"); one row a pair of beginnings. A check is on as soon as the
table has a row for it.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from catalog.errors import LoadRefused

CHECKS: tuple[str, ...] = ("symptom_integral", "unspecified_beside_specific", "procedure_without_diagnosis")
_COLUMNS = ("check", "code", "other")


@dataclass(frozen=True, slots=True)
class SiteRow:
    code: str
    other: str


SiteTable = Mapping[str, tuple[SiteRow, ...]]


def read_site_table(path: Path) -> SiteTable:
    """Raises LoadRefused with the line for a check that is not one of CHECKS and for a field that is empty."""
    found: dict[str, list[SiteRow]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != _COLUMNS:
                raise LoadRefused(path.name, f"the columns are not {', '.join(_COLUMNS)}", 1)
            for row in reader:
                check, code, other = ((row[name] or "").strip() for name in _COLUMNS)
                if check not in CHECKS:
                    raise LoadRefused(
                        path.name, f"{check!r} is not one of {', '.join(CHECKS)}", reader.line_num
                    )
                if not code or not other:
                    raise LoadRefused(path.name, "code or other is empty", reader.line_num)
                found.setdefault(check, []).append(SiteRow(code.upper(), other.upper()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LoadRefused(path.name, "the file cannot be read as CSV in UTF-8") from error
    return {check: tuple(rows) for check, rows in found.items()}
