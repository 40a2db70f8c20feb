"""A release that is read for the checks stays, so the collector of garbage does not go through it again."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from catalog.edits import loading


@pytest.mark.django_db
def test_a_loaded_release_is_set_aside_from_the_collector(icd10cm: Any) -> None:
    loading._tabular.cache_clear()
    tabular = loading.tabular_of(icd10cm)
    assert loading.tabular_of(icd10cm) is tabular
    # What is set aside is in no generation.
    assert not any(one is tabular.tree for one in gc.get_objects())
    assert gc.is_tracked(tabular.tree)
