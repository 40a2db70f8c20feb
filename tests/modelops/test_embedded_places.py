"""Evidence is verbatim by code points, merged over documents, in the order of the documents."""

import sys

import pytest

from modelops.engines.embedded.mentions import read
from modelops.engines.types import ChartDocument, split_lines
from tests.modelops.engine_charts import INPATIENT, codes, predict


def cut(text: str, evidence) -> str:
    """What the places say, cut out of the numbered lines anew."""
    lines = split_lines(text)
    if evidence.line_start == evidence.line_end:
        return lines[evidence.line_start - 1][evidence.col_start : evidence.col_end]
    first, *middle = lines[evidence.line_start - 1 : evidence.line_end]
    return "\n".join([first[evidence.col_start :], *middle[:-1], middle[-1][: evidence.col_end]])


@pytest.mark.parametrize(
    ("text", "line", "columns", "quote"),
    [
        ("A/P: 😀👍🏽 COPD", 1, (9, 13), "COPD"),
        ("first\r\nA/P:\tCOPD\r\n", 2, (5, 9), "COPD"),
        ("first\rA/P:\t\tCOPD", 2, (6, 10), "COPD"),
        ("A/P: Ménière's, naïve — COPD…", 1, (24, 28), "COPD"),
        ("A/P: \u00a0COPD\u200b", 1, (6, 10), "COPD"),
    ],
)
def test_columns_are_code_points(icd10cm, text, line, columns, quote):
    (evidence,) = next(s for s in predict(icd10cm, text).suggestions if s.code == "J44.9").evidence
    assert (evidence.line_start, evidence.line_end) == (line, line)
    assert (evidence.col_start, evidence.col_end) == columns
    assert evidence.quote == cut(text, evidence) == quote


def test_a_name_over_a_wrapped_line_keeps_both_lines(icd10cm):
    text = (
        "ASSESSMENT:\n"
        "She was seen today for what the team now agrees is acute on chronic\n"
        "diastolic heart failure and will be diuresed.\n"
    )
    (suggestion,) = predict(icd10cm, text).suggestions
    (evidence,) = suggestion.evidence
    assert suggestion.code == "I50.33"
    assert (evidence.line_start, evidence.line_end) == (2, 3)
    assert evidence.quote == cut(text, evidence) == "acute on chronic\ndiastolic heart failure"


def test_every_quote_of_a_mixed_chart_is_verbatim(icd10cm):
    text = (
        "😷 PMH: HTN, T2DM on metformin\r\n\r\nHPI: No fever. Possible pneumonia.\r\n"
        "FH: mother - stroke\r\nA/P:\r\n1. AKI on CKD 3b\r\n2. Afib — on apixaban\r\n3. BMI 41.2, class 3 obesity"
    )
    result = predict(icd10cm, text, age=60.0)
    places = [e for s in result.suggestions for e in s.evidence] + [m.evidence for m in result.context]
    assert len(places) > 10
    assert [e.quote for e in places] == [cut(text, e) for e in places]


def test_documents_are_merged_into_one_suggestion_a_code_the_strongest_evidence_first(icd10cm):
    result = predict(icd10cm, "HPI: known COPD.", "ASSESSMENT:\n1. COPD\n2. Gout", **INPATIENT)
    found = {s.code: s for s in result.suggestions}
    assert list(found) == ["J44.9", "M10.9"]
    assert [(e.document_id, e.line_start) for e in found["J44.9"].evidence] == [("d2", 2), ("d1", 1)]


def test_suggestions_come_in_the_order_of_the_documents(icd10cm):
    text = "ASSESSMENT:\n1. Gout\n2. COPD\n3. Hypothyroidism\n4. Hypertension"
    assert codes(icd10cm, text) == ["M10.9", "J44.9", "E03.9", "I10"]


def test_at_most_five_places_a_code_one_a_line(icd10cm):
    text = "ASSESSMENT:\n" + "\n".join("COPD and COPD" for _ in range(9))
    (suggestion,) = predict(icd10cm, text).suggestions
    assert [e.line_start for e in suggestion.evidence] == [2, 3, 4, 5, 6]


def calls(work) -> int:
    """Python calls made by `work`: a measure of the work that does not depend on the machine."""
    counted = 0

    def count(frame, event, argument):
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


LINE = "3. No pneumonia, COPD with acute exacerbation; mother had lupus? BP 120/80, CKD 3b (stable) on metformin.\n"


@pytest.mark.parametrize("joined", ["lines", "one line", "one word"])
def test_work_grows_with_the_text_not_with_its_square(icd10cm, joined):
    def text(times: int) -> str:
        if joined == "lines":
            return "ASSESSMENT:\n" + LINE * times
        if joined == "one line":
            return "ASSESSMENT: " + LINE.replace("\n", " ").replace(".", "") * times
        return "ASSESSMENT: " + "pain, " * (20 * times)

    predict(icd10cm, text(1))
    small = calls(lambda: predict(icd10cm, text(60)))
    large = calls(lambda: predict(icd10cm, text(240)))
    assert large < 5 * small


@pytest.mark.slow
def test_twenty_thousand_lines_and_a_line_of_a_mebibyte_are_read(icd10cm):
    assert "J44.1" in codes(icd10cm, "ASSESSMENT:\n" + ("COPD exacerbation, stable.\n" * 19_000))
    assert "J44.9" in codes(icd10cm, "ASSESSMENT: COPD " + "x" * (1024 * 1024 - 20))
    words = "ASSESSMENT: " + "COPD and hypertension, " * 9_000
    filler = "x" * (1024 * 1024 - len(words))
    assert {"J44.9", "I10"} <= set(codes(icd10cm, words + filler))


@pytest.mark.slow
def test_blanks_and_capitals_without_end_are_read(icd10cm):
    blanks = ("FH" + " " * 4000 + "x\n") * 250
    capitals = ("COPD GOUT " * 400 + "\n") * 50
    assert {"J44.9", "M10.9"} <= {s.code for s in predict(icd10cm, blanks + "\n" + capitals).suggestions}


def test_columns_hold_far_into_a_long_line(icd10cm):
    text = "ASSESSMENT: " + "ok 😀 " * 9_000 + "COPD"
    (suggestion,) = predict(icd10cm, text).suggestions
    assert suggestion.evidence[0].quote == cut(text, suggestion.evidence[0]) == "COPD"


def test_a_document_without_words_is_read():
    assert read(0, ChartDocument("d", "\n\n   \n…—•\n")).clauses != []
