"""The promotion gate: each threshold at its edge, beyond it, and without data."""

from __future__ import annotations

import pytest

from coding_review.rules.promotion_gate import (
    IDS,
    LEAST_GOLD,
    DomainFigure,
    GateFigures,
    SetFigures,
    Verdict,
    judge,
    passes,
)


def domain(
    candidate: float, serving: float, *, name: str = "frailty", gold: int = LEAST_GOLD
) -> DomainFigure:
    return DomainFigure("Set v1", name, gold, candidate, serving)


def figures(
    low: float | None = 0.0,
    unsupported: tuple[float | None, float | None] = (1.0, 1.0),
    domains: tuple[DomainFigure, ...] = (domain(0.6, 0.6),),
    knowledge: tuple[float, float] | None = (0.5, 0.5),
    lacking: tuple[str, ...] = (),
) -> GateFigures:
    return GateFigures(
        sets=(SetFigures("Set v1", low, *unsupported, domains),),
        lacking=lacking,
        knowledge={} if knowledge is None else {"medqa": knowledge},
    )


def verdicts(given: GateFigures) -> dict[str, str]:
    return {row.id: row.verdict.value for row in judge(given)}


ALL_PASS = dict.fromkeys(("exact_f1", "domain_loss", "unsupported", "knowledge_loss"), "pass")


def test_a_model_that_is_as_good_passes_every_row() -> None:
    rows = judge(figures())
    assert {row.id: row.verdict.value for row in rows} == ALL_PASS
    assert passes(rows) is True
    assert ALL_PASS.keys() == IDS


@pytest.mark.parametrize(
    ("given", "row", "verdict"),
    [
        (figures(low=-0.01), "exact_f1", "pass"),
        (figures(low=-0.0101), "exact_f1", "fail"),
        (figures(low=None), "exact_f1", "no_data"),
        (figures(domains=(domain(0.57, 0.60),)), "domain_loss", "pass"),
        (figures(domains=(domain(0.569, 0.60),)), "domain_loss", "fail"),
        (figures(domains=(domain(0.9, 0.6), domain(0.5, 0.6, name="sdoh"))), "domain_loss", "fail"),
        (figures(domains=(domain(0.1, 0.6, gold=LEAST_GOLD - 1),)), "domain_loss", "no_data"),
        (figures(domains=()), "domain_loss", "no_data"),
        (figures(unsupported=(1.1, 1.0)), "unsupported", "pass"),
        (figures(unsupported=(1.11, 1.0)), "unsupported", "fail"),
        (figures(unsupported=(1.0, None)), "unsupported", "no_data"),
        (figures(knowledge=(0.50, 0.47)), "knowledge_loss", "pass"),
        (figures(knowledge=(0.50, 0.469)), "knowledge_loss", "fail"),
        (figures(knowledge=None), "knowledge_loss", "no_data"),
    ],
)
def test_a_row_at_its_edge_beyond_it_and_without_data(given: GateFigures, row: str, verdict: str) -> None:
    assert verdicts(given) == ALL_PASS | {row: verdict}
    assert passes(judge(given)) is (verdict == "pass")


def test_a_set_that_was_left_out_leaves_no_data_where_sets_count() -> None:
    found = verdicts(figures(lacking=("Other v2",)))
    assert found == {
        "exact_f1": "no_data",
        "domain_loss": "no_data",
        "unsupported": "no_data",
        "knowledge_loss": "pass",
    }
    assert judge(figures(lacking=("Other v2",)))[0].where == "not compared: Other v2"


def test_without_any_set_nothing_but_knowledge_can_pass() -> None:
    assert verdicts(GateFigures()) == dict.fromkeys(IDS, "no_data")


def test_the_worst_set_and_domain_are_named_with_their_figure() -> None:
    given = GateFigures(
        sets=(
            SetFigures("A v1", 0.02, 1.0, 2.0, (domain(0.6, 0.62),)),
            SetFigures("B v1", -0.2, 2.0, 1.5, (DomainFigure("B v1", "sdoh", 40, 0.4, 0.5),)),
        ),
        knowledge={"medqa": (0.5, 0.4), "pubmedqa": (0.6, 0.64)},
    )
    rows = [(row.id, row.verdict, row.figure, row.where) for row in judge(given)]
    assert rows == [
        ("exact_f1", Verdict.FAIL, -0.2, "B v1"),
        ("domain_loss", Verdict.FAIL, 0.1, "sdoh, B v1"),
        ("unsupported", Verdict.FAIL, 0.5, "B v1"),
        ("knowledge_loss", Verdict.PASS, 0.03, "medqa, pubmedqa"),
    ]


def test_a_site_sets_its_own_limits() -> None:
    row = judge(figures(low=-0.04), {"exact_f1": -0.05})[0]
    assert (row.verdict, row.limit) == (Verdict.PASS, -0.05)
    assert row.as_json() == {
        "id": "exact_f1",
        "verdict": "pass",
        "figure": -0.04,
        "limit": -0.05,
        "where": "Set v1",
    }
