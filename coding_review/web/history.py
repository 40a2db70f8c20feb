"""The history of an encounter: its audit events in words, and whether their chain verifies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from coding_review.actions.open_history import open_history
from coding_review.audit_check import verify_encounter
from coding_review.auth import RoleBackend
from coding_review.models import AuditEvent, Encounter
from coding_review.rules.permissions import READ_DOCUMENTS, SEARCH_AUDIT, VIEW_HISTORY
from coding_review.web import words
from coding_review.web.event_words import event_words, name_of, names_in
from coding_review.web.getters import get_encounter_for
from coding_review.web.http import is_htmx

PAGE_SIZE = 200
# Encounters whose history was looked at in this session: one event each, not one a page.
_SEEN, _SEEN_KEPT = "history_opened", 500


@dataclass(frozen=True, slots=True)
class EventRow:
    """`comment` and `quotes` are empty for those who may not read documents; `purged` is told to all."""

    number: int
    event_id: int
    decision_id: int | None
    at: str
    who: str
    what: str
    detail: str
    comment: str = ""
    quotes: tuple[str, ...] = ()
    purged: bool = False


@require_GET
def encounter_history(request: HttpRequest, encounter_id: int) -> HttpResponse:
    """Newest first; `before` a number in the chain, or `decision` an id to begin a little above."""
    encounter = get_encounter_for(request.user, encounter_id, VIEW_HISTORY)
    before = _number(request.GET.get("before", ""))
    decision = _number(request.GET.get("decision", ""))
    if decision is not None:
        before = _around(encounter, decision)
    # Before this look itself is written, so that the page shows what was there.
    rows = event_rows(encounter, request.user, before=before)
    verification = verify_encounter(encounter.pk)
    _tell_once(request, encounter)
    context = {
        "encounter": encounter,
        "rows": rows,
        "older": rows[-1].number if rows and rows[-1].number > 1 else None,
        "newest": before is None,
        "decision": decision,
        "verification": verification,
        "time_zone": timezone.get_current_timezone_name(),
        "can_read": RoleBackend().has_perm(request.user, READ_DOCUMENTS),
    }
    template = "coding_review/history.html"
    return render(request, f"{template}#events" if is_htmx(request) else template, context)


def event_rows(
    encounter: Encounter, user: Any, *, before: int | None = None, limit: int = PAGE_SIZE
) -> list[EventRow]:
    """The encounter's events, newest first."""
    events = AuditEvent.objects.filter(encounter=encounter).select_related("actor", "payload")
    if not RoleBackend().has_perm(user, SEARCH_AUDIT):
        # Who reads a chart for a gold project is not told to its other readers and its adjudicator.
        events = events.exclude(type__startswith="gold.")
    if before is not None:
        events = events.filter(encounter_number__lt=before)
    page = list(events.order_by("-encounter_number")[:limit])
    names = names_in(event.data for event in page)
    with_words = RoleBackend().has_perm(user, READ_DOCUMENTS)
    return [_row(event, names, with_words=with_words) for event in page]


def _row(event: AuditEvent, names: dict[int, str], *, with_words: bool) -> EventRow:
    said = event_words(event.type, event.data, names)
    payload = getattr(event, "payload", None)
    body = (payload.body or {}) if payload is not None and with_words else {}
    return EventRow(
        number=event.encounter_number or 0,
        event_id=event.pk,
        decision_id=event.data.get("decision_id"),
        at=words.moment(event.at),
        who=name_of(event.actor) if event.actor else "system",
        what=said.what,
        detail=said.detail,
        comment=body.get("comment", ""),
        quotes=tuple(body.get("quotes", ())),
        purged=payload is not None and payload.purged_at is not None,
    )


def _around(encounter: Encounter, decision_id: int) -> int | None:
    event = AuditEvent.objects.filter(encounter=encounter, type="decision", data__decision_id=decision_id)
    number = event.values_list("encounter_number", flat=True).first()
    return None if number is None else number + PAGE_SIZE // 4


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _tell_once(request: HttpRequest, encounter: Encounter) -> None:
    seen: list[int] = request.session.get(_SEEN, [])
    if encounter.pk not in seen:
        open_history(request.user, encounter.pk)
        request.session[_SEEN] = [*seen[-_SEEN_KEPT + 1 :], encounter.pk]
