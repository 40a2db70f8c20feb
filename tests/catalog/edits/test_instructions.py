"""Notes of the tabular between codes, on the built-in release."""

import pytest

from catalog.choices import ClaimType
from catalog.edits.engine import BY_ID, check
from catalog.edits.types import CodeLine, Result, Severity
from tests.catalog.edits.conftest import facts_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("E11.9", "E10.9"),  # at the category
        ("I10", "O13.3"),  # at the code, a range of categories
        ("N08", "E11.21"),  # a condition on characters
        ("H91.90", "H90.3"),  # codes outside brackets
        ("R51.9", "G44.1"),
    ],
)
def test_excludes1_fires_from_either_side(edits, one, other):
    for codes in ((one, other), (other, one)):
        (finding,) = edits.run("excludes1", *codes)
        assert (finding.severity, finding.result) == (Severity.WARN, Result.FAIL)
        assert set(finding.codes) == {one, other}
        assert finding.outcomes == ("unrelated", "remove_one", "query")
        assert finding.citation == "ICD-10-CM Official Guidelines I.A.12.a"


@pytest.mark.parametrize(
    "codes", [("E11.9", "I10"), ("N08", "E11.22"), ("I10", "I10"), ("E11.9", "E11.22"), ("I21.4", "I25.2")]
)
def test_excludes1_is_silent(edits, codes):
    assert edits.run("excludes1", *codes) == []


def test_excludes1_is_inherited_from_a_block(edits):
    (finding,) = edits.run("excludes1", "R10.0", "N23")
    assert finding.message == "Excludes1 at R10 of R10.0 names N23: renal colic (N23)."
    (finding,) = edits.run("excludes2", "Z79.4", "Z79.84")
    assert finding.message.startswith("Excludes2 at Z79.4 names Z79.84: long term (current) use of oral")
    (finding,) = edits.run("excludes1", "I60.9", "S06.6X0A")
    assert "at I60-I69 of I60.9" in finding.message


def test_excludes1_is_inherited_from_a_chapter(edits):
    (finding,) = edits.run("excludes1", "O13.3", "Z34.03")
    assert finding.message.startswith(
        "Excludes1 at chapter 15 of O13.3 names Z34.03: supervision of normal pregnancy"
    )
    (finding,) = edits.run("excludes1", "Z34.03", "O13.3")
    assert finding.message.startswith("Excludes1 at Z34 of Z34.03 names O13.3: any complication of pregnancy")


def test_excludes2_is_information(edits):
    (finding,) = edits.run("excludes2", "I21.4", "I25.2")
    assert finding.severity is Severity.INFO
    assert finding.message.endswith("(I25.2). Both stand where the patient has both.")
    # The lists of other chapters and blocks that stand at a chapter or block are left out.
    assert edits.run("excludes2", "I10", "E11.65") == []
    assert edits.run("excludes2", "T38.0X5A", "F17.210") == []


def test_excludes1_without_codes_is_shown_as_text(edits):
    (finding,) = edits.run("excludes1_unread", "H92.21", "I10")
    assert finding.result is Result.NO_DATA
    assert "traumatic otorrhagia - code to injury" in finding.message
    assert edits.run("excludes1_unread", "H92.21") == []
    # A chapter's own line of that kind is true of all its codes.
    assert edits.run("excludes1_unread", "A41.9", "J18.9") == []
    assert edits.run("excludes1_unread", "I10", "E11.9") == []


def test_manifestation_is_never_first(edits):
    (finding,) = edits.run("manifestation_first", CodeLine("F02.80", role="principal"), "G30.9")
    assert (finding.severity, finding.codes, finding.outcomes) == (Severity.HARD, ("F02.80",), ())
    assert edits.run("manifestation_first", CodeLine("G30.9", role="principal"), "F02.80") == []
    # Not marked: the first row is not the principal diagnosis.
    assert edits.run("manifestation_first", "F02.80", "G30.9") == []


def test_manifestation_needs_an_etiology(edits):
    assert edits.hits("manifestation_alone", "F02.80") == [("F02.80",)]
    assert edits.hits("manifestation_alone", "G30.9", "F02.80") == []


@pytest.mark.parametrize(
    ("first", "then"), [("G30.9", "F02.80"), ("N18.4", "D63.1"), ("I11.0", "I50.9"), ("E85.4", "N08")]
)
def test_code_first_goes_by_the_order_of_the_claim(edits, first, then):
    assert edits.hits("code_first", first, then) == []
    assert edits.hits("code_first", then, first) == [(then, first)]
    # The mark outweighs the sequence.
    assert edits.hits("code_first", then, CodeLine(first, role="principal")) == []


def test_code_first_without_any_order_says_nothing(edits):
    report = check(
        [CodeLine("F02.80"), CodeLine("G30.9")],
        facts_of(ClaimType.PROFESSIONAL, {}),
        edits.knowledge,
        checks=(BY_ID["code_first"],),
    )
    assert report.findings == ()


