"""What stands beside a found code: its path, its line of the index, and what the typed words left open."""

from __future__ import annotations

import datetime as dt

import pytest

from catalog.choices import TableKind
from catalog.completing import SeventhOption, narrowed, side_of
from catalog.hits import HitFacts, facts_of
from catalog.loaders.table_rows import IndexRow
from catalog.loaders.table_store import load_table
from catalog.search import SearchHit
from catalog.words import words
from tests.catalog.test_index_pages import load_index
from tests.catalog.test_table_store import source

INJURY = (
    SeventhOption("A", "initial encounter for closed fracture", "S72.001A"),
    SeventhOption("B", "initial encounter for open fracture type I or II", "S72.001B"),
    SeventhOption("D", "subsequent encounter for closed fracture with routine healing", "S72.001D"),
    SeventhOption(
        "E", "subsequent encounter for open fracture type I or II with routine healing", "S72.001E"
    ),
    SeventhOption("S", "sequela", "S72.001S"),
)


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("fracture of femur", "ABDES"),
        ("type 2 diabetes with fracture", "ABDES"),
        ("open fracture", "BE"),
        ("compound fracture, first visit", "B"),
        ("fracture, subsequent", "DE"),
        ("initial encounter for closed fracture", "A"),
        ("aftercare of closed fracture with routine healing", "D"),
        ("sequelae", "S"),
    ],
)
def test_words_narrow_the_7th_characters(typed, left):
    assert "".join(one.character for one in narrowed(INJURY, words(typed))) == left


def test_words_that_rule_out_the_code_that_was_found_narrow_nothing():
    assert "".join(one.character for one in narrowed(INJURY, ["open"], mine="A")) == "ABDES"
    assert "".join(one.character for one in narrowed(INJURY, ["open"], mine="B")) == "BE"


@pytest.mark.parametrize(
    ("title", "side"),
    [
        ("Unspecified fracture of right femur", "right"),
        ("Fracture of unspecified part of neck of unspecified femur", "unspecified"),
        ("Hemiplegia, unspecified affecting left nondominant side", "left nondominant"),
        ("Age-related nuclear cataract, bilateral", "bilateral"),
        ("Type 2 diabetes mellitus without complications", ""),
        ("Brightness", ""),
    ],
)
def test_the_side_that_a_title_says(title, side):
    assert side_of(title) == side


def hit(code, why="title"):
    return SearchHit(code, "", True, 1.0, why)


def facts(release, query, *codes):
    found = facts_of(release, [hit(code) for code in codes], query)
    return [found[code] for code in codes]


def labels(completions):
    return [one.label for one in completions]


def codes(completions):
    return [one.code for one in completions]


def test_the_path_from_the_chapter_down(icd10cm):
    diabetes, fracture, category = facts(icd10cm, "x", "E11.22", "S72.141A", "E11")
    assert diabetes.path == ("Endocrine, nutritional and metabolic diseases", "E11", "E11.2")
    assert fracture.path[1:] == ("S72", "S72.1", "S72.14", "S72.141")
    assert category.path == ("Endocrine, nutritional and metabolic diseases",)


def test_why_a_header_cannot_be_billed(icd10cm):
    whole, header, stem = facts(icd10cm, "x", "E11.22", "E11.2", "S72.141")
    assert (whole.needs, header.needs, stem.needs) == (
        "",
        "needs a more specific code",
        "needs a 7th character",
    )


def test_the_7th_character_is_offered_where_the_words_do_not_say_it(icd10cm):
    (found,) = facts(icd10cm, "intertrochanteric fracture right femur", "S72.141A")
    assert len(found.seventh) == 16
    assert (found.seventh[0].label, found.seventh[0].meaning, found.seventh[0].code) == (
        "A",
        "initial encounter for closed fracture",
        "S72.141A",
    )
    (said,) = facts(icd10cm, "fracture right femur, initial encounter for closed fracture", "S72.141A")
    assert said.seventh == ()
    (half,) = facts(icd10cm, "fracture right femur, initial encounter", "S72.141A")
    assert labels(half.seventh) == ["A", "B", "C"]
    (typed,) = facts(icd10cm, "s72141a", "S72.141A")
    assert typed.seventh == ()


def test_of_codes_that_differ_by_7th_character_the_first_offers_it(icd10cm):
    stem, first, second = facts(icd10cm, "S72.141", "S72.141", "S72.141A", "S72.141B")
    assert (len(stem.seventh), first.seventh, second.seventh) == (16, (), ())


