"""Evaluation runs: the list, one run with its figures, its report, two runs beside each other, one chart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET

from coding_review.actions.open_encounter import open_encounter
from coding_review.auth import RoleBackend, require
from coding_review.choices import EVALUATION_OPEN, EvaluationStatus
from coding_review.evaluated_text import EvaluatedText, text_of
from coding_review.evaluation_comparison import comparison, why_not
from coding_review.models import CodeSet, EvaluationJob
from coding_review.rules.permissions import RUN_EVALUATION, VIEW_EVALUATION
from coding_review.web import evaluation_page as page
from coding_review.web.getters import HIDDEN
from modelops.evaluation.report.page import CONTENT_POLICY, report_page
from modelops.evaluation.report.parts import Section, at
from modelops.evaluation.report.sections import sections, warnings
from modelops.models import EvaluationChart, EvaluationRun

RUNS_A_PAGE, CHARTS_A_PAGE, JOBS_SHOWN = 50, 100, 10
_TEMPLATES = "coding_review/evaluation"


@dataclass(frozen=True, slots=True)
class Shown:
    """A section with its drawing, which was made by modelops.evaluation.report.drawing when the run was stored."""

    section: Section
    drawing: SafeString


def get_run_for(user: Any, pk: int) -> EvaluationRun:
    """Raises NotAllowed, Http404. Runs hold codes and figures, no text: the right alone decides."""
    require(user, VIEW_EVALUATION)
    run = EvaluationRun.objects.select_related("model_version", "created_by").filter(pk=pk).first()
    if run is None:
        raise Http404(HIDDEN)
    return run


@require_GET
def evaluations(request: HttpRequest) -> HttpResponse:
    require(request.user, VIEW_EVALUATION)
    runs = EvaluationRun.objects.select_related("model_version", "created_by").defer("drawings", "settings")
    found = Paginator(runs, RUNS_A_PAGE).get_page(request.GET.get("page"))
    # Those that ended without a run stay in sight for a day.
    lately = Q(status=EvaluationStatus.FAILED, finished_at__gt=timezone.now() - timedelta(days=1))
    jobs = EvaluationJob.objects.filter(lately | Q(status__in=EVALUATION_OPEN)).select_related(
        "gold_set", "model_version"
    )
    context = {
        "rows": [page.run_row(run) for run in found],
        "found": found,
        "jobs": jobs[:JOBS_SHOWN],
        "may_run": RoleBackend().has_perm(cast(User, request.user), RUN_EVALUATION),
    }
    return render(request, f"{_TEMPLATES}/runs.html", context)


@require_GET
def evaluation(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_run_for(request.user, run_id)
    context = {
        "run": run,
        "model": page.model_of(run),
        "headlines": page.headlines(run.metrics),
        "facts": page.facts(run),
        "warnings": warnings(run.metrics, _kind(run)),
        "sections": [_shown(run, section) for section in _sections(run)],
        "worst": run.charts.order_by("f1", "position")[:20],
        "paper": page.PAPER,
    }
    return render(request, f"{_TEMPLATES}/run.html", context)


@require_GET
def evaluation_report(request: HttpRequest, run_id: int) -> HttpResponse:
    """The self-contained page, under a policy of its own: no script, no request, an origin of its own."""
    run = get_run_for(request.user, run_id)
    html = report_page(
        f"Evaluation {run.pk}: {page.model_of(run)}",
        page.facts(run),
        warnings(run.metrics, _kind(run)),
        _sections(run),
        run.drawings,
    )
    response = HttpResponse(html)
    # The middleware leaves a policy alone that a response already has.
    response["Content-Security-Policy"] = CONTENT_POLICY
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="evaluation-{run.pk}.html"'
    return response


@require_GET
def evaluation_compare(request: HttpRequest) -> HttpResponse:
    """`a` and `b`: numbers of runs. Without both the list is shown, where they are chosen."""
    require(request.user, VIEW_EVALUATION)
    numbers = [_number(request.GET.get(side, "")) for side in ("a", "b")]
    if numbers[0] is None or numbers[1] is None:
        return redirect("web:evaluations")
    a, b = (get_run_for(request.user, number) for number in numbers if number is not None)
    charts = Paginator(EvaluationChart.objects.filter(run=a).beside(b), CHARTS_A_PAGE)
    found = charts.get_page(request.GET.get("page"))
    context = {
        "a": a,
        "b": b,
        "model_a": page.model_of(a),
        "model_b": page.model_of(b),
        "same_gold": a.gold_set_sha256 == b.gold_set_sha256,
        "compared": page.compared(a, b),
        **_chance(a, b),
        "charts": [(row.position, page.chart_line(row)) for row in found],
        "found": found,
        "query": urlencode({"a": a.pk, "b": b.pk}),
    }
    return render(request, f"{_TEMPLATES}/compare.html", context)


def _chance(a: EvaluationRun, b: EvaluationRun) -> dict[str, Any]:
    reason = why_not(a, b)
    if reason:
        return {"no_intervals": reason}
    found = comparison(a, b)
    return {
        "intervals": page.intervals(found),
        "discordant": page.discordant(found),
        "patients": found["patients"],
    }


@require_GET
def evaluation_chart(request: HttpRequest, run_id: int, chart_position: int) -> HttpResponse:
    """One chart: both code sets and, for who may read it, the text. `b`: number of a second run."""
    run = get_run_for(request.user, run_id)
    chart = run.charts.filter(position=chart_position).first()
    if chart is None:
        raise Http404(HIDDEN)
    second = _number(request.GET.get("b", ""))
    other = get_run_for(request.user, second) if second is not None else None
    beside = other.charts.filter(chart=chart.chart).first() if other else None
    text = text_of(request.user, run.gold_set_sha256, chart.chart)
    _tell(request, text)
    views = (chart.view, beside.view if beside else None)
    context = {
        "run": run,
        "other": other,
        "chart": chart,
        "beside": beside,
        "model": page.model_of(run),
        "other_model": page.model_of(other) if other else "",
        "codes": page.code_lines(*views),
        "text": text,
        "documents": page.marked_documents(text.documents, *views),
        "nearby": _nearby(run, chart),
    }
    return render(request, f"{_TEMPLATES}/chart.html", context)


def _tell(request: HttpRequest, text: EvaluatedText) -> None:
    """Reading an encounter's text here is reading it: the same event as on its own page."""
    if text.code_set_id is not None and text.documents:
        code_set = CodeSet.objects.select_related("encounter").get(pk=text.code_set_id)
        open_encounter(request.user, code_set, read_only=True)


def _nearby(run: EvaluationRun, chart: EvaluationChart) -> dict[str, int | None]:
    positions = run.charts.values_list("position", flat=True)
    return {
        "before": positions.filter(position__lt=chart.position).order_by("-position").first(),
        "after": positions.filter(position__gt=chart.position).order_by("position").first(),
    }


def _sections(run: EvaluationRun) -> tuple[Section, ...]:
    knowledge = run.model_version.metrics.get("general_knowledge") if run.model_version else None
    return sections(run.metrics, knowledge)


def _shown(run: EvaluationRun, section: Section) -> Shown:
    # Not a reader's words: markup that the report's own drawing wrote, and escaped where it holds names.
    return Shown(section, SafeString(run.drawings.get(section.key, "")))


def _kind(run: EvaluationRun) -> str:
    return str(at(run.settings, "gold_kind") or "")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
