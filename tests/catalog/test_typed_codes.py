"""A code typed where a description was expected, in the whole release."""

from __future__ import annotations

import json

import pytest

from catalog.lookup.batch import look_up_lines
from tests.catalog.lookup_fixtures import release_lookup

_MORE = "it needs more characters"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("i10", "I10"),
        ("E119", "E11.9"),
        ("e11.9", "E11.9"),
        (" E11.9 ", "E11.9"),
        ("s72001a", "S72.001A"),
        ("W65.XXXA", "W65.XXXA"),
    ],
)
def test_a_complete_code_is_the_only_answer(icd10cm, typed, code):
    answers = release_lookup(icd10cm).find(typed)
    assert [(answer.code, answer.score, answer.why) for answer in answers] == [(code, 1.0, "code")]


@pytest.mark.parametrize(
    ("typed", "codes", "why"),
    [
        ("E11", ["E11.8", "E11.9", "E11.A", "E11.00"], f"code begins with E11, which is incomplete: {_MORE}"),
        (
            "E11.2-",
            ["E11.21", "E11.22", "E11.29"],
            f"code begins with E11.2, which is incomplete: {_MORE}",
        ),
        (
            "S72.00",
            ["S72.001A", "S72.002A", "S72.009A", "S72.001B"],
            f"code begins with S72.00, which is incomplete: {_MORE}",
        ),
        (
            "s72.001",
            ["S72.001A", "S72.001B", "S72.001C", "S72.001D"],
            "code begins with S72.001, which is incomplete: it needs a 7th character",
        ),
        (
            "W65",
            ["W65.XXXA", "W65.XXXD", "W65.XXXS"],
            "code begins with W65, which is incomplete: it needs a 7th character",
        ),
    ],
)
def test_a_header_offers_its_codes_as_incomplete(icd10cm, typed, codes, why):
    answers = release_lookup(icd10cm).find(typed, 4)
    assert [answer.code for answer in answers] == codes
    assert {answer.why for answer in answers} == {why}
    assert {answer.billable for answer in answers} == {True}


def test_a_header_itself_only_where_headers_are_wanted(icd10cm):
    first, second = release_lookup(icd10cm).find("E11.2", 2, billable_only=False)
    assert (first.code, first.billable, first.why) == ("E11.2", False, "code")
    assert second.code == "E11.21"


@pytest.mark.parametrize("typed", ["E11.99", "Q99.99", "Z99.999"])
def test_no_code_of_the_release_gives_none(icd10cm, typed):
    lookup = release_lookup(icd10cm)
    assert lookup.find(typed) == []
    assert lookup.find_each(typed) == []


@pytest.mark.parametrize(("typed", "code"), [("T2DM", "E11.9"), ("vitamin B12 deficiency", "E53.8")])
def test_words_that_look_like_codes_stay_words(icd10cm, typed, code):
    assert code in [answer.code for answer in release_lookup(icd10cm).find(typed, 10)]


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("E11.9, I10", ["E11.9", "I10"]),
        ("E119 i10;N18.30", ["E11.9", "I10", "N18.30"]),
        ("gout; E11.9", ["M10.9", "E11.9"]),
        ("E11", ["E11.8"]),
        ("E11.99, I10", ["I10"]),
    ],
)
def test_each_of_several_codes_is_an_answer(icd10cm, typed, codes):
    assert [answer.code for answer in release_lookup(icd10cm).find_each(typed)] == codes


def test_the_batch_reads_codes_too(icd10cm):
    lines = [json.dumps({"id": 1, "text": "E119"}).encode(), json.dumps({"id": 2, "text": "E11.2"}).encode()]
    rows = [outcome.row for outcome in look_up_lines(lines, release_lookup(icd10cm), top=2, multiple=False)]
    assert rows == [
        {"id": 1, "codes": [{"code": "E11.9", "score": 1.0, "why": "code"}]},
        {
            "id": 2,
            "codes": [
                {
                    "code": code,
                    "score": 0.9,
                    "why": f"code begins with E11.2, which is incomplete: {_MORE}",
                }
                for code in ("E11.21", "E11.22")
            ],
        },
    ]
