"""A run is kept with everything that led to its charts, and nothing of it changes afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import DatabaseError, transaction

from modelops.choices import WorkStatus
from modelops.models import SynthesisRun, SyntheticChart
from modelops.synthesis.chart_rows import gold_row, sha256_of
from modelops.synthesis.diagnostics import Diagnostics
from modelops.synthesis.store import begin, keep
from modelops.synthesis.types import SyntheticDraft


def run_of(drafts: list[SyntheticDraft], name: str = "trial") -> SynthesisRun:
    run = begin(name, kind="icd10cm", writer="embedded", seed=1, settings={"count": len(drafts)})
    assert list(keep(run, drafts, Diagnostics())) == drafts
    return run


def test_charts_and_counts_are_kept(drafts: list[SyntheticDraft]) -> None:
    bad = replace(drafts[2], discarded="phi: name")
    run = run_of([*drafts[:2], bad])
    run.refresh_from_db()
    assert (run.status, run.counts["charts"], run.counts["kept"]) == (WorkStatus.DONE, 3, 2)
    assert run.counts["discarded"] == {"phi: name": 1}
    assert [chart.position for chart in run.charts.all()] == [0, 1, 2]
    assert [chart.gold_row() for chart in SyntheticChart.objects.filter(run=run).usable()] == [
        gold_row(draft) for draft in drafts[:2]
    ]
    assert [chart.sha256 for chart in run.charts.all()] == [sha256_of(d) for d in [*drafts[:2], bad]]
    assert [chart.discarded_reason for chart in SyntheticChart.objects.filter(run=run).discarded()] == [
        "phi: name"
    ]
    assert run.charts.all()[0].intermediates["seed_code"] == drafts[0].order.seed_code


def test_the_newest_run_that_ended_well(drafts: list[SyntheticDraft]) -> None:
    first, second = run_of(drafts[:1]), run_of(drafts[:2])
    begin("trial", kind="icd10cm", writer="embedded", seed=1, settings={})
    assert SynthesisRun.objects.latest_named("trial") == second != first
    assert SynthesisRun.objects.latest_named("other") is None


def test_nothing_of_a_run_that_ended_changes(drafts: list[SyntheticDraft]) -> None:
    run = run_of(drafts[:1])
    chart = run.charts.get()
    for change in (
        lambda: SynthesisRun.objects.filter(pk=run.pk).update(name="other"),
        lambda: SyntheticChart.objects.filter(pk=chart.pk).update(discarded_reason="x"),
        lambda: SyntheticChart.objects.filter(pk=chart.pk).delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    chart.refresh_from_db()
    run.refresh_from_db()
    assert (run.name, chart.discarded_reason) == ("trial", "")


def test_a_making_that_raises_leaves_a_failed_run(drafts: list[SyntheticDraft]) -> None:
    def broken():
        yield from drafts[:1]
        raise RuntimeError("server gone")

    run = begin("trial", kind="icd10cm", writer="llm", seed=1, settings={})
    with pytest.raises(RuntimeError):
        list(keep(run, broken(), Diagnostics()))
    run.refresh_from_db()
    assert (run.status, run.ended_at is not None) == (WorkStatus.FAILED, True)


def test_a_making_that_is_left_is_cancelled(drafts: list[SyntheticDraft]) -> None:
    run = begin("trial", kind="icd10cm", writer="embedded", seed=1, settings={})
    taken = keep(run, drafts, Diagnostics())
    next(taken)
    taken.close()
    run.refresh_from_db()
    assert run.status == WorkStatus.CANCELLED
    assert run.charts.count() == len(drafts)


def test_diagnostics_count_what_was_made(drafts: list[SyntheticDraft]) -> None:
    diagnostics = Diagnostics()
    copied = replace(drafts[0], order=replace(drafts[0].order, id="copy"))
    for draft in (*drafts[:20], copied, replace(drafts[20], discarded="no_code")):
        diagnostics.add(draft)
    rows = diagnostics.rows()
    gold = [
        code.code for draft in (*drafts[:20], copied) for code in draft.labelled.codes if not code.optional
    ]
    assert (rows["charts"], rows["kept"], rows["discard_rate"]) == (22, 21, round(1 / 22, 4))
    assert rows["distinct_codes"] == len(set(gold)) == sum(rows["codes_by_frequency"].values())
    assert rows["labels_per_note"]["mean"] == round(len(gold) / 21, 2)
    assert rows["near_duplicate_pairs"] == [["copy", drafts[0].order.id, 1.0]]
    assert rows["discarded"] == {"no_code": 1}


def test_seeded_charts_are_not_near_duplicates(drafts: list[SyntheticDraft]) -> None:
    diagnostics = Diagnostics()
    for draft in drafts:
        diagnostics.add(draft)
    assert diagnostics.rows()["near_duplicates"] == 0
