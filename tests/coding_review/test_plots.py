"""Curves as geometry: round bounds, gaps where a figure is missing, the place of now, and words for who sees none."""

from __future__ import annotations

import math

import pytest

from coding_review.web import amounts
from coding_review.web.plots import HEIGHT, WIDTH, Series, bounds, path_of, plot


def at(step: int, value: float) -> str:
    return f"{step},{value:g}"


@pytest.mark.parametrize(
    ("values", "from_zero", "expected"),
    [
        ([], True, (0.0, 1.0)),
        ([0.2, 1.9], True, (0.0, 2.0)),
        ([3.0, 3.0], False, (0.0, 6.0)),
        ([0.0], True, (-1.0, 1.0)),
        ([-2.0, 3.0], True, (-2.5, 7.5)),
        ([7_400.0, 7_406.0], True, (0.0, 10_000.0)),
    ],
)
def test_bounds_are_round_and_hold_every_value(values, from_zero, expected):
    found = bounds(values, from_zero=from_zero)
    assert found == pytest.approx(expected)
    assert all(found[0] <= value <= found[1] for value in values)


def test_a_missing_or_endless_figure_leaves_a_gap_and_a_lone_point_is_seen():
    points = [(1, 2.0), (2, 1.0), (3, None), (4, math.nan), (5, 3.0), (6, math.inf), (7, 1.0), (8, 2.0)]
    assert path_of(points, at) == "M1,2 L2,1 M5,3 h1 M7,1 L8,2"
    assert path_of([], at) == ""


def test_a_plot_has_room_for_the_steps_to_come():
    drawn = plot(
        "loss", "Loss", "", [Series("training", [(0, 2.0), (50, 1.0)])], steps=100, form=amounts.loss
    )
    assert drawn.now == WIDTH // 2
    assert drawn.curves[0].path == f"M0.0,4.0 L300.0,{HEIGHT / 2:.1f}"
    assert drawn.curves[0].last == "1.000"
    assert drawn.ticks == ("2.000", "1.000", "0.000")
    assert (drawn.first_step, drawn.last_step) == ("0", "100")
    assert drawn.words == "Loss by step: training 2.000 at step 0, 1.000 at step 50."


def test_a_plot_whose_steps_are_done_marks_no_place_and_one_without_figures_says_so():
    done = plot("x", "X", "", [Series("x", [(1, 1.0), (9, 2.0)])], steps=9, form=str)
    assert done.now is None
    none = plot("x", "X", "", [Series("x", [(1, None)])], steps=9, form=str)
    assert none.is_empty
    assert none.words == "X: no figures yet."


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (3599, "59 min"),
        (6480, "1 h 48"),
        (3600 * 47 + 60, "47 h 01"),
        (3600 * 76, "3 days 4 h"),
        (None, "–"),
    ],
)
def test_spans(seconds, told):
    assert amounts.span(seconds) == told


def test_amounts_have_their_units():
    assert [amounts.gib(n * 1024**3) for n in (121, 1.9, 0.05)] == ["121 GiB", "1.9 GiB", "51 MiB"]
    assert [amounts.short_count(n) for n in (70_553_706_496, 285_600_000, 12)] == ["70.6 B", "286 M", "12"]
    assert [amounts.loss(v) for v in (0.2139, None, math.nan)] == ["0.214", "–", "–"]
    assert amounts.share(0.3971) == "39.7%"
    assert amounts.rate(2.84e-6) == "2.8e-06"
