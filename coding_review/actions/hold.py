"""Put an encounter on hold, and take it up again. A hold keeps its owner and its age."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.actions.claim import lease_end
from coding_review.auth import require
from coding_review.choices import HoldReason
from coding_review.deciding import require_held
from coding_review.errors import InvalidDecision, NotYours
from coding_review.locks import lock_encounter
from coding_review.models import Encounter, Hold
from coding_review.rules.permissions import CODE_ENCOUNTER
from coding_review.status import move


@transaction.atomic
def hold(
    actor: Any, encounter_id: int, *, reason: str, comment: str = "", expected_on: date | None = None
) -> Hold:
    """Raises InvalidDecision without a reason (or a comment for "other"), NotYours, WrongStatus."""
    require(actor, CODE_ENCOUNTER)
    if reason not in HoldReason.values:
        raise InvalidDecision("Choose why it waits.", field="reason")
    if reason == HoldReason.OTHER and not comment.strip():
        raise InvalidDecision("This reason needs a comment.", field="comment")
    encounter = lock_encounter(encounter_id)
    require_held(encounter, actor)
    move(encounter, "hold")
    encounter.lease_until = None
    encounter.save(update_fields=["status", "status_reason", "status_since", "lease_until"])
    held = Hold.objects.create(
        encounter=encounter, reason=reason, owner=actor, comment=comment, expected_on=expected_on
    )
    audit.record(
        "encounter.held",
        actor=actor,
        encounter=encounter,
        data={
            "hold_id": held.pk,
            "reason": reason,
            "expected_on": expected_on.isoformat() if expected_on else None,
        },
        payload={"comment": comment},
    )
    return held


@transaction.atomic
def resume(actor: Any, encounter_id: int) -> Encounter:
    """Raises NotYours (the hold's owner resumes it; a lead reassigns first), WrongStatus."""
    require(actor, CODE_ENCOUNTER)
    encounter = lock_encounter(encounter_id)
    held = encounter.holds.select_for_update(no_key=True).filter(ended_at__isnull=True).first()
    if held is not None and held.owner_id != actor.pk:
        raise NotYours("The hold belongs to someone else.", owner_id=held.owner_id)
    move(encounter, "resume")
    encounter.owner, encounter.lease_until = actor, lease_end()
    encounter.save(update_fields=["status", "status_reason", "status_since", "owner", "lease_until"])
    if held is not None:
        held.ended_at = timezone.now()
        held.save(update_fields=["ended_at"])
        audit.record(
            "encounter.resumed",
            actor=actor,
            encounter=encounter,
            data={"hold_id": held.pk, "reason": str(held.reason)},
        )
    return encounter
