"""Parts of a note in the styles that notes are written in."""

import pytest

from modelops.engines.embedded.lexicon import headings
from modelops.engines.embedded.sections import Sections


def kinds(text: str) -> list[str]:
    lines = text.split("\n")
    sections = Sections(lines, headings())
    return [sections.kind_at(number, len(line)) for number, line in enumerate(lines, start=1)]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("ASSESSMENT AND PLAN:", "diagnoses"),
        ("Assessment & Plan", "diagnoses"),
        ("A/P", "diagnoses"),
        ("# IMPRESSION", "diagnoses"),
        ("7. IMPRESSION -", "diagnoses"),
        ("POSTOPERATIVE DIAGNOSIS: hernia", "diagnoses"),
        ("FINAL DIAGNOSES", "final"),
        ("Discharge Diagnosis: sepsis", "final"),
        ("PMH", "pmh"),
        ("PMHx: COPD", "pmh"),
        ("PMH  COPD; gout", "pmh"),
        ("Past Medical History:", "pmh"),
        ("FAMILY HISTORY...", "family"),
        ("FH: mother - stroke", "family"),
        ("ROS:", "ros"),
        ("HOSPITAL COURSE BY PROBLEM", "course"),
        ("HISTORY OF PRESENT ILLNESS", "hpi"),
        ("Meds on arrival: metformin", "meds"),
        ("Code status: DNR", "goals"),
        ("BILLING NUMBERS", "diagnoses"),
    ],
)
def test_headings_in_many_styles(line, kind):
    assert kinds(f"DIAGNOSES\nx\n{line}")[2] == kind


def test_headings_inside_a_line():
    lines = ["PMH: COPD. FH: stroke. SH: smokes"]
    sections = Sections(lines, headings())
    at = [sections.kind_at(1, lines[0].index(word)) for word in ("COPD", "stroke", "smokes")]
    assert at == ["pmh", "family", "social"]


def test_family_history_on_one_line_says_nothing_of_the_next():
    assert kinds("A/P:\nFH: mother - stroke\nCOPD today\nIMPRESSION\nx") == [
        "diagnoses",
        "family",
        "other",
        "diagnoses",
        "diagnoses",
    ]


def test_capitals_make_an_unknown_heading_only_after_a_gap():
    assert kinds("A/P:\nCOPD EXACERBATION\n\nBILLING NUMBERS\nx") == [
        "diagnoses",
        "diagnoses",
        "diagnoses",
        "other",
        "other",
    ]


def test_words_of_a_sentence_are_no_heading():
    assert kinds("IMPRESSION:\nHistory was taken from the wife.\nPlan is to go home.") == ["diagnoses"] * 3


def test_a_note_without_known_headings_is_one_body():
    assert kinds("He came for his gout.\nIt is better.") == ["body", "body"]
