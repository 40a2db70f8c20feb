"""What a coder types and what comes first."""

import pytest

from catalog.errors import UnknownCode
from catalog.search import search


def codes(hits):
    return [hit.code for hit in hits]


@pytest.mark.parametrize("typed", ["E11.2", "e112", "E112", " e11.2 ", "E11.2-"])
def test_code_prefix_with_or_without_dot(icd10cm, typed):
    hits = search(icd10cm, typed)
    assert codes(hits) == ["E11.2", "E11.21", "E11.22", "E11.29"]
    assert [hit.billable for hit in hits] == [False, True, True, True]
    assert [hit.why for hit in hits] == ["code", *["code begins with E11.2"] * 3]


def test_code_prefix_shows_the_shortest_first(icd10cm):
    assert codes(search(icd10cm, "N18", limit=5)) == ["N18", "N18.1", "N18.2", "N18.3", "N18.4"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("type 2 diabetes with diabetic chronic kidney disease", "E11.22"),
        ("kidney chronic disease diabetic type 2", "E11.22"),
        ("t2dm w/ ckd", "E11.22"),
        ("t2dm w/ckd", "E11.22"),
        ("HTN", "I10"),
        ("high blood press", "I10"),
        ("hypertensi", "I10"),
        ("pneumonia", "J18.9"),
        ("chf", "I50.9"),
        ("acute systolic hf", "I50.21"),
        ("copd exacerbation", "J44.1"),
        ("uti", "N39.0"),
        ("afib", "I48.91"),
        ("aki", "N17.9"),
        ("chest pain", "R07.9"),
        ("nstemi", "I21.4"),
        ("s/p cabg", "Z95.1"),
        ("gerd", "K21.9"),
        ("meniere unspecified ear", "H81.09"),
        ("Ménière's disease right", "H81.01"),
        ("long term insulin", "Z79.4"),
        ("sore throat", "J02.9"),
        ("rt femur intertrochanteric displaced fx initial closed", "S72.141A"),
    ],
)
def test_first_hit(icd10cm, typed, first):
    assert search(icd10cm, typed)[0].code == first


def test_billable_comes_first_when_tied(icd10cm):
    hits = search(icd10cm, "low back pain", limit=2)
    assert [(hit.code, hit.billable, hit.score) for hit in hits] == [
        ("M54.50", True, 1.0),
        ("M54.5", False, 1.0),
    ]


def test_why_names_the_term_and_the_abbreviation(icd10cm):
    assert search(icd10cm, "high blood pressure")[0].why == "also called high blood pressure"
    assert search(icd10cm, "uti")[0].why == "UTI read as urinary tract infection"
    assert search(icd10cm, "chest pain")[0].why == "title"


def test_matched_words_are_marked_and_the_title_is_whole(icd10cm):
    hit = search(icd10cm, "ckd type 2 diabetes")[0]
    assert hit.marked == (
        ("Type", True), (" ", False), ("2", True), (" ", False), ("diabetes", True), (" mellitus with ", False),
        ("diabetic", True), (" ", False), ("chronic", True), (" ", False), ("kidney", True), (" ", False),
        ("disease", True),
    )  # fmt: skip
    for found in search(icd10cm, "fracture of femur"):
        assert "".join(text for text, _ in found.marked) == found.title


def test_few_hits_are_followed_by_codes_with_one_word_less(icd10cm):
    hits = search(icd10cm, "t2dm w/ ckd", limit=6)
    assert codes(hits) == ["E11.22", "E11.8", "E11.9", "E11", "N18", "E11.21"]
    assert [hit.why.rpartition("; ")[2] for hit in hits[1:]] == [
        "without ckd", "without ckd", "without ckd", "without t2dm", "without ckd",
    ]  # fmt: skip


def test_one_unknown_word_is_left_out_and_named(icd10cm):
    hit = search(icd10cm, "pneumonia zzyzx")[0]
    assert (hit.code, hit.why) == ("J18.9", "without zzyzx")
    assert search(icd10cm, "zzyzx") == []


@pytest.mark.parametrize("typed", ["", "   ", "&|!()", "':*", "--", "<->"])
def test_nothing_to_search_for_finds_nothing(icd10cm, typed):
    assert search(icd10cm, typed) == []


@pytest.mark.parametrize(
    "typed", ["pneumonia & | !", "pneumonia' OR 1=1", "pneumonia:*", "pneumonia\x00", "(pneumonia"]
)
def test_query_syntax_is_only_text(icd10cm, typed):
    assert "J18.9" in codes(search(icd10cm, typed))


def test_long_input_stays_bounded(icd10cm):
    assert search(icd10cm, "acute systolic heart failure " * 500)[0].code == "I50.21"


def test_near_shows_children_then_siblings(icd10cm):
    hits = search(icd10cm, "", near="E11.2", limit=12)
    assert codes(hits)[:3] == ["E11.21", "E11.22", "E11.29"]
    assert [hit.why for hit in hits[:4]] == ["more specific", "more specific", "more specific", "beside"]
    # Billable siblings before headers.
    assert codes(hits)[3:7] == ["E11.8", "E11.9", "E11.A", "E11.0"]


def test_near_a_code_with_7th_character_offers_the_same_character_elsewhere(icd10cm):
    hits = search(icd10cm, "left", near="S72.141A", limit=3)
    assert codes(hits) == ["S72.142A", "S72.145A", "S72.132A"]


def test_near_lifts_relatives_over_better_wordings(icd10cm):
    assert codes(search(icd10cm, "unspecified", near="J44.1", limit=1)) == ["J44.9"]


def test_near_must_be_a_code(icd10cm):
    with pytest.raises(UnknownCode):
        search(icd10cm, "", near="Q99.99")


def test_search_stays_in_its_release(icd10cm, small_release):
    assert codes(search(small_release, "diabetes")) == ["E11.9", "E11", "E11.7"]
    assert codes(search(small_release, "E11.7")) == ["E11.7"]
    assert search(small_release, "pneumonia") == []
    assert codes(search(icd10cm, "E11.7")) == []
