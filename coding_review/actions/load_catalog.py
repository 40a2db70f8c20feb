"""Load one release of a code system; the catalog does the work, the audit log learns of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import transaction

from catalog.loaders.registry import open_source
from catalog.loaders.store import LoadResult, Report, load, silent
from coding_review import audit
from coding_review.auth import require
from coding_review.rules.permissions import LOAD_CATALOG


def load_catalog(actor: Any, system: str, path: Path | None = None, *, report: Report = silent) -> LoadResult:
    """The release and whether it was there before; only a new one is an event.

    `actor` None is the operator at the command line. Raises NotAllowed; UnknownSystem, NoLoader, LoadRefused
    (catalog/errors.py), with nothing stored.
    """
    if actor is not None:
        require(actor, LOAD_CATALOG)
    source = open_source(system, path)
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
