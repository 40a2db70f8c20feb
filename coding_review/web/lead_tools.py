"""What the review page offers a lead: reassign, return, predict again."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from coding_review.auth import RoleBackend
from coding_review.choices import CONFIDENTIALITY_ORDER, EncounterStatus, ReopenReason, Role
from coding_review.models import Encounter
from coding_review.rules.permissions import QUEUE, REASSIGN, RETURN
from coding_review.rules.transitions import next_status
from coding_review.web.review_header import display_name
from coding_review.web.review_page import LeadTools, Option

_MOVABLE = frozenset(
    {EncounterStatus.READY, EncounterStatus.IN_REVIEW, EncounterStatus.ON_HOLD, EncounterStatus.RETURNED}
)


def lead_tools(encounter: Encounter, user: Any, *, unanswered: str, stood_in: bool) -> LeadTools | None:
    """None where there is nothing this user may do beyond a coder's work. `unanswered`: what became of a prediction
    without an answer, in words; `stood_in`: another engine than the one asked gave the answer."""
    backend = RoleBackend()
    tools = LeadTools(
        coders=_coders(encounter)
        if backend.has_perm(user, REASSIGN) and encounter.status in _MOVABLE
        else (),
        return_reasons=tuple(Option(r.value, str(r.label)) for r in ReopenReason)
        if backend.has_perm(user, RETURN) and next_status(encounter.status, "return")
        else (),
        can_retry=bool(unanswered or stood_in) and backend.has_perm(user, QUEUE),
        retry_why=unanswered or "Another engine stood in",
    )
    return tools if tools.coders or tools.return_reasons or tools.can_retry else None


def _coders(encounter: Encounter) -> tuple[Option, ...]:
    """Who codes in the encounter's work group and may see its label."""
    order = [str(label.value) for label in CONFIDENTIALITY_ORDER]
    enough = order[order.index(encounter.confidentiality) :]
    people = User.objects.filter(
        is_active=True,
        role_assignments__role__in=[Role.CODER, Role.LEAD],
        memberships__work_group=encounter.work_group_id,
        memberships__ceiling__in=enough,
    ).exclude(pk=encounter.owner_id or 0)
    return tuple(
        Option(str(person.pk), display_name(person))
        for person in people.distinct().order_by("last_name", "pk")
    )
