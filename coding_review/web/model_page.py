"""What the pages of model versions show, as plain data: the list, one version with its gate, what was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, Sum
from django.utils import timezone

from coding_review.choices import EvaluationStatus
from coding_review.evaluation_comparison import comparison
from coding_review.models import EvaluationJob
from coding_review.models.evaluation_job import EvaluationJobQuerySet
from coding_review.promotion import Compared, Gate
from coding_review.rules.promotion_gate import GateRow, Verdict
from modelops.checkpoint_files import Standing, standing
from modelops.choices import ModelState, PromotionKind
from modelops.evaluation.report.parts import at, number
from modelops.models import ModelVersion, Promotion

# Symbol and word, so that no colour is needed to tell them apart.
_VERDICTS: dict[Verdict, tuple[str, str]] = {
    Verdict.PASS: ("✓", "pass"),
    Verdict.FAIL: ("✕", "fail"),
    Verdict.NO_DATA: ("?", "no data"),
}
_SHARE = "{:.0%}"
# Of large ones; small ones are read when the version is to take charts.
_FILES: dict[Standing, str] = {
    Standing.GONE: "not there",
    Standing.WAITS: "being compared with their hashes; until that is done the version takes no charts",
    Standing.WHOLE: "compared with their hashes: as the training left them",
    Standing.OTHERS: "not those that the training left: the version takes no charts",
}
_SERVES_WITHOUT = "not compared as they are now; a worker does so when the version no longer answers"


@dataclass(frozen=True, slots=True)
class VersionRow:
    pk: int
    name: str
    engine: str
    state: str
    serving: bool
    beside: str
    data: str
    exact: str
    trained_by: str
    made: str


@dataclass(frozen=True, slots=True)
class GateLine:
    title: str
    symbol: str
    verdict: str
    key: str
    figure: str
    limit: str
    where: str


@dataclass(frozen=True, slots=True)
class ComparedLine:
    """`a` and `b`: runs of the candidate and of what serves; the link to both needs both."""

    gold_set: str
    a: int | None
    b: int | None
    exact_a: str
    exact_b: str
    difference: str
    interval: str


@dataclass(frozen=True, slots=True)
class Done:
    at: str
    what: str
    version: str
    replaced: str
    by: str
    reason: str
    gate: str


@dataclass(frozen=True, slots=True)
class ShadowFigures:
    charts: int
    both: int
    only_shadow: int
    only_shown: int
    failed: int


def version_row(version: ModelVersion) -> VersionRow:
    newest = version.evaluation_runs.order_by("-pk").first()
    return VersionRow(
        pk=version.pk,
        name=str(version),
        engine=version.engine,
        state=version.state.label,
        serving=version.state == ModelState.SERVING,
        beside=_beside(version),
        data=str(version.dataset) if version.dataset else version.dataset_version,
        exact=number(at(newest.metrics, "levels.L3.micro.f1")) if newest else "",
        trained_by=_person(version.trained_by),
        made=_moment(version.created_at),
    )


def _beside(version: ModelVersion) -> str:
    told = []
    if version.canary_share:
        told.append(f"canary, {_SHARE.format(version.canary_share)} of charts")
    if version.shadow:
        told.append("shadow")
    return "; ".join(told)


def being_compared(version: ModelVersion) -> bool:
    """Whether a worker has yet to say what the files are: the page asks again until it has. Of what answers already
    no worker is asked."""
    return not version.active and standing(version) == Standing.WAITS


def facts(version: ModelVersion) -> list[tuple[str, str]]:
    named = (
        ("Engine", version.engine),
        ("State", "; ".join(filter(None, (version.state.label, _beside(version))))),
        ("Base", version.base),
        ("Adapter", version.adapter),
        ("Checkpoint", version.checkpoint),
        ("SHA-256", version.sha256),
        ("Files", _files(version)),
        ("Prompt", version.prompt_version),
        ("Dataset", str(version.dataset) if version.dataset else version.dataset_version),
        ("Training job", f"{version.job.pk}, {version.job.name}" if version.job else ""),
        ("Trained by", _person(version.trained_by)),
        ("Made", _moment(version.created_at)),
    )
    return [(term, value) for term, value in named if value]


def _files(version: ModelVersion) -> str:
    stand = standing(version)
    if version.active and stand == Standing.WAITS:
        return _SERVES_WITHOUT
    return _FILES.get(stand, "")


def gate_lines(rows: tuple[GateRow, ...]) -> list[GateLine]:
    return [_gate_line(row) for row in rows]


def _gate_line(row: GateRow) -> GateLine:
    symbol, word = _VERDICTS[row.verdict]
    return GateLine(
        title=row.title,
        symbol=symbol,
        verdict=word,
        key=row.verdict.value,
        figure="—" if row.figure is None else f"{row.figure:+.3f}",
        limit=f"{'at least' if row.least else 'at most'} {row.limit:+.3f}",
        where=row.where,
    )


def compared_lines(gate: Gate) -> list[ComparedLine]:
    return [_compared_line(of) for of in gate.compared]


def not_measured(gate: Gate) -> bool:
    """Whether what the version is held against lacks a run on one of the sets."""
    return not gate.compared or any(of.serving is None for of in gate.compared)


def under_way(version: ModelVersion, gate: Gate) -> list[EvaluationJob]:
    """Evaluations of the version, and of what it is held against."""
    return list(_evaluations(version, gate).open().order_by("pk"))


def not_done(version: ModelVersion, gate: Gate) -> list[EvaluationJob]:
    """The same where the newest against a set failed: without a word of it a set would merely lack its figures."""
    what = ("gold_set", "model_version", "engine")
    newest = _evaluations(version, gate).order_by(*what, "-pk").distinct(*what)
    return [job for job in newest if job.status == EvaluationStatus.FAILED]


def _evaluations(version: ModelVersion, gate: Gate) -> EvaluationJobQuerySet:
    mine = Q(model_version=version)
    theirs = Q(model_version=gate.serving) if gate.serving else Q(engine=gate.baseline, asked=True)
    return EvaluationJob.objects.filter(mine | theirs).select_related("gold_set", "model_version")


def _compared_line(of: Compared) -> ComparedLine:
    exact: dict[str, Any] = {}
    if of.whole and of.candidate is not None and of.serving is not None:
        exact = comparison(of.candidate, of.serving)["levels"]["L3"]["micro_f1"]
    low, high = exact.get("low"), exact.get("high")
    return ComparedLine(
        gold_set=str(of.gold_set),
        a=of.candidate.pk if of.candidate else None,
        b=of.serving.pk if of.serving else None,
        exact_a=_figure(exact.get("a")),
        exact_b=_figure(exact.get("b")),
        difference=_figure(exact.get("difference"), signed=True),
        interval="—" if low is None or high is None else f"{low:+.3f} to {high:+.3f}",
    )


def _figure(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "—"
    return f"{value:+.3f}" if signed else f"{value:.3f}"


def done(row: Promotion) -> Done:
    failed = [str(one["id"]).replace("_", " ") for one in row.gate if one["verdict"] != Verdict.PASS]
    gate = "" if not row.gate else "passed" if not failed else f"overridden: {', '.join(failed)}"
    return Done(
        at=_moment(row.at),
        what=_what(row),
        version=str(row.model_version) if row.model_version else "the engine without a version",
        replaced=str(row.replaced) if row.replaced and row.replaced != row.model_version else "",
        by=_person(row.by),
        reason=row.reason,
        gate=gate,
    )


def _what(row: Promotion) -> str:
    label = PromotionKind(row.kind).label
    if row.kind == PromotionKind.CANARY:
        return f"{label}: {_SHARE.format(row.share or 0)}"
    return f"{label}: {'on' if row.share else 'off'}" if row.kind == PromotionKind.SHADOW else label


def shadow_figures(version: ModelVersion) -> ShadowFigures | None:
    """None where it was never asked in shadow."""
    scores = version.shadow_scores.all()
    answered = scores.filter(error_code="").aggregate(
        charts=Count("pk"), both=Sum("both"), only_shadow=Sum("only_shadow"), only_shown=Sum("only_shown")
    )
    failed = scores.exclude(error_code="").count()
    if not answered["charts"] and not failed:
        return None
    return ShadowFigures(
        answered["charts"],
        answered["both"] or 0,
        answered["only_shadow"] or 0,
        answered["only_shown"] or 0,
        failed,
    )


def _person(user: Any) -> str:
    return "" if user is None else user.get_full_name() or user.username


def _moment(when: Any) -> str:
    return timezone.localtime(when).strftime("%Y-%m-%d %H:%M")
