"""What is done with a code set as a whole from the review page: pick a code, reveal, sign, reopen, exposures, time."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from coding_review.actions.record_activity import record_activity
from coding_review.actions.record_exposure import record_exposure
from coding_review.actions.reopen import reopen
from coding_review.actions.reveal import reveal
from coding_review.actions.sign_off import sign_off
from coding_review.choices import Assistance, ReadingKind
from coding_review.models import CodeSet, Reading
from coding_review.rules.permissions import CODE_ENCOUNTER, REOPEN, SIGN_OFF
from coding_review.web import review_header
from coding_review.web.forms import PickForm, ReopenForm, given
from coding_review.web.getters import get_code_set_for
from coding_review.web.http import is_htmx
from coding_review.web.picking import pick_for
from coding_review.web.review import PAGE, number, page_url, to
from coding_review.web.review_build import Builder, Wanted


@require_POST
def code_pick(request: HttpRequest, code_set_id: int) -> HttpResponse:
    """Codes to choose from. POST, because the words come from a record."""
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    data = given(PickForm(request.POST))
    pick = pick_for(code_set, data)
    adding = pick.purpose == "add"
    wanted = Wanted(
        document=data["document"],
        entry=pick.entry,
        panel="add" if adding else "suggestions",
        open="" if adding else "modify",
        pick=pick,
    )
    builder = Builder(request.user, code_set, wanted)
    if is_htmx(request):
        page = builder.pieces(cards=False)
        return render(request, "coding_review/review/_pick_results.html", {"page": page, "pick": pick})
    return render(request, PAGE, {"page": builder.page()})


@require_POST
def code_set_reveal(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    reveal(request.user, code_set.pk)
    if not is_htmx(request):
        return redirect(page_url(code_set))
    fresh = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    builder = Builder(request.user, fresh, Wanted(document=number(request.POST.get("document"))))
    return render(request, "coding_review/review/body_answer.html", {"page": builder.page()})


@require_POST
def code_set_sign_off(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, SIGN_OFF)
    signed = sign_off(request.user, code_set.pk, seen_revision=number(request.POST.get("revision")))
    open_one = (
        CodeSet.objects.current().filter(encounter=signed.encounter, status="open").order_by("pk").first()
    )
    return to(request, page_url(open_one) if open_one else page_url(signed, panel="sign-off"))


@require_POST
def code_set_reopen(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, REOPEN)
    new = reopen(request.user, code_set.pk, **given(ReopenForm(request.POST)))
    return to(request, page_url(new))


@require_POST
def code_set_exposures(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    reading = Reading.objects.filter(code_set=code_set, kind=ReadingKind.CODING).first()
    record_exposure(
        request.user,
        code_set.pk,
        shown=[int(v) for v in request.POST.getlist("shown") if number(v)],
        opened=[int(v) for v in request.POST.getlist("opened") if number(v)],
        after_first_read=reading is not None and reading.assistance == Assistance.AFTER_FIRST_READ,
    )
    return HttpResponse(status=204)


@require_POST
def code_set_active(request: HttpRequest, code_set_id: int) -> HttpResponse:
    code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    seconds = min(number(request.POST.get("seconds")) or 0, settings.IDLE_MINUTES * 60)
    record_activity(request.user, code_set.pk, seconds=seconds)
    fresh = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
    return HttpResponse(
        review_header.lease(fresh.encounter, fresh, request.user).line,
        content_type="text/plain; charset=utf-8",
    )