def test_code_first_names_what_a_diagnosis_says_is_there(edits):
    (finding,) = edits.run("code_first", "D63.1", "E11.9")
    assert (finding.severity, finding.codes) == (Severity.WARN, ("D63.1",))
    assert "none of N18.- is on the claim" in finding.message
    # A manifestation whose note gives examples only.
    (finding,) = edits.run("code_first", "F02.80", "I10")
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize("first", ["", "principal"])
def test_circumstances_that_a_note_names_are_not_asked_for(edits, first):
    """Heart failure may come of hypertension, surgery or pregnancy, and of none of them."""
    assert edits.run("code_first", CodeLine("I50.9", role=first), "E11.9") == []
    assert edits.run("code_first", CodeLine("I82.411", role=first), "E11.9") == []


def test_code_first_without_codes_shows_the_note(edits):
    (finding,) = edits.run("code_first", "E11.9", "I85.11")
    assert finding.result is Result.NO_DATA
    assert finding.message == "Code first at I85.1 names no code to look for: underlying disease."


def test_code_first_for_adverse_effects_leaves_poisonings_alone(edits):
    assert edits.hits("code_first", "T45.515A", "D68.32") == [("T45.515A", "D68.32")]
    assert edits.hits("code_first", "T45.511A", "D68.32") == []


def test_use_additional_code_prompts_until_satisfied(edits):
    (finding,) = edits.run("use_additional_code", "C50.911")
    assert (finding.severity, finding.codes) == (Severity.INFO, ("C50.911",))
    assert "None of Z17.- is on the claim" in finding.message
    assert edits.run("use_additional_code", "C50.911", "Z17.0") == []


def test_a_note_of_a_category_is_asked_once(edits):
    assert edits.hits("use_additional_code", "C50.911", "C50.912") == [("C50.911", "C50.912")]


def test_a_prompt_says_where_the_note_stands_and_what_is_missing(edits):
    (finding,) = edits.run("use_additional_code", "I12.9")
    assert finding.message == (
        "The note at I12.9 says: use additional code to identify the stage of chronic kidney disease "
        "(N18.1-N18.4, N18.9). None of N18.1 to N18.4, N18.9 is on the claim."
    )


@pytest.mark.parametrize("code", ["I12.0", "I11.0", "E11.621", "O99.213", "T84.018A", "K70.30"])
def test_what_the_diagnosis_itself_tells_is_asked_for(edits, code):
    assert edits.hits("use_additional_code", code) == [(code,)]


@pytest.mark.parametrize(
    "code", ["J44.9", "I10", "N39.0", "A41.51", "N18.30", "C34.11", "J18.9", "I25.82", "E66.813", "I63.9"]
)
def test_that_a_code_is_absent_is_no_reason_to_ask(edits, code):
    """Tobacco, resistance, the organism, cachexia, body mass index, stroke scale: where they are known."""
    assert edits.run("use_additional_code", code, "I48.91") == []
    assert edits.run("code_also", code, "I48.91") == []


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (("J44.9", "Z71.6"), "F17.-"),  # counselling on tobacco
        (("N18.4", "R63.4"), "E88.A"),  # loss of weight
        (("N18.4", "E44.0"), "E88.A"),
    ],
)
def test_a_code_that_speaks_of_it_is_a_reason(edits, codes, told):
    messages = [f.message for f in edits.run("use_additional_code", *codes)]
    assert any(told in message for message in messages), messages


def test_what_several_notes_ask_for_is_asked_once(edits):
    """Chapter 10, J40-J4A and J44 all ask for tobacco."""
    findings = [f for f in edits.run("use_additional_code", "J44.9", "Z71.6") if "J44.9" in f.codes]
    assert [f.codes for f in findings] == [("J44.9",)]
    assert findings[0].message.count("F17.-") == 2  # once in the note, once as what is missing
    assert edits.hits("use_additional_code", "J44.9", "Z71.6", "F17.210") == []


def test_a_note_in_words_is_shown_where_nothing_else_is_coded(edits):
    (finding,) = edits.run("code_also", "N17.9")
    assert finding.result is Result.NO_DATA
    assert finding.message == (
        "The note at N17 says: code also associated underlying condition. It names no code to look for."
    )
    assert edits.run("code_also", "N17.9", "E86.0") == []


def test_code_also_prompts_until_satisfied(edits):
    assert edits.hits("code_also", "I42.6") == [("I42.6",)]
    assert edits.hits("code_also", "I42.6", "F10.20") == []


@pytest.mark.parametrize("codes", [("O24.410",), ("O80", "Z37.0", "Z3A.39")])
def test_weeks_of_gestation_are_asked_by_the_guideline_alone(edits, codes):
    assert edits.run("use_additional_code", *codes) == []


@pytest.mark.parametrize("codes", [("A41.51", "R65.21"), ("R65.21", "A41.51"), ("R65.20",)])
def test_the_infection_of_severe_sepsis_is_asked_by_the_guideline_alone(edits, codes):
    assert edits.run("code_first", *codes) == []
