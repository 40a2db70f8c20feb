"""One gold project: its page, and what is done with it as a whole."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.gold_checks import seed_gold_checks
from coding_review.actions.gold_freeze import freeze_gold_set, withdraw_gold_chart
from coding_review.actions.gold_project import (
    add_codebook_version,
    add_gold_reader,
    close_gold_reading,
    open_gold_project,
    set_codebook,
)
from coding_review.actions.gold_sampling import sample_gold_charts
from coding_review.auth import require
from coding_review.choices import GoldStatus
from coding_review.errors import NotAllowed
from coding_review.gold.queries import may_see_figures
from coding_review.models import GoldProject
from coding_review.rules.permissions import FREEZE_GOLD, MANAGE_GOLD
from coding_review.web.forms import given
from coding_review.web.gold_figures import figure_groups, figures_note, kept_figures
from coding_review.web.gold_forms import CodebookForm, FreezeForm, ReaderForm, SampleForm, WithdrawForm
from coding_review.web.gold_getters import get_chart, get_project
from coding_review.web.gold_project_build import project_page
from coding_review.web.http import is_htmx
from coding_review.web.words import count

PAGE = "coding_review/gold/project.html"


@require_GET
def gold_project(request: HttpRequest, project_id: int) -> HttpResponse:
    return _drawn(request, get_project(request.user, project_id))


def _drawn(
    request: HttpRequest,
    project: GoldProject,
    *,
    form: SampleForm | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    page = project_page(request.user, project, error=error)
    context: dict[str, Any] = {"page": page}
    if page.draft and page.can_manage:
        context["sample_form"] = form or SampleForm()
    return render(request, PAGE, context, status=status)


@require_GET
def gold_agreement(request: HttpRequest, project_id: int) -> HttpResponse:
    """Never for who still reads in the project: figures would tell of the other readings."""
    project = get_project(request.user, project_id)
    if not may_see_figures(request.user, project):
        raise NotAllowed("Figures of agreement are shown when you no longer read in this project.")
    figures = kept_figures(project)
    page = {"figures": figure_groups(figures), "figures_note": figures_note(figures)}
    template = (
        "coding_review/gold/_agreement.html" if is_htmx(request) else "coding_review/gold/agreement.html"
    )
    return render(request, template, {"page": page, "project": project})


@require_POST
def gold_reader_add(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    require(request.user, MANAGE_GOLD)
    data = given(ReaderForm(request.POST))
    reader = add_gold_reader(
        request.user,
        project.pk,
        user_id=data["user"],
        profession=data["profession"],
        credential=data["credential"],
    )
    messages.success(request, f"Added as {reader.pseudonym}.")
    return redirect("web:gold-project", project.pk)


@require_POST
def gold_sample(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    require(request.user, MANAGE_GOLD)
    form = SampleForm(request.POST)
    if not form.is_valid():
        return _drawn(request, project, form=form, error="The fields below say why.", status=422)
    charts = sample_gold_charts(
        request.user,
        project.pk,
        size=form.cleaned_data["size"],
        filters=form.filters(),
        stratify_by=form.cleaned_data["stratify_by"],
        purpose=form.cleaned_data["purpose"],
    )
    messages.success(request, f"{count(len(charts), 'chart')} drawn.")
    return redirect("web:gold-project", project.pk)


@require_POST
def gold_seed(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    require(request.user, MANAGE_GOLD)
    placed = seed_gold_checks(request.user, project.pk)
    messages.success(request, f"{count(len(placed), 'seeded check')} placed.")
    return redirect("web:gold-project", project.pk)


@require_POST
def gold_codebook(request: HttpRequest, project_id: int) -> HttpResponse:
    """The next version; readers of this project work by it from now on."""
    project = get_project(request.user, project_id)
    require(request.user, MANAGE_GOLD)
    data = given(CodebookForm(request.POST))
    codebook = add_codebook_version(
        request.user, name=project.codebook.name, text=data["text"], change_note=data["change_note"]
    )
    if project.status in (GoldStatus.DRAFT, GoldStatus.OPEN):
        set_codebook(request.user, project.pk, codebook.pk)
    messages.success(request, f"Version {codebook.version} is saved.")
    return redirect("web:gold-project", project.pk)


@require_POST
def gold_open(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    require(request.user, MANAGE_GOLD)
    open_gold_project(request.user, project.pk)
    messages.success(request, "Readers can begin.")
    return redirect("web:gold-project", project.pk)


@require_POST
def gold_close_reading(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    require(request.user, MANAGE_GOLD)
    close_gold_reading(request.user, project.pk)
    messages.success(request, "Reading has ended; adjudication can begin.")
    return redirect("web:gold-project", project.pk)


@require_POST
def gold_freeze(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    require(request.user, FREEZE_GOLD)
    frozen = freeze_gold_set(request.user, project.pk, purpose=given(FreezeForm(request.POST))["purpose"])
    messages.success(request, "Frozen. It no longer changes.")
    return redirect("web:gold-set", frozen.pk)


@require_POST
def gold_withdraw_chart(request: HttpRequest, chart_id: int) -> HttpResponse:
    chart = get_chart(request.user, chart_id)
    reason = given(WithdrawForm(request.POST))["reason"]
    withdraw_gold_chart(request.user, chart.pk, reason=reason)
    messages.success(request, f"Chart {chart.position} is withdrawn.")
    return redirect("web:gold-project", chart.project_id)
