"""What the promotion gate says of a model version: its newest evaluations beside those of what serves its engine.

Gold sets that were frozen for evaluation and adjudicated after two people had read them count; nothing else does,
and how often people accept what they were shown never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q, Sum

from coding_review.choices import GoldSetKind, GoldSetPurpose
from coding_review.evaluation_comparison import comparison, why_not
from coding_review.knowledge import why_not as why_not_known
from coding_review.models import EvaluationJob, GoldSet
from coding_review.rules.promotion_gate import (
    DomainFigure,
    GateFigures,
    GateRow,
    SetFigures,
    judge,
    passes,
)
from modelops.evaluation_catalog import loaded_domains
from modelops.models import EvaluationRun, ModelVersion

_EXACT = "L3"


@dataclass(frozen=True, slots=True)
class Compared:
    """One counted gold set with the newest run of the candidate and of what serves. Either may be missing."""

    gold_set: GoldSet
    candidate: EvaluationRun | None
    serving: EvaluationRun | None

    @property
    def whole(self) -> bool:
        return (
            self.candidate is not None
            and self.serving is not None
            and not why_not(self.candidate, self.serving)
        )


@dataclass(frozen=True, slots=True)
class Gate:
    """`rows` as the table of thresholds judges; `serving` None where the engine answers without a version: then
    `baseline` names the engine, as the settings describe it, that the version is held against."""

    version: ModelVersion
    serving: ModelVersion | None
    compared: tuple[Compared, ...]
    rows: tuple[GateRow, ...]
    baseline: str = ""

    @property
    def passes(self) -> bool:
        return passes(self.rows)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(run of the candidate, run of what serves) of every comparison behind the rows."""
        return [(of.candidate.pk, of.serving.pk) for of in self.compared if of.candidate and of.serving]


def gate_of(version: ModelVersion, against: str = "") -> Gate:
    """Against what serves the version's engine now; while none does, against an engine without a version: `against`,
    else `usual_baseline`. Comparisons of stored runs are kept in the process."""
    serving = ModelVersion.objects.serving(version.engine)
    baseline = "" if serving is not None else against or usual_baseline(version)
    compared = _compared(version, serving, baseline or version.engine)
    whole = [of for of in compared if of.whole]
    figures = GateFigures(
        sets=tuple(_set_figures(of.gold_set, of.candidate, of.serving) for of in whole),
        lacking=tuple(str(of.gold_set) for of in compared if not of.whole),
        knowledge=_knowledge(version.metrics.get("general_knowledge") or {}),
        knowledge_lacks=why_not_known(version),
    )
    return Gate(version, serving, compared, judge(figures, settings.PROMOTION_GATE), baseline)


def usual_baseline(version: ModelVersion) -> str:
    """The version's own engine where it was measured without a version, else the engine that answers charts now."""
    counted = [gold_set.sha256 for gold_set in _counted_sets()]
    runs = EvaluationRun.objects.filter(
        engine=version.engine, model_version=None, gold_set_sha256__in=counted
    )
    return version.engine if runs.exists() else str(settings.ENGINE)


def _compared(version: ModelVersion, serving: ModelVersion | None, against: str) -> tuple[Compared, ...]:
    """Of every counted set, the newest version of its name, that one of the two was scored against."""
    found = []
    for gold_set in _counted_sets():
        mine = _newest(version.engine, version, gold_set)
        theirs = _newest(against, serving, gold_set)
        if mine is not None or theirs is not None:
            found.append(Compared(gold_set, mine, theirs))
    return tuple(found)


def _counted_sets() -> list[GoldSet]:
    counted = GoldSet.objects.filter(purpose=GoldSetPurpose.EVALUATION, kind=GoldSetKind.GOLD)
    newest = counted.order_by("name", "-version").distinct("name")
    return list(newest.defer("manifest"))


def counted_runs(
    engine: str, version: ModelVersion | None, gold_set: GoldSet
) -> models.QuerySet[EvaluationRun]:
    """Runs that tell what the model does. Without a version: of the engine as the settings describe it.

    A file that somebody sent says itself who made it, so whoever wants a version to pass could have written it; runs
    over some bands or domains only leave out what the gate looks at; an engine's stored predictions may be of some
    charts only, and the others would count against it. None of them counts.
    """
    partly = EvaluationJob.objects.filter(
        Q(asked=False, model_version=None) | ~Q(domains__contains=loaded_domains()), run__isnull=False
    )
    return EvaluationRun.objects.filter(
        Q(settings__bands="all") | ~Q(settings__has_key="bands"),
        engine=engine,
        model_version=version,
        gold_set_sha256=gold_set.sha256,
    ).exclude(pk__in=partly.values("run"))


def _newest(engine: str, version: ModelVersion | None, gold_set: GoldSet) -> EvaluationRun | None:
    return counted_runs(engine, version, gold_set).defer("drawings").order_by("-pk").first()


def _set_figures(gold_set: GoldSet, mine: EvaluationRun | None, theirs: EvaluationRun | None) -> SetFigures:
    if mine is None or theirs is None:
        return SetFigures(str(gold_set))
    exact = comparison(mine, theirs)["levels"][_EXACT]["micro_f1"]
    return SetFigures(
        gold_set=str(gold_set),
        exact_f1_low=exact["low"],
        candidate_unsupported=_unsupported(mine),
        serving_unsupported=_unsupported(theirs),
        domains=_domains(gold_set, mine, theirs),
    )


def _unsupported(run: EvaluationRun) -> float | None:
    """Codes a chart that the gold set does not have."""
    total = run.charts.aggregate(total=Sum("unsupported"))["total"]
    return None if total is None or not run.charts_count else total / run.charts_count


def _domains(gold_set: GoldSet, mine: EvaluationRun, theirs: EvaluationRun) -> tuple[DomainFigure, ...]:
    before = _by_domain(theirs)
    return tuple(
        DomainFigure(str(gold_set), name, gold, f1, before[name][1])
        for name, (gold, f1) in _by_domain(mine).items()
        if name in before
    )


def _by_domain(run: EvaluationRun) -> dict[str, tuple[int, float]]:
    """Gold codes and exact F1 of the charts of each domain, where they were reckoned."""
    found = {}
    for row in (run.metrics.get("by") or {}).get("domain") or ():
        f1 = ((row.get("levels") or {}).get(_EXACT) or {}).get("f1")
        if isinstance(f1, int | float):
            found[str(row["key"])] = (int(row["gold"]), float(f1))
    return found


def _knowledge(kept: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Of the tasks that were asked both before and after training."""
    return {
        name: (float(task["before"]["accuracy"]), float(task["after"]["accuracy"]))
        for name, task in (kept.get("tasks") or {}).items()
        if "before" in task and "after" in task
    }
