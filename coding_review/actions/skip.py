"""Give an encounter back to the pool, with a reason; "next" does not offer it to the same coder again."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import SkipReason
from coding_review.deciding import require_held
from coding_review.errors import InvalidDecision
from coding_review.locks import lock_encounter
from coding_review.models import Encounter, Skip
from coding_review.rules.permissions import CODE_ENCOUNTER
from coding_review.status import move


@transaction.atomic
def skip(actor: Any, encounter_id: int, *, reason: str, comment: str = "") -> Encounter:
    """Raises InvalidDecision without a reason (or a comment for "other"), NotYours, WrongStatus."""
    require(actor, CODE_ENCOUNTER)
    if reason not in SkipReason.values:
        raise InvalidDecision("Choose why you skip it.", field="reason")
    if reason == SkipReason.OTHER and not comment.strip():
        raise InvalidDecision("This reason needs a comment.", field="comment")
    encounter = lock_encounter(encounter_id)
    require_held(encounter, actor)
    move(encounter, "skip")
    encounter.owner = encounter.lease_until = None
    encounter.save(update_fields=["status", "status_reason", "status_since", "owner", "lease_until"])
    Skip.objects.update_or_create(
        encounter=encounter, user=actor, defaults={"reason": reason, "comment": comment}
    )
    audit.record(
        "encounter.skipped",
        actor=actor,
        encounter=encounter,
        data={"reason": reason},
        payload={"comment": comment},
    )
    return encounter
