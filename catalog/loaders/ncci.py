"""Reads the NCCI procedure-to-procedure edits of CMS (tab-separated text, or the same exported from Excel).

Columns: column 1, column 2, in existence before 1996, effective, last day (* for none), modifier indicator,
rationale. A quarter comes as several files (`ccipra-v323r0-f1` to `-f4`), brought as one folder or archive;
`ccipra` is the practitioner table, `ccioph` the outpatient hospital's. The version tells the quarter: 32.3 is
the fourth of 1994 + 32.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from catalog.choices import ProviderTable, TableKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated, first_day
from catalog.loaders.published_rows import Cells, published_rows
from catalog.loaders.table_rows import NcciRow, Remark, TableRow
from catalog.loaders.table_store import TableSource

_FILE = r"cci(pra|oph).*\.(txt|csv|tsv)"
_VERSION = re.compile(r"cci(?P<table>pra|oph)[-_]?v?(?P<year>\d{2})(?P<quarter>[0-3])", re.IGNORECASE)
_TABLES = {"pra": ProviderTable.PRACTITIONER, "oph": ProviderTable.OUTPATIENT_HOSPITAL}
_FIRST_VERSION = 1994
_CODE = re.compile(r"[0-9A-Z]\d{3}[0-9A-Z]")
_INDICATORS = frozenset("019")
_COLUMNS = 6


@dataclass(frozen=True)
class _Quarter:
    table: ProviderTable
    edition: str
    valid_from: dt.date
    valid_to: dt.date


def recognises(delivery: Delivery) -> bool:
    return bool(delivery.named(_FILE)) or "column 1" in delivery.head(delivery.names[0]).lower()


def open_table(delivery: Delivery, stated: Stated) -> TableSource:
    names = delivery.named(_FILE) or list(delivery.names)
    quarters = {quarter for name in names if (quarter := _quarter(name)) is not None}
    if len(quarters) > 1:
        raise LoadRefused(
            delivery.path.name, "the files are of more than one table or quarter; bring one at a time"
        )
    known = next(iter(quarters), None)
    name = stated.name or (known.table.value if known else "")
    if name not in ProviderTable.values:
        raise LoadRefused(
            delivery.path.name, f"state the table with --name: {' or '.join(ProviderTable.values)}"
        )
    first = stated.valid_from or (known.valid_from if known else first_day(stated, delivery.path.name))
    return TableSource(
        kind=TableKind.NCCI,
        name=name,
        edition=stated.edition or (known.edition if known else f"from {first}"),
        valid_from=first,
        valid_to=stated.valid_to or (known.valid_to if known else None),
        source=", ".join(part.rsplit("/", 1)[-1] for part in names),
        fingerprint=delivery.fingerprint(*names),
        read=partial(_read, delivery, names),
    )


def _quarter(name: str) -> _Quarter | None:
    found = _VERSION.search(name.rsplit("/", 1)[-1])
    if found is None:
        return None
    year, quarter = _FIRST_VERSION + int(found["year"]), int(found["quarter"])
    begins = dt.date(year, 3 * quarter + 1, 1)
    ends = dt.date(year + (quarter == 3), (3 * quarter + 3) % 12 + 1, 1) - dt.timedelta(days=1)
    return _Quarter(_TABLES[found["table"].lower()], f"v{found['year']}.{quarter}", begins, ends)


def _is_row(cells: Cells) -> bool:
    return len(cells) >= _COLUMNS and all(_CODE.fullmatch(cell.upper()) for cell in cells[:2])


def _read(delivery: Delivery, names: list[str]) -> Iterator[TableRow | RowError | Remark]:
    never = 0
    for name in names:
        for line, cells in published_rows(delivery, name, _is_row, "cp1252"):
            row = _row(name, line, cells)
            if isinstance(row, NcciRow) and row.deleted is not None and row.deleted <= row.effective:
                # How CMS takes back an edit: deleted as of the day that it would have begun.
                never += 1
                continue
            yield row
    if never:
        yield Remark(f"{never} pairs were deleted on the day they began and never held.")


def _row(name: str, line: int, cells: Cells) -> NcciRow | RowError:
    if not _is_row(cells):
        return RowError(name, "not a pair of codes with its dates and indicator", line)
    effective, deleted = _day(cells[3]), _day(cells[4])
    if effective is None or (deleted is None and cells[4] not in ("", "*")):
        return RowError(name, "a date is not of the form YYYYMMDD", line)
    indicator = cells[5][:1]
    if indicator not in _INDICATORS or not indicator:
        return RowError(name, f"the modifier indicator is {cells[5]!r}, not 0, 1 or 9", line)
    rationale = cells[6][:200] if len(cells) > _COLUMNS else ""
    return NcciRow(cells[0].upper(), cells[1].upper(), effective, deleted, indicator, rationale)


def _day(written: str) -> dt.date | None:
    for form in ("%Y%m%d", "%m/%d/%Y"):
        try:
            return dt.datetime.strptime(written, form).date()  # noqa: DTZ007 (a calendar day, no time)
        except ValueError:
            continue
    return None
