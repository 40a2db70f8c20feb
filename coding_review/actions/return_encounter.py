"""A lead returns an encounter to its coder, with a reason. A signed code set is reopened by the coder who takes it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.actions.reopen import reopen_locked
from coding_review.auth import require
from coding_review.choices import EncounterStatus, ReopenReason
from coding_review.errors import InvalidDecision, NotAllowed
from coding_review.locks import lock_encounter
from coding_review.models import CodeSet, Encounter
from coding_review.rules.permissions import RETURN
from coding_review.status import move


@transaction.atomic
def return_encounter(actor: Any, encounter_id: int, *, reason: str, comment: str) -> Encounter:
    """`reason` is a ReopenReason. Raises InvalidDecision, NotAllowed, WrongStatus.

    From signed off, every current code set is reopened as a new version first.
    """
    require(actor, RETURN)
    if reason not in ReopenReason.values or not comment.strip():
        raise InvalidDecision("Say why it is returned: a reason and a comment.", field="reason")
    encounter = lock_encounter(encounter_id)
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    if encounter.status == EncounterStatus.SIGNED_OFF:
        signed_by = None
        for code_set in CodeSet.objects.current().filter(encounter=encounter).order_by("pk"):
            signed_by = code_set.signed_by or signed_by
            reopen_locked(actor, encounter, code_set, reason=reason, comment=comment)
        encounter.owner = signed_by
    move(encounter, "return", reason=ReopenReason(reason).label)
    encounter.lease_until = None
    encounter.save(update_fields=["status", "status_reason", "status_since", "owner", "lease_until"])
    audit.record(
        "encounter.returned",
        actor=actor,
        encounter=encounter,
        data={"reason": reason, "owner_id": encounter.owner_id},
        payload={"comment": comment},
    )
    return encounter
