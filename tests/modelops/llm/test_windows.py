"""Windows hold every line, keep to their budget, and are cut where a note changes its subject."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelops.engines.llm.numbered import number_lines, write_out
from modelops.engines.llm.windows import SMALLEST, Window, cut_windows
from modelops.errors import ContextTooLong
from tests.generated import examples
from tests.modelops.llm.scripted import tokens_of
from tests.modelops.llm.test_numbered import chart_of


def windows_of(chart, budget, overlap=20, count=tokens_of):
    return cut_windows(number_lines(chart), chart.documents, budget=budget, overlap=overlap, count=count)


def covered(windows):
    """By line number the code points that some window holds, and the lines without any."""
    found = {}
    for window in windows:
        for piece in window.pieces:
            found.setdefault(piece.line.number, set()).update(range(piece.col_start, piece.col_end))
    return found


LINES = st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=400), max_size=60)


@examples(60)
@given(st.lists(LINES, min_size=1, max_size=3), st.integers(80, 400), st.integers(0, 60))
def test_every_code_point_of_every_line_is_in_a_window_and_no_window_is_too_long(texts, budget, overlap):
    chart = chart_of(*("\n".join(lines) for lines in texts))
    windows = windows_of(chart, budget, overlap)
    assert covered(windows) == {line.number: set(range(len(line.text))) for line in number_lines(chart)}
    assert [w for w in windows if tokens_of(write_out(w.pieces, chart.documents)) > budget] == []
    firsts = [(w.pieces[0].line.number, w.pieces[0].col_start) for w in windows]
    lasts = [(w.pieces[-1].line.number, w.pieces[-1].col_end) for w in windows]
    assert (firsts, lasts) == (sorted(set(firsts)), sorted(set(lasts)))


@examples(40)
@given(LINES.filter(lambda lines: any(lines)))
def test_halves_hold_what_the_whole_held(lines):
    chart = chart_of("\n".join(lines))
    window = Window(windows_of(chart, 10**9)[0].pieces)
    halves = window.halves()
    if halves:
        assert covered(halves) == covered([window])
    else:
        assert sum(len(piece.text) for piece in window.pieces) < 2


def test_the_second_half_repeats_the_end_of_the_first():
    lines = [f"{n}: " + "word " * 19 + "end" for n in range(10, 22)]
    left, right = Window(windows_of(chart_of("\n".join(lines)), 10**9)[0].pieces).halves()
    assert [(piece.line.number, piece.text) for piece in left.pieces] == list(enumerate(lines[:6], start=1))
    # 240 code points: two whole lines of 102, and of the one before the words that still fit.
    assert [(piece.line.number, piece.text) for piece in right.pieces] == [
        (4, "word " * 6 + "end"),
        (5, lines[4]),
        (6, lines[5]),
        *enumerate(lines[6:], start=7),
    ]
    assert (right.first, right.pieces[0].col_start) == (4, 69)


@examples(60)
@given(st.lists(st.from_regex(r"[a-z]{1,9}( [a-z]{1,9}){0,15}", fullmatch=True), min_size=2, max_size=30))
@example(["a a aaaa aaaaaaaaa a", "a"])
def test_no_words_on_the_cut_are_in_neither_half(lines):
    chart = chart_of("\n".join(lines))
    left, right = Window(windows_of(chart, 10**9)[0].pieces).halves()
    cut = left.last
    before = sum(len(line) for line in lines[:cut])
    held = covered([right])
    repeated = sum(len(columns) for number, columns in held.items() if number <= cut)
    # All that fits but a part of one word, which has up to eight letters, and the space after it.
    assert min(240, before // 2) - 9 <= repeated <= min(240, before // 2)
    assert all(
        held[number] == set(range(len(lines[number - 1]))) for number in range(cut + 1, len(lines) + 1)
    )
    first = right.pieces[0]
    assert first.col_start == 0 or lines[first.line.number - 1][first.col_start - 1] == " "
    assert right.last == len(lines)


def test_a_half_repeats_nothing_of_another_document_and_no_part_of_a_word():
    two = Window(windows_of(chart_of("word " * 30, "word " * 30), 10**9)[0].pieces)
    left, right = two.halves()
    assert [piece.line.document for piece in (*left.pieces, *right.pieces)] == [0, 0, 1]
    assert right.pieces[0].text == "word " * 15
    copd = Window(windows_of(chart_of("COPD\nhypertension"), 10**9)[0].pieces)
    assert [[piece.text for piece in half.pieces] for half in copd.halves()] == [["COPD"], ["hypertension"]]


def test_a_short_chart_is_one_window_and_is_not_counted():
    asked = []
    chart = chart_of("A/P: COPD")
    (window,) = windows_of(chart, 100, count=lambda text: asked.append(text) or tokens_of(text))
    assert ([line.number for line in window.lines], asked) == ([1], [])


def test_cuts_fall_on_section_borders_and_neighbours_overlap():
    body = [f"Seen on day {n}, no change in the plan of care." for n in range(1, 13)]
    chart = chart_of("\n".join(["HISTORY OF PRESENT ILLNESS:", *body[:11], "ASSESSMENT AND PLAN:", *body]))
    windows = windows_of(chart, 190, overlap=15)
    assert (windows[0].first, windows[0].last) == (1, 12)
    assert windows[1].first == 12
    assert [w for w in windows if tokens_of(write_out(w.pieces, chart.documents)) > 190] == []


def test_a_document_is_not_cut_where_the_next_begins_nearby():
    lines = "\n".join(f"Line {n} of a document in plain words." for n in range(1, 10))
    chart = chart_of(lines, lines)
    windows = windows_of(chart, 130, overlap=0)
    assert (windows[0].first, windows[0].last) == (1, 9)


def test_a_line_longer_than_a_window_is_divided_not_cut_off():
    chart = chart_of("word " * 1000)
    windows = windows_of(chart, 200)
    assert {line.number for w in windows for line in w.lines} == {1}
    assert covered(windows) == {1: set(range(5000))}
    assert len(windows) > 6


def test_without_room_it_is_refused():
    with pytest.raises(ContextTooLong):
        windows_of(chart_of("x"), SMALLEST - 1)
    with pytest.raises(ContextTooLong):
        windows_of(chart_of("word " * 100), 60, count=lambda text: 1000)


def test_no_lines_no_windows():
    assert cut_windows([], (), budget=100, overlap=0, count=tokens_of) == []
