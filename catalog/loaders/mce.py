"""Reads the code lists of the Medicare Code Editor, tab-separated with a heading line.

Columns: version, ICD version, section, subsection, kind of edit, D (diagnosis) or P (procedure), code without
dot, description. Version 37 is that of fiscal year 2020, and so on. The file holds no age bounds: they are
part of the edition's manual, and the checks hold them beside its dates.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from functools import partial

from catalog.choices import CodeSystem, MceList, TableKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated
from catalog.loaders.icd10cm_codes import dotted
from catalog.loaders.published_rows import Cells, published_rows
from catalog.loaders.table_rows import MceRow, Remark, TableRow
from catalog.loaders.table_store import TableSource

_HEADING = "MCE_Version"
_FIRST_YEAR = 1983
# Kinds of edit as the file names them; any other is kept under its own name.
_LISTS = {
    "newborn_only": MceList.PERINATAL,
    "perinatal_only": MceList.PERINATAL,
    "pediatric_only": MceList.PEDIATRIC,
    "maternity_only": MceList.MATERNITY,
    "adult_only": MceList.ADULT,
    "female_only": MceList.FEMALE,
    "male_only": MceList.MALE,
    "principal_manifestation": MceList.MANIFESTATION,
    "principal_questionable_admit": MceList.QUESTIONABLE,
    "principal_unacceptable": MceList.UNACCEPTABLE,
    "principal_unacceptable_without_secondary": MceList.UNACCEPTABLE_ALONE,
    "unspecified_code": MceList.UNSPECIFIED,
}
_SYSTEMS = {"D": CodeSystem.ICD10CM, "P": CodeSystem.ICD10PCS}
_COLUMNS = 7


def recognises(delivery: Delivery) -> bool:
    return bool(delivery.holding(_HEADING))


def open_table(delivery: Delivery, stated: Stated) -> TableSource:
    name = delivery.holding(_HEADING)[0]
    versions = {line.split("\t", 1)[0] for line in delivery.head(name).splitlines()[1:-1]}
    if len(versions) != 1 or not (version := versions.pop()).isdecimal():
        raise LoadRefused(name, "the file is not of one version of the editor")
    year = _FIRST_YEAR + int(version)
    return TableSource(
        kind=TableKind.MCE,
        edition=stated.edition or f"v{version}, FY{year}",
        valid_from=stated.valid_from or dt.date(year - 1, 10, 1),
        valid_to=stated.valid_to or dt.date(year, 9, 30),
        source=name.rsplit("/", 1)[-1],
        fingerprint=delivery.fingerprint(name),
        read=partial(_read, delivery, name, version),
    )


def _read(delivery: Delivery, name: str, version: str) -> Iterator[TableRow | RowError | Remark]:
    seen: set[MceRow] = set()
    repeated = 0
    unknown: Counter[str] = Counter()
    for line, cells in published_rows(delivery, name, lambda cells: cells[0] == version, "cp1252"):
        row = _row(name, line, cells, version)
        if isinstance(row, RowError):
            yield row
            continue
        if row in seen:
            repeated += 1
            continue
        seen.add(row)
        if row.list == MceList.OTHER:
            unknown[row.group] += 1
        yield row
    if repeated:
        yield Remark(f"{repeated} rows stand in the file twice.")
    for kind, count in sorted(unknown.items()):
        yield Remark(f"{count} codes of the list {kind}, which no check asks about.")


def _row(name: str, line: int, cells: Cells, version: str) -> MceRow | RowError:
    if len(cells) < _COLUMNS or cells[0] != version:
        return RowError(name, f"not a row of version {version}", line)
    system = _SYSTEMS.get(cells[5])
    if system is None:
        return RowError(name, f"the code is of type {cells[5]!r}, not D or P", line)
    if not cells[6].isalnum() or not cells[4]:
        return RowError(name, f"{cells[6]!r} is no code of a list", line)
    code = dotted(cells[6]) if system == CodeSystem.ICD10CM else cells[6]
    known = _LISTS.get(cells[4].lower())
    return MceRow(known or MceList.OTHER, code, system, "" if known else cells[4])
