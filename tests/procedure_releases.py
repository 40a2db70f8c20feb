"""Releases of procedures for tests of what is built on them; gone with the test's transaction."""

from __future__ import annotations

import datetime as dt

import pytest

from catalog.choices import CodeSystem, NodeKind
from catalog.loaders.registry import open_source
from catalog.loaders.rows import NodeRow, Source
from catalog.loaders.store import load
from catalog.models import Release


@pytest.fixture
def cpt_sample(db: None) -> Release:
    """The forty sample codes, valid in 2026."""
    return load(open_source(CodeSystem.CPT)).release


def procedure_rows(*codes: str, **days: dt.date) -> tuple[NodeRow, ...]:
    return tuple(NodeRow(code, NodeKind.CODE, f"Made up {code}", 0, True, **days) for code in codes)


def load_procedures(
    system: CodeSystem,
    rows: tuple[NodeRow, ...],
    *,
    begins: dt.date = dt.date(2026, 1, 1),
    ends: dt.date = dt.date(2026, 12, 31),
) -> Release:
    """A hand-made published release."""
    source = Source(
        system=system,
        edition=f"made up from {begins}",
        valid_from=begins,
        valid_to=ends,
        name="hand-made",
        fingerprint=f"{system}{begins}{len(rows)}".ljust(64, "0"),
        read=lambda: iter(rows),
        size=len(rows),
    )
    return load(source).release
