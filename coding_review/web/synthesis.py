"""Runs of synthetic charts: the list, one run with its diagnostics, one chart with everything that led to it.

Nobody's charts: no access to encounters is asked for, and no document of a patient is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from catalog.choices import CodeSystem
from catalog.models import Code
from coding_review.auth import RoleBackend
from coding_review.rules.permissions import VIEW_TRAINING, WRITE_CHARTS
from coding_review.web.getters import HIDDEN
from coding_review.web.http import is_htmx
from coding_review.web.kept_pages import A_PAGE, listed, one_for
from coding_review.web.synthesis_page import chart_page, chart_row, codes_of, first_code, run_page, run_row
from modelops.choices import SynthesisKind
from modelops.models import SynthesisRun, SyntheticChart

_TEMPLATES = "coding_review/synthesis"
# What of a run's charts is listed.
SHOWN = ("all", "kept", "discarded")
# What codes of a kind are titled by.
_SYSTEMS: Mapping[str, tuple[CodeSystem, ...]] = {
    SynthesisKind.ICD10CM: (CodeSystem.ICD10CM,),
    SynthesisKind.PROCEDURES: (CodeSystem.CPT, CodeSystem.HCPCS),
}


def get_run_for(user: Any, pk: int, permission: str = VIEW_TRAINING) -> SynthesisRun:
    """Raises NotAllowed, Http404."""
    return one_for(user, SynthesisRun.objects.select_related("created_by"), permission, pk=pk)


@require_GET
def syntheses(request: HttpRequest) -> HttpResponse:
    runs = SynthesisRun.objects.newest_first().select_related("created_by")
    context = listed(request, runs, run_row, here="synthesis", one="run", starts=WRITE_CHARTS)
    return render(request, f"{_TEMPLATES}/runs.html", context)


@require_GET
def synthesis(request: HttpRequest, synthesis_id: int) -> HttpResponse:
    """`show`: one of SHOWN, `code`: charts that have it. For its own poll only what changes."""
    run = get_run_for(request.user, synthesis_id)
    head = {
        "page": run_page(run, run.charts.count()),
        "may_cancel": run.is_open and RoleBackend().has_perm(request.user, WRITE_CHARTS),
    }
    if is_htmx(request):
        response = render(request, f"{_TEMPLATES}/_run.html", head)
        if not run.is_open:
            # What was counted at the end and the charts stand outside of what is polled.
            response["HX-Refresh"] = "true"
        return response
    show = request.GET.get("show", "")
    show = show if show in SHOWN else "all"
    charts = {
        "all": run.charts.order_by("position"),
        "kept": run.charts.usable(),
        "discarded": run.charts.discarded(),
    }[show]
    code = request.GET.get("code", "").strip().upper()[:12]
    if code:
        charts = charts.filter(codes__codes__contains=[{"code": code}])
    found = Paginator(charts, A_PAGE).get_page(request.GET.get("page"))
    rows: list[SyntheticChart] = list(found)
    titles = titles_of({first_code(chart) for chart in rows}, run.kind)
    context = {
        **head,
        "rows": [chart_row(chart, titles) for chart in rows],
        "found": found,
        "show": show,
        "shown": SHOWN,
        "code": code,
        "keep": f"{urlencode({'show': show, 'code': code})}&",
    }
    return render(request, f"{_TEMPLATES}/run.html", context)


@require_GET
def synthetic_chart(request: HttpRequest, synthesis_id: int, position: int) -> HttpResponse:
    run = get_run_for(request.user, synthesis_id)
    chart = run.charts.filter(position=position).first()
    if chart is None:
        raise Http404(HIDDEN)
    positions = run.charts.order_by().values_list("position", flat=True)
    page = chart_page(
        run,
        chart,
        titles_of(codes_of([chart]), run.kind),
        before=positions.filter(position__lt=position).order_by("-position").first(),
        after=positions.filter(position__gt=position).order_by("position").first(),
    )
    return render(request, f"{_TEMPLATES}/chart.html", {"page": page})


def titles_of(codes: Iterable[str], kind: str) -> dict[str, str]:
    """By code, in the newest release of the kind's code systems that has it."""
    rows = Code.objects.filter(release__system__in=_SYSTEMS[kind], code__in=list(codes))
    return dict(rows.order_by("release__valid_from").values_list("code", "title"))
