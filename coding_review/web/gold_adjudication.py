"""Adjudication of gold charts, and what readers see of it afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.gold_adjudication import (
    finish_adjudication,
    reply_to_ruling,
    rule_on_code,
    start_adjudication,
    undo_ruling,
)
from coding_review.auth import require
from coding_review.choices import AdjudicationStatus
from coding_review.errors import NotAllowed, ReviewError
from coding_review.gold.queries import (
    adjudication_of,
    chart_to_adjudicate,
    charts_to_adjudicate,
    given_up,
    overrulings_for,
    reader_of,
)
from coding_review.gold.stances import PlaceShown
from coding_review.models import Adjudication, GoldProject
from coding_review.rules.permissions import ADJUDICATE
from coding_review.web.forms import first_error, given
from coding_review.web.getters import HIDDEN
from coding_review.web.gold_adjudication_build import (
    AdjudicationBuilder,
    AdjudicationWanted,
    overruled_page,
)
from coding_review.web.gold_figures import headline
from coding_review.web.gold_forms import ReplyForm, RuleForm, UndoForm
from coding_review.web.gold_getters import get_adjudication, get_project, get_ruling
from coding_review.web.gold_page import BY_RULING
from coding_review.web.http import is_htmx
from coding_review.web.review import number

PAGE = "coding_review/gold/adjudicate.html"
ANSWER = "coding_review/gold/adjudication_answer.html"


@require_POST
def gold_adjudicate_next(request: HttpRequest, project_id: int) -> HttpResponse:
    """To the first chart that waits for a ruling and is open to this adjudicator."""
    project = get_project(request.user, project_id)
    require(request.user, ADJUDICATE)
    following = _next_chart(request, project)
    if following is None:
        messages.info(request, "No chart waits for you. Those that you read or coded somebody else rules on.")
        return redirect("web:gold-project", project.pk)
    start_adjudication(request.user, following)
    return redirect("web:gold-adjudication", project.pk, following)


def _next_chart(request: HttpRequest, project: GoldProject) -> int | None:
    """One begun by this adjudicator first, then those that nobody has begun, or that who began them had to give up."""
    waiting = charts_to_adjudicate(project).exclude(adjudication__status=AdjudicationStatus.FINISHED)
    own = waiting.filter(adjudication__adjudicator_id=request.user.pk)
    unbegun = waiting.filter(adjudication__isnull=True)
    begun = Adjudication.objects.filter(chart__in=waiting.values("pk")).exclude(
        adjudicator_id=request.user.pk
    )
    left = [adjudication.chart_id for adjudication in begun.order_by("pk") if given_up(adjudication)]
    for chart_id in (*own.values_list("pk", flat=True), *unbegun.values_list("pk", flat=True), *left):
        if chart_to_adjudicate(request.user, chart_id) is not None:
            return int(chart_id)
    return None


@require_GET
def gold_adjudication(request: HttpRequest, project_id: int, chart_id: int) -> HttpResponse:
    chart = chart_to_adjudicate(request.user, chart_id)
    adjudication = adjudication_of(chart) if chart is not None else None
    if chart is None or adjudication is None or chart.project_id != project_id:
        raise Http404(HIDDEN)
    adjudication = get_adjudication(request.user, adjudication.pk)
    wanted = AdjudicationWanted(
        document=number(request.GET.get("document")), card=number(request.GET.get("entry"))
    )
    line = "" if is_htmx(request) else headline(adjudication.chart.project)
    builder = AdjudicationBuilder(adjudication, wanted, agreement_line=line)
    if is_htmx(request):
        return render(request, "coding_review/review/document_answer.html", {"page": builder.page()})
    builder.select_first_open()
    return render(request, PAGE, {"page": builder.page()})


@require_POST
def gold_rule(request: HttpRequest, adjudication_id: int) -> HttpResponse:
    adjudication = get_adjudication(request.user, adjudication_id)
    form = RuleForm(request.POST)
    if not form.is_valid():
        return _refused(request, adjudication, first_error(form), 422, "")
    data = form.cleaned_data
    key, ruling = f"{data['system']}:{data['code']}", data["ruling"]
    before = AdjudicationBuilder(adjudication, AdjudicationWanted())
    gone = before.places_of(key)
    if ruling == "comment":
        ruling = next((item.ruling for item in before.items if item.key == key), "")
        if ruling not in BY_RULING:
            said = "Choose a ruling; the comment goes along with it."
            return _refused(request, adjudication, said, 422, key)
    try:
        rule_on_code(
            request.user,
            adjudication.pk,
            system=data["system"],
            code=data["code"],
            ruling=ruling,
            comment=data["comment"],
            seen_number=data["version"],
            placed=form.as_placed(),
            **form.chosen(),
        )
    except NotAllowed:
        raise
    except ReviewError as error:
        return _refused(request, adjudication, error.message, error.status, key)
    return _answered(request, adjudication, key, f"{data['code']}: {BY_RULING[ruling].label}.", gone=gone)


@require_POST
def gold_rule_undo(request: HttpRequest, adjudication_id: int) -> HttpResponse:
    adjudication = get_adjudication(request.user, adjudication_id)
    before = AdjudicationBuilder(adjudication, AdjudicationWanted())
    marked = [place for item in before.items for place in before.places_of(item.key)]
    try:
        now = undo_ruling(request.user, adjudication.pk, seen_number=given(UndoForm(request.POST))["version"])
    except NotAllowed:
        raise
    except ReviewError as error:
        return _refused(request, adjudication, error.message, error.status, "")
    standing = BY_RULING[now.ruling].label if now.ruling in BY_RULING else "open again"
    return _answered(
        request,
        adjudication,
        f"{now.system}:{now.code}",
        f"Undone. {now.code}: {standing}.",
        select=True,
        gone=marked,
    )


@require_POST
def gold_close(request: HttpRequest, adjudication_id: int) -> HttpResponse:
    """Then the next chart that waits, else the project."""
    adjudication = get_adjudication(request.user, adjudication_id)
    project = adjudication.chart.project
    try:
        finish_adjudication(request.user, adjudication.pk)
    except NotAllowed:
        raise
    except ReviewError as error:
        return _refused(request, adjudication, error.message, error.status, "")
    following = _next_chart(request, project)
    if following is None:
        return redirect("web:gold-project", project.pk)
    start_adjudication(request.user, following)
    return redirect("web:gold-adjudication", project.pk, following)


@require_GET
def gold_overruled(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    reader = reader_of(request.user, project)
    if reader is None:
        raise Http404(HIDDEN)
    return render(
        request,
        "coding_review/gold/overruled.html",
        {"page": overruled_page(request.user, project, reader)},
    )


@require_POST
def gold_reply(request: HttpRequest, ruling_id: int) -> HttpResponse:
    ruling = get_ruling(request.user, ruling_id)
    project = ruling.adjudication.chart.project
    if all(row.ruling_id != ruling.pk for row in overrulings_for(request.user, project)):
        raise Http404(HIDDEN)
    reply_to_ruling(request.user, ruling.pk, comment=given(ReplyForm(request.POST))["comment"])
    return redirect(f"{reverse('web:gold-overruled', args=[project.pk])}#ruling-{ruling.pk}")


def _answered(
    request: HttpRequest,
    adjudication: Adjudication,
    key: str,
    said: str,
    *,
    select: bool = False,
    gone: Sequence[PlaceShown] = (),
) -> HttpResponse:
    document = number(request.POST.get("document"))
    builder = AdjudicationBuilder(adjudication, AdjudicationWanted(document=document))
    if not is_htmx(request):
        return redirect("web:gold-adjudication", adjudication.chart.project_id, adjudication.chart_id)
    builder.wanted.card = builder.numbers.get(key)
    result = builder.result([key], f"{said} {builder.left()}", select=select, gone=gone)
    return render(request, ANSWER, {"page": builder.page(lines=False), "result": result})


def _refused(
    request: HttpRequest, adjudication: Adjudication, message: str, status: int, key: str
) -> HttpResponse:
    document = number(request.POST.get("document"))
    wanted = AdjudicationWanted(document=document, error=message, error_key=key)
    builder = AdjudicationBuilder(adjudication, wanted)
    if not is_htmx(request):
        return render(request, PAGE, {"page": builder.page()}, status=status)
    builder.wanted.card = builder.numbers.get(key)
    result = builder.result([key], "Not saved.")
    return render(request, ANSWER, {"page": builder.page(lines=False), "result": result}, status=status)
