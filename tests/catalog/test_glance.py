"""The lines of a note at a glance: which codes, and which words of the line led to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.lookup.glance import Glance
from tests.catalog.lookup_fixtures import release_lookup, small_lookup


@pytest.fixture
def glance(icd10cm) -> Glance:
    return Glance(release_lookup(icd10cm))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        ("1. Essential hypertension", "I10", "Essential hypertension"),
        (
            "Hx of asthma; persistent atrial fibrillation, on apixaban",
            "I48.19",
            "persistent atrial fibrillation",
        ),
        ("PMH: T2DM, HTN, hyperlipidemia", "E78.5", "hyperlipidemia"),
        ("PMH: T2DM, HTN, hyperlipidemia", "I10", "HTN"),
        (
            "She was treated: acute cystitis with hematuria.",
            "N30.01",
            "acute cystitis with hematuria",
        ),
        ("- Iron deficiency anemia, unspecified", "D50.9", "Iron deficiency anemia, unspecified"),
    ],
)
def test_a_line_leads_to_its_codes_and_says_by_which_words(glance, line, code, words):
    found = {one.code: line[one.col_start : one.col_end] for one in glance.line(line, 6)}
    assert found[code] == words


@pytest.mark.django_db
@pytest.mark.parametrize(
    "line", ["", "   ", "Na 134 135 137 138", "T 36.7  HR 112  BP 158/94", "12345", "---- ----", "\ud800"]
)
def test_a_line_without_a_condition_leads_to_none(glance, line):
    assert glance.line(line, 6) == []


def test_at_most_so_many_best_first_and_each_once():
    found = Glance(small_lookup(), least=0.1).line("fracture of radius, fracture of radius", 2)
    assert len(found) == 2
    assert len({one.code for one in found}) == 2
    assert found[0].score >= found[1].score


def test_a_long_line_is_read_to_its_end():
    line = "word, " * 2_000 + "high blood pressure"
    found = Glance(small_lookup()).line(line, 3)
    assert [(one.code, line[one.col_start : one.col_end]) for one in found] == [
        ("I10", "high blood pressure")
    ]


@given(st.text(max_size=300))
def test_columns_are_of_the_line(text):
    for one in Glance(small_lookup(), least=0.2).line(text, 6):
        words = text[one.col_start : one.col_end]
        assert 0 <= one.col_start < one.col_end <= len(text)
        assert words == words.strip() != ""
