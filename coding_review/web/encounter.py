"""What is done with an encounter: take, next, hold, resume, skip, look at an alert, queue again, cancel, give away."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from coding_review.actions.cancel_prediction import cancel_prediction
from coding_review.actions.claim import claim, claim_next
from coding_review.actions.hold import hold, resume
from coding_review.actions.reassign import reassign
from coding_review.actions.retry_prediction import retry_prediction
from coding_review.actions.return_encounter import return_encounter
from coding_review.actions.skip import skip
from coding_review.auth import RoleBackend
from coding_review.errors import NothingToDo
from coding_review.rules.permissions import CODE_ENCOUNTER, QUEUE, READ_DOCUMENTS, REASSIGN, RETURN
from coding_review.web.forms import HoldForm, ReassignForm, ReopenForm, SkipForm, given
from coding_review.web.getters import get_encounter_for
from coding_review.web.review import to


def _open(request: HttpRequest, encounter_id: int) -> HttpResponse:
    return to(request, reverse("web:encounter", args=[encounter_id]))


@require_POST
def next_encounter(request: HttpRequest) -> HttpResponse:
    try:
        return _open(request, claim_next(request.user).pk)
    except NothingToDo as nothing:
        messages.info(request, nothing.message)
        return to(request, reverse("web:worklist"))


@require_POST
def encounter_take(request: HttpRequest, encounter_id: int) -> HttpResponse:
    encounter = get_encounter_for(request.user, encounter_id, CODE_ENCOUNTER)
    return _open(request, claim(request.user, encounter.pk).pk)


@require_POST
def encounter_hold(request: HttpRequest, encounter_id: int) -> HttpResponse:
    encounter = get_encounter_for(request.user, encounter_id, CODE_ENCOUNTER)
    hold(request.user, encounter.pk, **given(HoldForm(request.POST)))
    return _open(request, encounter.pk)


@require_POST
def encounter_resume(request: HttpRequest, encounter_id: int) -> HttpResponse:
    encounter = get_encounter_for(request.user, encounter_id, CODE_ENCOUNTER)
    resume(request.user, encounter.pk)
    return _open(request, encounter.pk)


@require_POST
def encounter_skip(request: HttpRequest, encounter_id: int) -> HttpResponse:
    encounter = get_encounter_for(request.user, encounter_id, CODE_ENCOUNTER)
    skip(request.user, encounter.pk, **given(SkipForm(request.POST)))
    messages.info(request, "Given back. It is not offered to you again.")
    return to(request, reverse("web:worklist"))


@require_POST
def encounter_return(request: HttpRequest, encounter_id: int) -> HttpResponse:
    encounter = get_encounter_for(request.user, encounter_id, RETURN)
    return_encounter(request.user, encounter.pk, **given(ReopenForm(request.POST)))
    return _open(request, encounter.pk)


@require_POST
def encounter_reassign(request: HttpRequest, encounter_id: int) -> HttpResponse:
    encounter = get_encounter_for(request.user, encounter_id, REASSIGN)
    sent = given(ReassignForm(request.POST))
    to_user = User.objects.filter(pk=sent["user"], is_active=True).first()
    if to_user is None:
        raise Http404
    reassign(request.user, encounter.pk, to=to_user, comment=sent["comment"])
    return _open(request, encounter.pk)


@require_POST
def encounter_retry(request: HttpRequest, encounter_id: int) -> HttpResponse:
    encounter = get_encounter_for(request.user, encounter_id, QUEUE)
    retry_prediction(request.user, encounter.pk)
    return _open_or_say(request, encounter.pk, "The prediction is queued again.")


@require_POST
def encounter_cancel(request: HttpRequest, encounter_id: int) -> HttpResponse:
    encounter = get_encounter_for(request.user, encounter_id, QUEUE)
    cancel_prediction(request.user, encounter.pk)
    return _open_or_say(request, encounter.pk, "The prediction is cancelled.")


def _open_or_say(request: HttpRequest, encounter_id: int, said: str) -> HttpResponse:
    """Who queues may not always read: they are back at the worklist."""
    if RoleBackend().has_perm(request.user, READ_DOCUMENTS):
        return _open(request, encounter_id)
    messages.info(request, said)
    return to(request, reverse("web:worklist"))
