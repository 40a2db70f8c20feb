"""The share of certainty that is the model's own: the code's free tokens, and the passes that agree."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.engines.llm.confidence import UNMEASURED, code_probabilities, combined
from modelops.engines.llm.transport import Token


def tokens(*pairs):
    """(text, probability); None for one that the grammar forced."""
    return [Token(text, 0.0 if p is None else math.log(p), p is None) for text, p in pairs]


def test_only_free_tokens_of_the_code_count_and_its_end_is_one():
    answer = tokens(
        ('{"codes":[{"description":"', None),
        ("flu", 0.01),
        ('","code":"', None),
        ("J", 0.8),
        ("1", None),
        ("0", 0.5),
        ('"', 0.9),
        (',"rationale":"', None),
        ("x", 0.02),
        ('"}]}', 0.03),
    )
    assert code_probabilities(answer, 1) == [pytest.approx((0.8 * 0.5 * 0.9) ** (1 / 3))]


def test_a_token_that_holds_more_than_the_code_counts_with_it():
    answer = tokens(('{"code":"J', 0.5), ('10","rationale":"', 0.8), ('"}', 0.1))
    assert code_probabilities(answer, 1) == [pytest.approx(math.sqrt(0.5 * 0.8))]


def test_in_a_closed_answer_the_choice_of_the_description_counts():
    answer = tokens(
        ('{"description":"', None),
        ("Infl", 0.5),
        ('uenza"', None),
        (',"code":"', None),
        ('J10"', None),
        ("}", None),
    )
    assert code_probabilities(answer, 1) == [None]
    assert code_probabilities(answer, 1, closed=True) == [pytest.approx(0.5)]


def test_every_token_forced_or_none_sent_is_not_measured():
    assert code_probabilities(tokens(('{"code":"J10"}', None)), 1) == [None]
    assert code_probabilities([], 2) == [None, None]
    assert code_probabilities([Token('{"code":"J10"}', math.nan, False)], 1) == [None]


def test_words_of_a_note_that_look_like_a_code_count_for_nothing():
    """Quotation marks inside a string are escaped, so they begin no field."""
    answer = tokens(
        ('{"code":"', None),
        ("J", 0.5),
        ('"', None),
        (',"quote":"say \\"code\\":\\"', 0.9),
        ("I10", 0.1),
        ('\\""}', 0.9),
    )
    assert code_probabilities(answer, 1) == [pytest.approx(0.5)]


def test_tokens_that_do_not_show_each_object_measure_nothing():
    answer = tokens(('{"codes":[{"code":"J10"},{"code":{"code":"I10"}}]}', 0.5))
    assert code_probabilities(answer, 3) == [None, None, None]


def test_a_probability_above_one_is_not_believed():
    assert code_probabilities([Token('{"code":"J10"}', 3.0, False)], 1) == [1.0]


@pytest.mark.parametrize(
    ("by_pass", "passes", "expected"),
    [
        ([], 3, 0.0),
        ([[0.8]], 1, 0.8),
        ([[0.8], [0.6]], 2, 0.7),
        # Named in one pass of four.
        ([[0.8]], 4, 0.2),
        # The best place of a pass.
        ([[0.3, 0.9, None]], 1, 0.9),
        ([[None]], 1, UNMEASURED),
        ([[None], [None]], 4, UNMEASURED / 2),
        # A pass that measured nothing counts as agreeing, not as a figure.
        ([[None], [0.8]], 2, 0.8),
    ],
)
def test_passes_together(by_pass, passes, expected):
    assert combined(by_pass, passes) == pytest.approx(expected)


@given(st.lists(st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=4), max_size=5))
def test_it_is_a_share_and_the_order_of_passes_is_nothing_to_it(by_pass):
    found = combined(by_pass, max(len(by_pass), 1))
    assert 0.0 <= found <= 1.0
    assert combined(by_pass[::-1], max(len(by_pass), 1)) == found
