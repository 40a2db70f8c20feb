"""Reads the medically unlikely edits of CMS (CSV, one file a provider type and quarter).

Columns: code, units, adjudication indicator ("3 Date of Service Edit: Clinical"), rationale. The file's name
tells provider type and first day: `MCR_MUE_PractitionerServices_Eff_10-01-2026.csv`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from functools import partial

from catalog.choices import ProviderTable, TableKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated, first_day
from catalog.loaders.published_rows import Cells, published_rows
from catalog.loaders.table_rows import MueRow, Remark, TableRow
from catalog.loaders.table_store import TableSource

_EFFECTIVE = re.compile(r"Eff[-_ ]*(\d{2})[-_](\d{2})[-_](\d{4})", re.IGNORECASE)
_TABLES = (
    (re.compile(r"practitioner", re.IGNORECASE), ProviderTable.PRACTITIONER),
    (re.compile(r"outpatient\s*hospital", re.IGNORECASE), ProviderTable.OUTPATIENT_HOSPITAL),
)
_CODE = re.compile(r"[0-9A-Z]\d{3}[0-9A-Z]")
_MAI = frozenset("123")


def recognises(delivery: Delivery) -> bool:
    return len(delivery.names) == 1 and "mue" in delivery.head(delivery.names[0]).lower()


def open_table(delivery: Delivery, stated: Stated) -> TableSource:
    name = delivery.names[0]
    said = [
        table for pattern, table in _TABLES if pattern.search(name) or pattern.search(delivery.head(name))
    ]
    table = stated.name or (said[0].value if len(said) == 1 else "")
    if table not in ProviderTable.values:
        raise LoadRefused(name, f"state the table with --name: {' or '.join(ProviderTable.values)}")
    effective = _EFFECTIVE.search(name)
    if effective:
        month, day, year = (int(part) for part in effective.groups())
        begins = stated.valid_from or dt.date(year, month, day)
    else:
        begins = first_day(stated, name)
    return TableSource(
        kind=TableKind.MUE,
        name=table,
        edition=stated.edition or f"from {begins}",
        valid_from=begins,
        valid_to=stated.valid_to or _quarter_end(begins),
        source=name.rsplit("/", 1)[-1],
        fingerprint=delivery.fingerprint(name),
        read=partial(_read, delivery, name),
    )


def _quarter_end(day: dt.date) -> dt.date:
    """MUE are published anew each quarter."""
    month = (day.month - 1) // 3 * 3 + 3
    after = dt.date(day.year + (month == 12), month % 12 + 1, 1)
    return after - dt.timedelta(days=1)


def _is_row(cells: Cells) -> bool:
    return len(cells) >= 3 and _CODE.fullmatch(cells[0].upper()) is not None


def _read(delivery: Delivery, name: str) -> Iterator[TableRow | RowError | Remark]:
    for line, cells in published_rows(delivery, name, _is_row, "cp1252"):
        if not _is_row(cells):
            yield RowError(name, "not a code with its units and indicator", line)
        elif not cells[1].isdecimal():
            yield RowError(name, f"units {cells[1]!r} are no number", line)
        elif cells[2][:1] not in _MAI:
            yield RowError(name, f"the adjudication indicator is {cells[2]!r}, not 1, 2 or 3", line)
        else:
            rationale = cells[3][:200] if len(cells) > 3 else ""
            yield MueRow(cells[0].upper(), int(cells[1]), cells[2][0], rationale)
