"""A lead gives an encounter to another coder, or back to the pool."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import RoleBackend, require
from coding_review.choices import EncounterStatus
from coding_review.errors import InvalidDecision, NotAllowed, WrongStatus
from coding_review.locks import lock_encounter
from coding_review.models import Encounter
from coding_review.rules.permissions import CODE_ENCOUNTER, REASSIGN

_MOVABLE = frozenset(
    {EncounterStatus.READY, EncounterStatus.IN_REVIEW, EncounterStatus.ON_HOLD, EncounterStatus.RETURNED}
)


@transaction.atomic
def reassign(actor: Any, encounter_id: int, *, to: Any, comment: str = "") -> Encounter:
    """Decisions stay; a hold goes to the new owner.

    Raises NotAllowed, WrongStatus, InvalidDecision (the person does not code in that work group).
    """
    require(actor, REASSIGN)
    encounter = lock_encounter(encounter_id)
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    if encounter.status not in _MOVABLE:
        raise WrongStatus(f"Not possible while the encounter is {encounter.get_status_display().lower()}.")
    can_code = RoleBackend().has_perm(to, CODE_ENCOUNTER)
    if not can_code or not encounter.is_visible_to(to):
        raise InvalidDecision("This person does not code in the encounter's work group.", user_id=to.pk)
    before = encounter.owner_id
    encounter.owner, encounter.lease_until = to, None
    encounter.save(update_fields=["owner", "lease_until"])
    encounter.holds.filter(ended_at__isnull=True).update(owner=to)
    audit.record(
        "encounter.reassigned",
        actor=actor,
        encounter=encounter,
        data={"owner_before": before, "owner_after": to.pk},
        payload={"comment": comment},
    )
    return encounter
