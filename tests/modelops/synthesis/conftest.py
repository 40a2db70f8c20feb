"""The vocabulary of the built-in release, read once, and a hundred charts of it."""

from __future__ import annotations

import pytest

from catalog.models import Release
from modelops.synthesis.drawing import Drawing, Wanted
from modelops.synthesis.embedded_writer import EmbeddedWriter
from modelops.synthesis.making import days_of, make
from modelops.synthesis.release_vocabulary import vocabulary_of
from modelops.synthesis.types import SyntheticDraft
from modelops.synthesis.vocabulary import Vocabulary

_KEPT: dict[int, list[SyntheticDraft]] = {}


@pytest.fixture
def vocabulary(icd10cm: Release) -> Vocabulary:
    return vocabulary_of(icd10cm)


@pytest.fixture
def drawing(icd10cm: Release, vocabulary: Vocabulary) -> Drawing:
    return Drawing(vocabulary, Wanted(), days_of(icd10cm.valid_from, icd10cm.valid_to))


@pytest.fixture
def drafts(icd10cm: Release, drawing: Drawing, vocabulary: Vocabulary) -> list[SyntheticDraft]:
    """Charts 0 to 199 of seed 1. Frozen, so one reading serves all tests."""
    if icd10cm.pk not in _KEPT:
        _KEPT[icd10cm.pk] = list(make(drawing, EmbeddedWriter(vocabulary), seed=1, count=200))
    return _KEPT[icd10cm.pk]
