"""Reading charts of a gold project: the next one, verdicts, codes added, finishing."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.gold_assignment import next_gold_chart
from coding_review.actions.gold_judging import (
    add_gold_code,
    finish_gold_reading,
    judge_label,
    withdraw_gold_addition,
)
from coding_review.choices import GoldMode
from coding_review.errors import InvalidDecision, NotAllowed, NothingToDo, ReviewError
from coding_review.gold.queries import additions_shown
from coding_review.models import GoldReading
from coding_review.web.forms import PickForm, first_error, given
from coding_review.web.getters import HIDDEN
from coding_review.web.gold_forms import AddCodeForm, JudgeForm
from coding_review.web.gold_getters import get_project, get_reading
from coding_review.web.gold_page import BY_VERDICT, ReadingPage
from coding_review.web.gold_reading_build import GoldWanted, ReadingBuilder
from coding_review.web.http import is_htmx
from coding_review.web.picking import pick_among
from coding_review.web.review import number, to

PAGE = "coding_review/gold/reading.html"
ANSWER = "coding_review/gold/reading_answer.html"


def card_number(value: str | None) -> int | None:
    """A label's place on the chart, or minus an addition's id."""
    digits = (value or "").removeprefix("-")
    found = number(digits)
    return -found if found is not None and (value or "").startswith("-") else found


@require_POST
def gold_next(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    try:
        reading = next_gold_chart(request.user, project.pk)
    except NothingToDo as nothing:
        messages.info(request, nothing.message)
        return redirect("web:gold-project", project.pk)
    return redirect("web:gold-reading", reading.pk)


@require_GET
def gold_reading(request: HttpRequest, reading_id: int) -> HttpResponse:
    reading = get_reading(request.user, reading_id)
    wanted = GoldWanted(
        document=number(request.GET.get("document")),
        card=card_number(request.GET.get("entry")),
        panel="add" if "add" in request.GET else request.GET.get("panel", ""),
        open=request.GET.get("open", ""),
    )
    builder = ReadingBuilder(reading, wanted)
    if is_htmx(request):
        return render(request, "coding_review/review/document_answer.html", {"page": builder.page()})
    builder.select_first_open()
    return render(request, PAGE, {"page": builder.page()})


@require_POST
def gold_judge(request: HttpRequest, reading_id: int, place: int) -> HttpResponse:
    reading = get_reading(request.user, reading_id)
    label = next((one for one in ReadingBuilder(reading, GoldWanted()).labels if one.place == place), None)
    if label is None:
        raise Http404(HIDDEN)
    form = JudgeForm(request.POST)
    if not form.is_valid():
        return _refused(request, reading, first_error(form), 422, place)
    data = form.cleaned_data
    verdict, reason = data["action"], data["reason"] if data["action"] == "reject" else ""
    if verdict == "comment":
        if not label.verdict:
            said = "Choose a verdict; the comment goes along with it."
            return _refused(request, reading, said, 422, place)
        verdict, reason = label.verdict, label.reason
    try:
        judge_label(
            request.user,
            reading.pk,
            label.id,
            verdict=verdict,
            reason=reason,
            comment=data["comment"],
            seen_number=data["version"],
        )
    except NotAllowed:
        raise
    except ReviewError as error:
        return _refused(request, reading, error.message, error.status, place)
    return _answered(request, reading, {place}, f"{BY_VERDICT[verdict].label}.")


@require_POST
def gold_pick(request: HttpRequest, reading_id: int) -> HttpResponse:
    """Codes to choose from. POST, because the words come from a record."""
    reading = get_reading(request.user, reading_id)
    _refuse_adding(reading)
    data = given(PickForm(request.POST))
    present = {(one.system, one.code) for one in additions_shown(reading)}
    builder = ReadingBuilder(reading, GoldWanted(document=data["document"], panel="add"))
    if reading.chart.project.mode != GoldMode.BLIND:
        present |= {(one.system, one.code) for one in builder.labels}
    builder.wanted.pick = pick_among(reading.chart.code_set, data, present)
    page = builder.page(lines=not is_htmx(request))
    if is_htmx(request):
        return render(
            request, "coding_review/review/_pick_results.html", {"page": page, "pick": builder.wanted.pick}
        )
    return render(request, PAGE, {"page": page})


def _refuse_adding(reading: GoldReading) -> None:
    if not reading.chart.project.may_add:
        raise InvalidDecision("In this project labels are approved or rejected, and none is added.")


@require_POST
def gold_add(request: HttpRequest, reading_id: int) -> HttpResponse:
    reading = get_reading(request.user, reading_id)
    form = AddCodeForm(request.POST)
    data = given(form)
    system, code = form.coded()
    addition = add_gold_code(
        request.user,
        reading.pk,
        system=system,
        code=code,
        selections=form.selections(),
        comment=data["comment"],
    )
    return _answered(request, reading, {-addition.pk}, f"{addition.code} added.", whole_list=True)


@require_POST
def gold_withdraw_addition(request: HttpRequest, reading_id: int, addition_id: int) -> HttpResponse:
    reading = get_reading(request.user, reading_id)
    gone = [place for one in additions_shown(reading) if one.id == addition_id for place in one.evidence]
    withdrawn = withdraw_gold_addition(request.user, reading.pk, addition_id)
    document = number(request.POST.get("document"))
    if not is_htmx(request):
        return redirect(_url(reading, document=document))
    builder = ReadingBuilder(reading, GoldWanted(document=document))
    result = builder.result((), f"{withdrawn.code} taken away.", whole_list=True, gone=gone)
    return render(request, ANSWER, {"page": builder.page(lines=False), "result": result})


@require_POST
def gold_finish(request: HttpRequest, reading_id: int) -> HttpResponse:
    """Then the next chart, or the project where `then` is stop or nothing is left to read."""
    reading = get_reading(request.user, reading_id)
    project_id = reading.chart.project_id
    try:
        finish_gold_reading(request.user, reading.pk)
    except NotAllowed:
        raise
    except ReviewError as error:
        return _refused(request, reading, error.message, error.status, None)
    if request.POST.get("then") == "next":
        try:
            following = next_gold_chart(request.user, project_id)
        except NothingToDo as nothing:
            messages.info(request, nothing.message)
            return to(request, reverse("web:gold-project", args=[project_id]))
        return to(request, reverse("web:gold-reading", args=[following.pk]))
    return to(request, reverse("web:gold-project", args=[project_id]))


def _url(reading: GoldReading, *, document: int | None = None, entry: int | None = None) -> str:
    query = {name: value for name, value in (("document", document), ("entry", entry)) if value}
    url = reverse("web:gold-reading", args=[reading.pk])
    return f"{url}?{urlencode(query)}" if query else url


def _answered(
    request: HttpRequest, reading: GoldReading, changed: set[int], said: str, *, whole_list: bool = False
) -> HttpResponse:
    document = number(request.POST.get("document"))
    if not is_htmx(request):
        return redirect(_url(reading, document=document, entry=next(iter(changed)) if whole_list else None))
    card = next(iter(changed))
    builder = ReadingBuilder(reading, GoldWanted(document=document, card=card))
    result = builder.result(
        changed, f"{said} {builder.left()}", whole_list=whole_list, select=card if whole_list else None
    )
    page: ReadingPage = builder.page(lines=False)
    return render(request, ANSWER, {"page": page, "result": result})


def _refused(
    request: HttpRequest, reading: GoldReading, message: str, status: int, card: int | None
) -> HttpResponse:
    document = number(request.POST.get("document"))
    builder = ReadingBuilder(
        reading, GoldWanted(document=document, card=card, error=message, error_card=card)
    )
    if not is_htmx(request):
        return render(request, PAGE, {"page": builder.page()}, status=status)
    result = builder.result({card} if card is not None else (), "Not saved.")
    return render(request, ANSWER, {"page": builder.page(lines=False), "result": result}, status=status)
