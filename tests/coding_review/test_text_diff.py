"""The difference of two texts by line, and where a quote stands in the new one."""

from __future__ import annotations

import random
import time

import pytest

from coding_review.places import Place, quote_at
from coding_review.quote_search import QuoteSearch
from coding_review.text_diff import Block, DiffLine, Hunk, blocks, hunks

OLD = ["HISTORY", "Diabetes.", "", "PLAN", "Metformin.", "Follow up."]


class Quoted:
    def __init__(self, lines: list[str], line: int, quote: str, line_end: int | None = None) -> None:
        self.quote, self.line_start, self.line_end = quote, line, line_end or line
        first = quote.split("\n")[0]
        self.col_start = lines[line - 1].index(first)
        self.col_end = len(quote.split("\n")[-1]) if line_end else self.col_start + len(quote)


def rebuilt(old: list[str], new: list[str]) -> bool:
    """Whether the blocks cover both texts in order and say the truth about what is equal."""
    i = j = 0
    for block in blocks(old, new):
        assert (block.old_start, block.new_start) == (i, j)
        if block.same:
            assert old[block.old_start : block.old_end] == new[block.new_start : block.new_end]
        i, j = block.old_end, block.new_end
    return (i, j) == (len(old), len(new))


def test_equal_texts_have_no_hunk() -> None:
    assert blocks(OLD, OLD) == [Block(True, 0, 6, 0, 6)]
    assert hunks(OLD, OLD) == []


def test_a_changed_line_has_both_numbers_and_its_surroundings() -> None:
    new = ["HISTORY", "Diabetes, type 2.", "", "PLAN", "Metformin.", "Follow up."]
    assert hunks(OLD, new, context=1) == [
        Hunk(
            0,
            (
                DiffLine("same", 1, 1, "HISTORY"),
                DiffLine("removed", 2, None, "Diabetes."),
                DiffLine("added", None, 2, "Diabetes, type 2."),
                DiffLine("same", 3, 3, ""),
            ),
        )
    ]


def test_an_added_line_shifts_the_numbers_of_what_follows() -> None:
    new = [*OLD[:4], "Insulin.", *OLD[4:]]
    assert hunks(OLD, new, context=1) == [
        Hunk(
            3,
            (
                DiffLine("same", 4, 4, "PLAN"),
                DiffLine("added", None, 5, "Insulin."),
                DiffLine("same", 5, 6, "Metformin."),
            ),
        )
    ]


def test_two_distant_changes_are_two_hunks_with_the_lines_between_counted() -> None:
    old = [f"line {n}" for n in range(1, 31)]
    new = ["first", *old[1:29], "last"]
    found = hunks(old, new, context=2)
    assert [(h.skipped, len(h.lines)) for h in found] == [(0, 4), (24, 4)]
    assert found[1].lines[0] == DiffLine("same", 28, 28, "line 28")


def test_everything_replaced() -> None:
    assert blocks(["a", "b"], ["c"]) == [Block(False, 0, 2, 0, 1)]


@pytest.mark.parametrize("seed", range(40))
def test_blocks_always_rebuild_both_sides(seed: int) -> None:
    rng = random.Random(seed)
    old = [rng.choice("abcdef") + str(rng.randrange(8)) for _ in range(rng.randrange(60))]
    new = [line for line in old if rng.random() > 0.2]
    for _ in range(rng.randrange(10)):
        new.insert(rng.randrange(len(new) + 1), rng.choice(["", "new", "a1", "b2"]))
    assert rebuilt(old, new)


@pytest.mark.parametrize("kind", ["distinct", "equal", "alternating", "shuffled"])
def test_the_time_for_twenty_thousand_lines_does_not_grow_with_their_square(kind: str) -> None:
    rng = random.Random(1)
    old = {
        "distinct": [f"line {n}" for n in range(20_000)],
        "equal": [""] * 20_000,
        "alternating": ["", "Vitals stable."] * 10_000,
        "shuffled": [f"line {n}" for n in range(20_000)],
    }[kind]
    new = [line for n, line in enumerate(old) if n % 97]
    if kind == "shuffled":
        rng.shuffle(new)
    # Of this process: what others do beside it does not count. Twenty thousand by twenty thousand would be minutes.
    started = time.process_time()
    assert rebuilt(old, new)
    assert time.process_time() - started < 15


def found(old: list[str], new: list[str], line: int, quote: str, line_end: int | None = None) -> Place | None:
    place = QuoteSearch(old, new).find(Quoted(old, line, quote, line_end))
    if place is not None:
        assert quote_at(new, place) == quote
    return place


def test_a_quote_on_an_unchanged_line_follows_the_line() -> None:
    new = ["Note of today", "Diabetes.", *OLD]
    assert found(OLD, new, 2, "Diabetes") == Place(4, 4, 0, 8)


def test_a_quote_on_a_changed_line_is_found_on_it_with_new_columns() -> None:
    new = [OLD[0], "😀 Known Diabetes. Diabetes.", *OLD[2:]]
    assert found(OLD, new, 2, "Diabetes") == Place(2, 2, 8, 16)


def test_the_same_line_goes_before_a_nearer_column_elsewhere_and_else_the_nearest_line() -> None:
    old = ["a", "b", "Asthma.", "c", "d"]
    assert found(old, ["Asthma", "x", "no Asthma", "Asthma", "d"], 3, "Asthma") == Place(3, 3, 3, 9)
    assert found(old, ["Asthma", "b", "gone", "y", "Asthma", "d"], 3, "Asthma") == Place(1, 1, 0, 6)


def test_a_quote_inside_a_longer_word_is_not_the_quote() -> None:
    assert found(["HF stable"], ["HFpEF stable"], 1, "HF") is None
    assert found(["HF stable"], ["HFpEF; HF stable"], 1, "HF") == Place(1, 1, 7, 9)


def test_a_quote_over_lines_is_found_as_one() -> None:
    old = ["Type 2", "diabetes", "end"]
    assert found(old, ["x", "Type 2", "diabetes mellitus", "end"], 1, "Type 2\ndiabetes", 2) == Place(
        2, 3, 0, 8
    )
    assert found(old, ["Type 2 diabetes", "end"], 1, "Type 2\ndiabetes", 2) is None


def test_a_quote_that_is_gone() -> None:
    assert found(OLD, ["HISTORY", "", "PLAN"], 2, "Diabetes") is None
