"""Agreement at levels L0 to L4, by hand-counted cases."""

import math

import pytest

from modelops.evaluation.levels import Counts, count, macro, micro


def lines(*numbers):
    return frozenset(("1", number) for number in numbers)


GOLD = {"E11.22": lines(3), "N18.4": lines(3, 7), "I10": lines(9)}


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("L0", Counts(2, 3, 3)),
        ("L1", Counts(1, 3, 3)),
        ("L2", Counts(1, 3, 3)),
        ("L3", Counts(1, 3, 3)),
        ("L4", Counts(1, 3, 3)),
    ],
)
def test_levels_cut_the_code_without_its_dot(level, expected):
    predicted = {"E11.9": lines(3), "N18.4": lines(7), "Z66": lines(1)}
    assert count(predicted, GOLD, level) == expected


def test_two_codes_of_one_category_count_once_at_l0():
    assert count({"E11.9": lines(1), "E11.65": lines(1)}, {"E11.22": lines(1)}, "L0") == Counts(1, 1, 1)


def test_evidence_must_share_a_line_and_cite_at_most_five():
    assert count({"I10": lines(8)}, GOLD, "L4") == Counts(0, 1, 3)
    assert count({"I10": lines(9, 1, 2, 3, 4)}, GOLD, "L4") == Counts(1, 1, 3)
    assert count({"I10": lines(9, 1, 2, 3, 4, 5)}, GOLD, "L4") == Counts(0, 1, 3)


def test_optional_codes_count_neither_way_unless_they_are_gold():
    predicted = {"I10": lines(9), "Z79.899": lines(1)}
    assert count(predicted, GOLD, "L3", optional={"Z79.899", "I10"}) == Counts(1, 1, 3)


@pytest.mark.parametrize(
    ("counts", "precision", "recall", "f1"),
    [
        (Counts(0, 0, 0), 1.0, 1.0, 1.0),
        (Counts(0, 0, 2), 0.0, 0.0, 0.0),
        (Counts(0, 2, 0), 0.0, 0.0, 0.0),
        (Counts(1, 2, 4), 0.5, 0.25, 1 / 3),
    ],
)
def test_figures_of_counts(counts, precision, recall, f1):
    assert (counts.precision, counts.recall, counts.f1) == pytest.approx((precision, recall, f1))


def test_micro_sums_and_macro_averages_with_its_standard_error():
    assert micro([Counts(1, 2, 3), Counts(2, 2, 2)]) == Counts(3, 4, 5)
    mean = macro([0.0, 1.0, 0.5])
    assert (mean.value, mean.standard_error) == pytest.approx((0.5, 0.5 / math.sqrt(3)))
    assert math.isnan(macro([0.5]).standard_error)
    assert math.isnan(macro([]).value)
