"""The catalog as tests see it: the full built-in release, loaded once a test database."""

from __future__ import annotations

import datetime as dt

import pytest

from catalog.choices import CodeSystem, NodeKind, NoteKind
from catalog.loaders.registry import open_source
from catalog.loaders.rows import NodeRow, NoteRow, Source
from catalog.loaders.store import load
from catalog.models import Release


@pytest.fixture(scope="session")
def _icd10cm_loaded(django_db_setup, django_db_blocker) -> int:
    """Loads by the product's own loader, outside any test's transaction.

    Tests that commit empty the database when they end; tests/flush.py leaves the catalog standing, since
    reloading it would cost each such test the whole load.
    """
    with django_db_blocker.unblock():
        return load(open_source(CodeSystem.ICD10CM)).release.pk


@pytest.fixture
def icd10cm(_icd10cm_loaded: int, db) -> Release:
    """The full FY2026 April release, valid 2026-04-01 to 2026-09-30."""
    return Release.objects.get(pk=_icd10cm_loaded)


def small_source(**changes) -> Source:
    """A hand-made edition of five nodes, valid from 2026-10-01 with no end: E11 has one code less,
    one code more and one title changed against the built-in release."""
    values = {
        "system": CodeSystem.ICD10CM,
        "edition": "FY2027 sample",
        "valid_from": dt.date(2026, 10, 1),
        "valid_to": None,
        "name": "hand-made",
        "fingerprint": "f" * 64,
        "read": lambda: iter(SMALL_ROWS),
        "size": len(SMALL_ROWS),
    }
    return Source(**{**values, **changes})


SMALL_ROWS = (
    NodeRow("4", NodeKind.CHAPTER, "Endocrine diseases", 0, False),
    NodeRow("E08-E13", NodeKind.BLOCK, "Diabetes mellitus", 1, False),
    NodeRow(
        "E11",
        NodeKind.CATEGORY,
        "Type 2 diabetes mellitus",
        2,
        False,
        notes=(NoteRow(NoteKind.EXCLUDES1, 0, "type 1 diabetes mellitus (E10.-)"),),
    ),
    NodeRow("E11.7", NodeKind.SUBCATEGORY, "Type 2 diabetes mellitus in remission", 3, True),
    NodeRow("E11.9", NodeKind.SUBCATEGORY, "Type 2 diabetes mellitus, uncomplicated", 3, True),
)


@pytest.fixture
def small_release(icd10cm: Release) -> Release:
    """A second release beside the built-in one, gone with the test's transaction."""
    return load(small_source()).release
