"""Fixtures of all tests."""

from tests.catalog_fixtures import _icd10cm_loaded, icd10cm, small_release

__all__ = ["_icd10cm_loaded", "icd10cm", "small_release"]
