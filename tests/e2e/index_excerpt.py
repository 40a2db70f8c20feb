"""A few lines of the Alphabetic Index, written out for pictures: enough to see what the index browser shows."""

from __future__ import annotations

import datetime as dt

from catalog.choices import TableKind
from catalog.loaders.table_rows import IndexRow
from catalog.loaders.table_store import TableSource, load_table
from catalog.models import TableEdition

ROWS = (
    IndexRow(0, "Depression", "(acute) (mental)", ("F32.A",)),
    IndexRow(0, "Diabetes, diabetic", "(mellitus) (sugar)", ("E11.9",)),
    IndexRow(1, "with"),
    IndexRow(2, "amyotrophy", codes=("E11.44",)),
    IndexRow(2, "cataract", codes=("E11.36",)),
    IndexRow(2, "chronic kidney disease", codes=("E11.22",)),
    IndexRow(2, "foot ulcer", codes=("E11.621",)),
    IndexRow(2, "gangrene", codes=("E11.52",)),
    IndexRow(2, "hyperglycemia", codes=("E11.65",)),
    IndexRow(2, "nephropathy", codes=("E11.21",)),
    IndexRow(2, "neuropathy", see="Diabetes, with, polyneuropathy"),
    IndexRow(2, "polyneuropathy", codes=("E11.42",)),
    IndexRow(2, "retinopathy", codes=("E11.319",)),
    IndexRow(3, "proliferative", codes=("E11.359-",)),
    IndexRow(1, "brittle", see="Diabetes, type 1"),
    IndexRow(1, "due to underlying condition", codes=("E08.9",)),
    IndexRow(1, "gestational", "(in pregnancy)", ("O24.419",)),
    IndexRow(1, "insipidus", codes=("E23.2",)),
    IndexRow(1, "type 1", codes=("E10.9",)),
    IndexRow(2, "with chronic kidney disease", codes=("E10.22",)),
    IndexRow(1, "type 2", codes=("E11.9",)),
    IndexRow(2, "with chronic kidney disease", codes=("E11.22",)),
    IndexRow(0, "Disease, kidney, chronic", codes=("N18.9",)),
    IndexRow(1, "stage 3b", codes=("N18.32",)),
)


def load_excerpt() -> TableEdition:
    return load_table(
        TableSource(
            kind=TableKind.INDEX,
            edition="FY2026, an excerpt",
            valid_from=dt.date(2025, 10, 1),
            valid_to=dt.date(2026, 9, 30),
            source="written out for pictures",
            fingerprint="excerpt".ljust(64, "0"),
            read=lambda: iter(ROWS),
            size=len(ROWS),
        )
    ).edition
