"""What must hold of agreement whatever the study."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modelops.evaluation.agreement import agreement
from modelops.evaluation.agreement.code_sets import masi_distance
from modelops.evaluation.agreement.likeness import _by_postings, _by_product, _postings
from tests.generated import examples
from tests.modelops.agreement_rows import addition, drawn_study, empty, label, seeded

studies = st.builds(
    drawn_study,
    seed=st.integers(0, 10**6),
    charts=st.integers(1, 12),
    readers=st.sampled_from([("A", "B"), ("A", "B", "C")]),
    codes=st.integers(2, 30),
    shown=st.integers(0, 6),
    missing=st.sampled_from([0.0, 0.3]),
)
few = examples(40)


def figures(report, path=()):
    """Every figure of the report, with its place."""
    if isinstance(report, dict) and "interval_why" in report:
        yield path, report
    elif isinstance(report, dict):
        for key, value in report.items():
            yield from figures(value, (*path, key))
    elif isinstance(report, list):
        for key, value in enumerate(report):
            yield from figures(value, (*path, key))


def quick(rows, **more):
    return agreement(rows, resamples=20, **more)


def chapter(system, code, release):
    return code[0]


@few
@given(studies, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, chance):
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert quick(shuffled, chapter_of=chapter) == quick(rows, chapter_of=chapter)


@few
@given(studies)
def test_every_figure_is_in_its_range_or_says_why_it_is_none(rows):
    for path, figure in figures(quick(rows, chapter_of=chapter)):
        if figure["value"] is None:
            assert figure["why"].endswith(".")
            assert figure["low"] is figure["high"] is None
            continue
        lowest = -1.0 if any(word in path[-1] for word in ("kappa", "alpha", "ac1")) else 0.0
        assert lowest - 1e-9 <= figure["value"] <= 1 + 1e-9
        assert (figure["low"] is None) == bool(figure["interval_why"])
        if figure["low"] is not None:
            assert figure["low"] <= figure["high"] <= 1 + 1e-9


@few
@given(studies)
def test_readers_who_agree_in_everything_have_one_or_a_reason(rows):
    first = [row for row in rows if row.reader == "A"]
    report = quick([*first, *(replace(row, reader="B") for row in first)])
    for path, figure in figures({key: report[key] for key in ("overall", "by_pair", "per_code")}):
        if path[-1] != "undecidable" and figure["value"] is not None:
            assert figure["value"] == pytest.approx(1.0)


@few
@given(studies)
def test_the_readers_names_do_not_matter_to_the_whole(rows):
    swapped = [replace(row, reader={"A": "C", "C": "A"}.get(row.reader, row.reader)) for row in rows]
    assert {path: figure["value"] for path, figure in figures(quick(swapped)["overall"])} == pytest.approx(
        {path: figure["value"] for path, figure in figures(quick(rows)["overall"])}
    )


@few
@given(studies)
def test_checks_qualification_and_repeats_move_no_figure_of_the_whole(rows):
    more = [
        *(replace(row, kind="qualification", chart=f"q{row.chart}") for row in rows),
        *(replace(row, kind="repeat") for row in rows if row.reader == "A"),
        *(seeded(row.chart, row.reader, "X99.9", "approve", patient=row.patient) for row in rows),
    ]
    alone, together = quick(rows, chapter_of=chapter), quick([*rows, *more], chapter_of=chapter)
    for key in ("overall", "by_pair", "by_domain", "by_chapter", "per_code", "counts"):
        if key != "counts":
            assert together[key] == alone[key]
    assert together["counts"] == {
        **alone["counts"],
        "repeats": len({r.chart for r in rows if r.reader == "A"}),
    }
    assert together["seeded"]["checks"] == len(rows)


@few
@given(studies)
def test_a_repeat_that_says_the_same_agrees_wholly(rows):
    again = [replace(row, kind="repeat") for row in rows]
    for path, figure in figures(quick([*rows, *again])["repeats"]):
        if path[-1] != "undecidable" and figure["value"] is not None:
            assert figure["value"] == pytest.approx(1.0)


@few
@given(studies)
@example([addition("c0", "B", "I11.1", 2, 3)])
def test_chapters_part_the_labels_and_the_codes(rows):
    report = quick(rows, chapter_of=chapter)
    chapters = report["by_chapter"].values()
    assert sum(one["labels"]["pairs"] for one in chapters) == report["overall"]["labels"]["pairs"]
    assert sum(one["additions"]["pairs"] for one in chapters) == report["overall"]["additions"]["pairs"]
    assert sum(one["codes"]["codes"] for one in chapters) == report["overall"]["codes"]["codes"]
    pairs = report["by_pair"].values()
    assert sum(one["labels"]["pairs"] for one in pairs) == report["overall"]["labels"]["pairs"]


@few
@given(studies, st.integers(1, 5))
def test_charts_on_which_both_find_nothing_raise_only_what_counts_them(rows, more):
    nothing = [empty(f"z{n}", reader) for n in range(more) for reader in "AB"]
    before, after = quick(rows)["overall"], quick([*rows, *nothing])["overall"]
    for name in ("positive_agreement", "negative_agreement", "ac1", "alpha"):
        assert after["labels"][name]["value"] == pytest.approx(before["labels"][name]["value"])
    assert after["codes"]["charts"] == before["codes"]["charts"] + more
    assert after["codes"]["positive_agreement"]["value"] == pytest.approx(
        before["codes"]["positive_agreement"]["value"]
    )
    assert after["sets"]["charts"] == before["sets"]["charts"] + more


@few
@given(st.integers(0, 10**6))
def test_the_seed_gives_the_draws_again(seed):
    rows = [label(f"c{n}", reader, "I10", ("approve", "reject")[n % 2]) for n in range(6) for reader in "AB"]
    assert agreement(rows, seed=seed) == agreement(rows, seed=seed)


@pytest.mark.parametrize("codes", [6, 400])
def test_both_ways_to_compare_all_sets_agree_with_comparing_each_pair(codes):
    chance = random.Random(codes)
    sets = list({frozenset(chance.sample(range(codes), chance.randint(0, 5))) for _ in range(60)})
    values = np.array([float(chance.randint(1, 3)) for _ in sets])
    expected = np.array([[1 - masi_distance(a, b) for b in sets] for a in sets])
    for way in (_by_product, _by_postings):
        full = np.zeros((len(sets), len(sets)))
        assert way(sets, _postings(sets), values, full) == pytest.approx(expected @ values, abs=1e-12)
        assert full == pytest.approx(expected, abs=1e-12)