def test_a_code_without_7th_character_offers_none(icd10cm):
    (found,) = facts(icd10cm, "diabetes", "E11.22")
    assert (found.seventh, found.sides) == ((), ())


def test_sides_are_offered_where_the_words_do_not_say_one(icd10cm):
    (found,) = facts(icd10cm, "osteoarthritis of knee", "M17.11")
    assert labels(found.sides) == ["right", "left", "bilateral", "unspecified"]
    assert codes(found.sides) == ["M17.11", "M17.12", "M17.0", "M17.10"]
    assert all(one.billable for one in found.sides)
    (said,) = facts(icd10cm, "osteoarthritis of right knee", "M17.11")
    assert said.sides == ()
    # The code that was found leaves it open, whatever the words meant.
    (unspecified,) = facts(icd10cm, "left heart failure, osteoarthritis of knee", "M17.10")
    assert labels(unspecified.sides) == ["right", "left", "bilateral", "unspecified"]


def test_a_side_keeps_the_7th_character_once_that_is_settled(icd10cm):
    (settled,) = facts(
        icd10cm, "intertrochanteric fracture of femur, initial encounter for closed fracture", "S72.143A"
    )
    assert codes(settled.sides) == ["S72.141A", "S72.142A", "S72.143A"]
    assert [one.billable for one in settled.sides] == [True, True, True]
    (both_open,) = facts(icd10cm, "intertrochanteric fracture of femur", "S72.143A")
    assert codes(both_open.sides) == ["S72.141", "S72.142", "S72.143"]
    assert [one.billable for one in both_open.sides] == [False, False, False]


def test_the_line_of_the_index_and_its_year(icd10cm):
    assert facts(icd10cm, "diabetes", "E11.22")[0].index is None
    load_index(edition="FY2025", valid_from=dt.date(2024, 10, 1), valid_to=dt.date(2025, 9, 30))
    diabetes, unfinished, other = facts(icd10cm, "kidney", "E11.22", "S72.301A", "I10")
    assert diabetes.index is not None
    assert (diabetes.index.term, diabetes.index.printed, diabetes.index.other_year) == (
        "Diabetes, diabetic, type 2, with, chronic kidney disease",
        "E11.22",
        "FY2025",
    )
    assert unfinished.index is not None
    assert (unfinished.index.term, unfinished.index.printed) == ("Fracture, femur, shaft", "S72.30-")
    assert other.index is None


def test_of_several_lines_the_one_with_the_typed_words(icd10cm):
    rows = (
        IndexRow(0, "Hypertension", codes=("I10",)),
        IndexRow(0, "Elevated, blood pressure, essential", codes=("I10",)),
        IndexRow(0, "High", codes=("I10",)),
    )
    load_table(
        source(*rows, kind=TableKind.INDEX, name="", valid_from=dt.date(2025, 10, 1), fingerprint="9" * 64)
    )
    assert facts(icd10cm, "essential pressure", "I10")[0].index.term == "Elevated, blood pressure, essential"
    # Typed words that no line has: the words of the title then.
    assert facts(icd10cm, "zzz", "I10")[0].index.term == "Hypertension"
    assert facts(icd10cm, "zzz", "I10")[0].index.other_year == ""


def test_a_reason_is_not_said_twice(icd10cm):
    load_index()
    also = "also called Diabetes, diabetic, type 2, with, chronic kidney disease"
    found = facts_of(icd10cm, [hit("E11.22", f"{also}; T2DM read as type 2 diabetes")], "t2dm")["E11.22"]
    assert found.why(hit("E11.22", f"{also}; T2DM read as type 2 diabetes")) == "T2DM read as type 2 diabetes"


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("title", "matches the title"),
        ("code", "the code itself"),
        ("title; not said: type", "matches the title; not said: type"),
        ("code begins with E11.2", "code begins with E11.2"),
    ],
)
def test_reasons_are_words_for_people(why, said):
    assert HitFacts().why(hit("E11.22", why)) == said


def test_forty_hits_cost_a_handful_of_queries(icd10cm, django_assert_max_num_queries):
    load_index()
    found = [hit(code) for code in ("S72.141A", "M17.10", "E11.22", "E11", "S72.141B", "H25.10", "O36.0110")]
    with django_assert_max_num_queries(7):
        facts_of(icd10cm, found, "fracture")


def test_no_hits_no_queries(icd10cm, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert facts_of(icd10cm, [], "fracture") == {}
