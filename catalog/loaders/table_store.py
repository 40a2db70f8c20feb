"""Writes one edition of a published table: by COPY, all or nothing, once.

Rows are written as they are read, so a table of two million pairs never stands in memory. A row that is
wrong is collected and the rest still read; with any such row nothing is stored.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

import psycopg
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Model
from django.utils import timezone

from catalog.choices import INDEX_KINDS, Origin, TableKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.index_copy import copy_index
from catalog.loaders.store import LOAD_LOCK, MOST_ERRORS, REPORT_EVERY, Report, silent
from catalog.loaders.table_rows import (
    HccRow,
    IndexRow,
    MceRow,
    MemberRow,
    ModifierRow,
    MueRow,
    NcciRow,
    Remark,
    TableRow,
)
from catalog.models import (
    HccEntry,
    IndexEntry,
    MceEntry,
    Modifier,
    MueEntry,
    NcciPair,
    TableEdition,
    ValueSetEntry,
)

# The model of each kind's rows, and the row that fills it.
LAYOUTS: dict[str, tuple[type[Model], type]] = {
    **dict.fromkeys(INDEX_KINDS, (IndexEntry, IndexRow)),
    TableKind.MODIFIERS: (Modifier, ModifierRow),
    TableKind.NCCI: (NcciPair, NcciRow),
    TableKind.MUE: (MueEntry, MueRow),
    TableKind.MCE: (MceEntry, MceRow),
    TableKind.HCC: (HccEntry, HccRow),
    TableKind.POA_EXEMPT: (ValueSetEntry, MemberRow),
    TableKind.VALUE_SET: (ValueSetEntry, MemberRow),
}


@dataclass(frozen=True)
class TableSource:
    """One edition of one table, ready to be read.

    `name` as TableEdition.name. `source` says what was read (file names), `fingerprint` is the SHA-256 over its
    bytes: with kind and name it makes the edition. `read` yields rows of the kind's layout, a RowError for each
    row found wrong, a Remark for what was left out; it raises LoadRefused where nothing can be read at all.
    """

    kind: TableKind
    edition: str
    valid_from: dt.date
    valid_to: dt.date | None
    source: str
    fingerprint: str
    read: Callable[[], Iterator[TableRow | RowError | Remark]]
    name: str = ""
    origin: Origin = Origin.PUBLISHED
    # About how many rows come, for the progress bar; 0 where nobody knows beforehand.
    size: int = 0


@dataclass(frozen=True)
class TableResult:
    edition: TableEdition
    already_loaded: bool
    seconds: float


def load_table(source: TableSource, report: Report = silent) -> TableResult:
    """Stores the edition; the same source again only finds it, with the dates it was first loaded with.

    Raises LoadRefused, with nothing stored, for rows found wrong (all of them in `errors`), for rows that the
    table refuses (twice the same, too long), and for a source without rows.
    """
    begun = time.monotonic()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOAD_LOCK])
        found = TableEdition.objects.filter(
            kind=source.kind, name=source.name, source_hash=source.fingerprint
        ).first()
        if found is not None:
            return TableResult(found, True, time.monotonic() - begun)
        edition = _edition(source)
        sorted_out = _SortedOut(source, report)
        try:
            with transaction.atomic():
                _write(cursor, edition, sorted_out, report)
        except (DataError, IntegrityError, psycopg.DataError, psycopg.IntegrityError) as error:
            # What COPY itself refuses is not translated by Django; what is copied from a stage is.
            raise _refused(source, error) from error
        if sorted_out.errors:
            raise LoadRefused.of_rows(sorted_out.errors)
        if not sorted_out.count:
            raise LoadRefused(source.source, "the source holds no row")
        edition.row_count = sorted_out.count
        edition.remarks = sorted_out.remarks
        edition.save(update_fields=["row_count", "remarks"])
    model, _ = LAYOUTS[source.kind]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {model._meta.db_table}")
    return TableResult(edition, False, time.monotonic() - begun)


def _edition(source: TableSource) -> TableEdition:
    if source.valid_to is not None and source.valid_to < source.valid_from:
        raise LoadRefused(source.source, "the edition would end before it begins")
    return TableEdition.objects.create(
        kind=source.kind,
        name=source.name,
        edition=source.edition,
        valid_from=source.valid_from,
        valid_to=source.valid_to,
        source=source.source,
        source_hash=source.fingerprint,
        origin=source.origin,
        loaded_at=timezone.now(),
        row_count=0,
    )


class _SortedOut:
    """The rows of a source; what else it yields is kept aside. After the first error no row comes any more,
    since none will be stored, but the errors of the rest are still found."""

    def __init__(self, source: TableSource, report: Report) -> None:
        self.source = source
        self.report = report
        self.count = 0
        self.errors: list[RowError] = []
        self.remarks: list[str] = []

    def __iter__(self) -> Iterator[TableRow]:
        for item in self.source.read():
            if isinstance(item, RowError):
                self.errors.append(item)
                if len(self.errors) == MOST_ERRORS:
                    return
            elif isinstance(item, Remark):
                self.remarks.append(item.text)
            else:
                self.count += 1
                if self.count % REPORT_EVERY == 0:
                    self.report("writing", self.count, max(self.source.size, self.count))
                if not self.errors:
                    yield item
        self.report("writing", self.count, self.count)


def _write(cursor: Any, edition: TableEdition, rows: _SortedOut, report: Report) -> None:
    model, row_type = LAYOUTS[edition.kind]
    if row_type is IndexRow:
        copy_index(cursor, edition, (row for row in rows if isinstance(row, IndexRow)), report)
        return
    names = [field.name for field in fields(row_type)]
    columns = ", ".join(f'"{name}"' for name in names)
    lines = ((edition.pk, *(getattr(row, name) for name in names)) for row in rows)
    with cursor.copy(f"COPY {model._meta.db_table} (edition_id, {columns}) FROM STDIN") as copy:
        while part := list(islice(lines, REPORT_EVERY)):
            for line in part:
                copy.write_row(line)


def _refused(source: TableSource, error: Exception) -> LoadRefused:
    """The database's own words for the row it refused; they name values of the published row only."""
    diagnosis = getattr(error if isinstance(error, psycopg.Error) else error.__cause__, "diag", None)
    said = getattr(diagnosis, "message_detail", None) or getattr(diagnosis, "message_primary", None)
    place = (getattr(diagnosis, "context", None) or "").split(":")[0]
    problem = f"a row cannot be stored: {said or error}"
    return LoadRefused(source.source, f"{problem} ({place})" if place else problem)
