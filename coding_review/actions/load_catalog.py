"""Load one release of a code system or one edition of a table; the catalog works, the audit log learns of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
    load_it: Callable[[], LoadResult | TableResult]
    if system in TableKind.values:
        load_it = partial(load_table, open_table(system, path, stated), report)
    else:
        load_it = partial(load, open_source(system, path, stated), report)
    with transaction.atomic():
        result = load_it()
        if not result.already_loaded:
            type_, data = _event(result)
            audit.record(type_, actor=actor, data=data)
    return result


def _event(result: LoadResult | TableResult) -> tuple[str, dict[str, Any]]:
    if isinstance(result, TableResult):
        edition = result.edition
        return "catalog.table_loaded", {
            "kind": edition.kind,
            "name": edition.name,
            "edition": edition.edition,
            "rows": edition.row_count,
            "source_hash": edition.source_hash,
        }
    release = result.release
    return "catalog.loaded", {
        "system": release.system,
        "release": release.edition,
        "nodes": release.node_count,
        "source_hash": release.source_hash,
    }
