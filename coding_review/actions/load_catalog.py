"""Load one release of a code system or one edition of a table; the catalog works, the audit log learns of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import transaction

from catalog.choices import TableKind
from catalog.loaders.delivery import Stated
from catalog.loaders.registry import NOTHING_STATED, open_source, open_table
from catalog.loaders.store import LoadResult, Report, load, silent
from catalog.loaders.table_store import TableResult, load_table
from coding_review import audit
from coding_review.auth import require
from coding_review.rules.permissions import LOAD_CATALOG


def load_catalog(
    actor: Any,
    system: str,
    path: Path | None = None,
    *,
    stated: Stated = NOTHING_STATED,
    report: Report = silent,
) -> LoadResult | TableResult:
    """What was loaded and whether it was there before; only what is new is an event.

    `system` is a CodeSystem or a TableKind; `actor` None is the operator at the command line. Raises NotAllowed;
    UnknownSystem, NoLoader, LoadRefused (catalog/errors.py), with nothing stored.
    """
    if actor is not None:
        require(actor, LOAD_CATALOG)
    if system in TableKind.values:
        return _table(actor, system, path, stated, report)
    return _release(actor, system, path, stated, report)


def _release(actor: Any, system: str, path: Path | None, stated: Stated, report: Report) -> LoadResult:
    source = open_source(system, path, stated)
    with transaction.atomic():
        result = load(source, report)
        if not result.already_loaded:
            release = result.release
            audit.record(
                "catalog.loaded",
                actor=actor,
                data={
                    "system": release.system,
                    "release": release.edition,
                    "nodes": release.node_count,
                    "source_hash": release.source_hash,
                },
            )
    return result


def _table(actor: Any, kind: str, path: Path | None, stated: Stated, report: Report) -> TableResult:
    source = open_table(kind, path, stated)
    with transaction.atomic():
        result = load_table(source, report)
        if not result.already_loaded:
            edition = result.edition
            audit.record(
                "catalog.table_loaded",
                actor=actor,
                data={
                    "kind": edition.kind,
                    "name": edition.name,
                    "edition": edition.edition,
                    "rows": edition.row_count,
                    "source_hash": edition.source_hash,
                },
            )
    return result
