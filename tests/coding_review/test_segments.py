"""Evidence on text: runs join to the line, overlaps share a run, what waits looks so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coding_review.web.marked_text import Section, Segment, StripMark
from coding_review.web.segments import Span, cut, is_heading, marked_lines, sections, strip


def test_overlapping_evidence_is_cut_into_runs() -> None:
    text = "type 2 DM with nephropathy, CKD 3b"
    spans = [Span(3, 3, 0, 26, entry=7), Span(3, 3, 15, 34, entry=9, state="done")]
    assert cut(text, 3, spans) == (
        Segment("type 2 DM with ", (7,), "open", (7,)),
        Segment("nephropathy", (7, 9), "open", (9,)),
        Segment(", CKD 3b", (9,), "done"),
    )


def test_columns_are_code_points_also_after_emoji() -> None:
    assert cut("👍🏽 fever", 1, [Span(1, 1, 3, 8, entry=1)]) == (
        Segment("👍🏽 "),
        Segment("fever", (1,), "open", (1,)),
    )


def test_a_quote_over_three_lines_marks_each_and_starts_once() -> None:
    lines = marked_lines(["a stage", "", "2 ulcer", "x"], [Span(1, 3, 2, 1, entry=4)])
    assert [line.segments for line in lines] == [
        (Segment("a "), Segment("stage", (4,), "open", (4,))),
        (),
        (Segment("2", (4,), "open"), Segment(" ulcer")),
        (Segment("x"),),
    ]
    assert [line.blank for line in lines] == [False, True, False, False]


def test_a_context_tag_stands_behind_its_words() -> None:
    assert cut("No pneumonia.", 1, [Span(1, 1, 3, 12, context="negated")]) == (
        Segment("No "),
        Segment("pneumonia", context="negated"),
        Segment("."),
    )


def test_only_some_lines() -> None:
    [line] = marked_lines(["a", "b", "c"], [], only=frozenset({2}))
    assert (line.number, line.segments) == (2, (Segment("b"),))


def test_headings_and_outline() -> None:
    texts = ["HOSPITAL COURSE", "Past history:", "BP 120/80", "1. HTN", "", "WBC 12.1 HIGH", "---"]
    assert [is_heading(text) for text in texts] == [True, True, False, False, False, False, False]
    assert sections(texts) == (Section("Hospital course", 1), Section("Past history", 2))


@pytest.mark.parametrize(
    ("heading", "shown"),
    [
        ("ED DIAGNOSES", "ED diagnoses"),
        ("PMH / PSH", "PMH / PSH"),
        ("HPI:", "HPI"),
        ("COURSE IN THE ED", "Course in the ED"),
        ("REASON FOR VISIT", "Reason for visit"),
        ("Physical Exam:", "Physical Exam"),
    ],
)
def test_abbreviations_in_headings_stay_capitals(heading: str, shown: str) -> None:
    assert sections([heading]) == (Section(shown, 1),)


def test_aligned_lines_are_those_with_columns() -> None:
    texts = ["Na\t141", "Hgb   11.9    7.4", "Two  spaces. Fine.", "| a | b |"]
    assert [line.aligned for line in marked_lines(texts, [])] == [True, True, False, True]


def test_strip_has_one_tick_a_line_and_shows_what_waits() -> None:
    spans = [
        Span(5, 5, 0, 3, entry=1, state="done"),
        Span(5, 5, 0, 3, entry=2),
        Span(9, 9, 0, 1, context="x"),
    ]
    assert strip(spans, 10) == (StripMark(5, 45.0, "open"),)


_spans = st.builds(
    lambda a, b, entry: Span(1, 1, min(a, b), max(a, b), entry=entry),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(1, 5),
)


@given(st.text(max_size=40).filter(lambda t: "\n" not in t), st.lists(_spans, max_size=8))
def test_runs_always_join_to_the_line(text: str, spans: list[Span]) -> None:
    segments = cut(text, 1, spans)
    assert "".join(segment.text for segment in segments) == text
    at = 0
    for segment in segments:
        covering = {
            s.entry
            for s in spans
            if s.col_start <= at and at + len(segment.text) <= min(s.col_end, len(text))
        }
        assert set(segment.entries) == covering
        at += len(segment.text)
