"""The tables of gold projects: verdicts, presets, steps, who fits on a chart, what is compared, draws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coding_review.choices import GoldStatus, GoldVerdict, Ruling
from coding_review.rules.gold_presets import PRESETS, departures, problems
from coding_review.rules.gold_sampling import Candidate, draw, length_of
from coding_review.rules.gold_steps import (
    STEPS,
    drawn,
    item_kind,
    may_take,
    next_status,
    outcome,
    overruled,
)
from coding_review.rules.gold_verdicts import BY_KEY, VERDICTS, paper_word


def test_verdicts_by_key_and_the_papers_two() -> None:
    assert [v.id for v in VERDICTS] == list(GoldVerdict.values)
    assert list(BY_KEY) == ["1", "2", "3", "4", "5"]
    assert [paper_word(v.id) for v in VERDICTS] == ["approved", "approved", "approved", "rejected", ""]
    assert [v.id for v in VERDICTS if v.reason_required] == ["reject"]


@pytest.mark.parametrize("preset", ["paper", "full", "custom"])
def test_presets_can_be_run_and_are_themselves(preset: str) -> None:
    assert problems(PRESETS[preset]) == []
    assert departures(preset, PRESETS[preset]) == []


def test_the_papers_protocol() -> None:
    paper = PRESETS["paper"]
    assert (paper.charts, paper.mode, paper.readings_per_chart, paper.domains) == (
        100,
        "approve_only",
        1,
        ("advanced_illness", "frailty", "sdoh"),
    )
    assert departures("paper", PRESETS["full"]) == ["mode", "domains", "readings_per_chart", "double_share"]


@pytest.mark.parametrize(
    ("status", "step", "after"),
    [
        ("draft", "open", "open"),
        ("open", "close", "adjudicating"),
        ("adjudicating", "freeze", "frozen"),
        ("frozen", "withdraw", "frozen"),
        ("frozen", "freeze", None),
        ("frozen", "adjudicate", None),
        ("open", "sample", None),
        ("open", "adjudicate", None),
        ("adjudicating", "read", None),
        ("draft", "read", None),
    ],
)
def test_steps(status: str, step: str, after: str | None) -> None:
    assert next_status(status, step) == after


def test_every_status_is_in_the_table() -> None:
    assert {status for status, _ in STEPS} == set(STEPS.values()) == set(GoldStatus.values)


@pytest.mark.parametrize(
    ("wanted", "held", "mine", "mixed", "fits"),
    [
        (1, [], "coder", True, True),
        (1, ["clinician"], "coder", True, False),
        (2, [], "coder", True, True),
        (2, ["coder"], "coder", True, False),
        (2, ["coder"], "coder", False, True),
        (2, ["coder"], "clinician", True, True),
        (3, ["coder"], "coder", True, True),
        (3, ["coder", "coder"], "coder", True, False),
        (3, ["coder", "coder"], "clinician", True, True),
        (3, ["coder", "clinician"], "coder", True, True),
    ],
)
def test_who_fits_on_a_chart(wanted: int, held: list[str], mine: str, mixed: bool, fits: bool) -> None:
    assert may_take(wanted, held, mine, mixed=mixed) is fits


@pytest.mark.parametrize(
    ("said", "is_drawn", "kind"),
    [
        (["approve", "reject"], False, "conflict"),
        (["approve", "undecidable"], True, "conflict"),
        (["approve", "approve_evidence_wrong"], False, "conflict"),
        (["approve", "approve_more_specific"], False, "agreed"),
        (["reject", "reject"], True, "drawn"),
        (["added", "absent"], False, "one_sided"),
        (["added", "added", "absent"], True, "one_sided"),
        (["added", "added"], False, "agreed"),
        (["reject"], True, "agreed"),
    ],
)
def test_what_an_adjudicator_sees_first(said: list[str], is_drawn: bool, kind: str) -> None:
    assert item_kind(said, is_drawn=is_drawn) == kind


@pytest.mark.parametrize(
    ("said", "ruling", "status"),
    [
        (["approve", "approve_more_specific"], "", "accepted"),
        (["reject", "reject"], "", "rejected"),
        (["undecidable"], "", "undecided"),
        (["added", "added"], "", "accepted"),
        (["approve", "reject"], "", None),
        (["approve", "reject"], "keep", "accepted"),
        (["approve", "approve"], "out", "rejected"),
        (["added", "absent"], "undecidable", "undecided"),
        (["approve", "reject"], "none", None),
    ],
)
def test_what_becomes_of_a_code(said: list[str], ruling: str, status: str | None) -> None:
    assert outcome(said, ruling) == status


@pytest.mark.parametrize(
    ("said", "ruling", "against"),
    [
        ("approve", Ruling.OUT, True),
        ("approve_evidence_wrong", Ruling.KEEP, False),
        ("reject", Ruling.KEEP, True),
        ("undecidable", Ruling.UNDECIDABLE, False),
        ("added", Ruling.OUT, True),
        ("absent", Ruling.KEEP, True),
        ("absent", Ruling.OUT, False),
        ("approve", Ruling.NONE, False),
    ],
)
def test_who_was_overruled(said: str, ruling: str, against: bool) -> None:
    assert overruled(said, ruling) is against


def test_a_tenth_is_drawn_the_same_for_everyone() -> None:
    chosen = [n for n in range(10_000) if drawn(7, f"{n}:icd10cm:I10", 0.10)]
    assert chosen == [n for n in range(10_000) if drawn(7, f"{n}:icd10cm:I10", 0.10)]
    assert 900 < len(chosen) < 1100
    assert not drawn(7, "x", 0.0)


@pytest.mark.parametrize(
    ("lines", "word"), [(1, "short"), (59, "short"), (60, "medium"), (199, "medium"), (200, "long")]
)
def test_lengths(lines: int, word: str) -> None:
    assert length_of(lines) == word


POPULATION = st.lists(st.sampled_from(["inpatient", "emergency", "home"]), min_size=1, max_size=60)


@given(settings=POPULATION, size=st.integers(1, 80), seed=st.integers(0, 99))
def test_draws(settings: list[str], size: int, seed: int) -> None:
    """Whatever the order of the population: the same charts, each once, every stratum within one of its share."""
    rows = [Candidate(pk, {"setting": setting}) for pk, setting in enumerate(settings, start=1)]
    found = draw(rows, size, seed, ("setting",))
    assert found == draw(rows[::-1], size, seed, ("setting",))
    assert len({c.id for c in found}) == len(found) == min(size, len(rows))
    for setting in set(settings):
        exact = len(found) * settings.count(setting) / len(rows)
        assert abs(sum(c.stratum["setting"] == setting for c in found) - exact) < 1
