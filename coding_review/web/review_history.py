"""The history tab: an encounter's events in words a person understands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coding_review.auth import RoleBackend
from coding_review.choices import DecisionAction
from coding_review.models import AuditEvent, Encounter
from coding_review.rules import reasons
from coding_review.rules.events import EVENTS
from coding_review.rules.permissions import READ_DOCUMENTS
from coding_review.web import words
from coding_review.web.review_page import HistoryEvent

LIMIT = 500


def history_events(encounter: Encounter, user: Any) -> tuple[HistoryEvent, ...]:
    """Newest first; comments only for those who may read documents."""
    with_words = RoleBackend().has_perm(user, READ_DOCUMENTS)
    rows = AuditEvent.objects.filter(encounter=encounter).select_related("actor", "payload")
    return tuple(_event(e, with_words=with_words) for e in rows.order_by("-encounter_number")[:LIMIT])


def _event(event: AuditEvent, *, with_words: bool) -> HistoryEvent:
    who = (event.actor.get_full_name() or event.actor.get_username()) if event.actor else "system"
    comment = ""
    payload = getattr(event, "payload", None)
    if with_words and payload is not None and payload.body:
        comment = payload.body.get("comment", "")
    what, detail = (
        _decision(event) if event.type == "decision" else (EVENTS[event.type].label, _detail(event))
    )
    return HistoryEvent(
        when=words.moment(event.at),
        who=who,
        what=what,
        detail=" · ".join(part for part in (detail, f"“{comment}”" if comment else "") if part),
    )


def _decision(event: AuditEvent) -> tuple[str, str]:
    data = event.data
    code = data.get("code_after") or data.get("code_before", "")
    what = f"{DecisionAction(data['action']).label} {code}"
    parts = []
    if data.get("code_before") and data.get("code_after") and data["code_before"] != data["code_after"]:
        parts.append(f"was {data['code_before']}")
    if data.get("reason"):
        parts.append(reasons.label(data["reason"]).lower())
    if data.get("field"):
        parts.append(
            f"{data['field'].replace('_', ' ')} {data['value_before'] or '–'} → {data['value_after'] or '–'}"
        )
    return what, ", ".join(parts)


# The field of an event's data that tells most about it.
_TELLING: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("reason", lambda v: str(v).replace("_", " ")),
    ("trigger", lambda v: str(v)),
    ("suggestions", lambda v: f"{v} suggestions"),
    ("error_code", lambda v: str(v).replace("_", " ")),
    ("version", lambda v: f"version {v}"),
    ("documents", lambda v: f"{v} documents"),
)


def _detail(event: AuditEvent) -> str:
    return ", ".join(
        say(event.data[name]) for name, say in _TELLING if event.data.get(name) not in (None, "")
    )
