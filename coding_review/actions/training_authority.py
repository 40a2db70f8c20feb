"""Record by what right a restricted encounter's documents may train a model, and take that back."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import AuthorityBasis
from coding_review.errors import InvalidDecision, NotAllowed
from coding_review.locks import lock_encounter
from coding_review.models import TrainingAuthority
from coding_review.rules.permissions import RECORD_AUTHORITY

_REFERENCE = 80


@transaction.atomic
def record_authority(
    actor: Any,
    encounter_id: int,
    *,
    basis: str,
    reference: str,
    covers_part2: bool = False,
    valid_until: date | None = None,
) -> TrainingAuthority:
    """`reference`: number or name of the paper, without a name of a patient.

    Raises InvalidDecision (no basis or reference, a day that has passed), NotAllowed.
    """
    require(actor, RECORD_AUTHORITY)
    encounter = lock_encounter(encounter_id)
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    if basis not in AuthorityBasis.values:
        raise InvalidDecision("Choose what the authority rests on.", field="basis")
    reference = reference.strip()
    if not reference or len(reference) > _REFERENCE:
        raise InvalidDecision(f"Name the paper, in at most {_REFERENCE} characters.", field="reference")
    if valid_until is not None and valid_until < timezone.localdate():
        raise InvalidDecision("This day has passed.", field="valid_until")
    authority = TrainingAuthority.objects.create(
        encounter=encounter,
        basis=basis,
        reference=reference,
        covers_part2=covers_part2,
        valid_until=valid_until,
        recorded_by=actor,
    )
    audit.record(
        "authority.recorded",
        actor=actor,
        encounter=encounter,
        data={
            "authority_id": authority.pk,
            "basis": str(authority.basis),
            "reference": reference,
            "covers_part2": covers_part2,
            "valid_until": valid_until.isoformat() if valid_until else None,
        },
    )
    return authority


@transaction.atomic
def withdraw_authority(actor: Any, authority_id: int) -> TrainingAuthority:
    """Datasets built from now on leave the encounter out; those that exist are not changed by it, and name the
    authority in their manifest. Withdrawn before: nothing happens.

    Raises NotAllowed.
    """
    require(actor, RECORD_AUTHORITY)
    found = TrainingAuthority.objects.filter(pk=authority_id).first()
    if found is None:
        raise NotAllowed("This encounter is not among those you may open.")
    encounter = lock_encounter(found.encounter_id)
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    authority = TrainingAuthority.objects.select_for_update(no_key=True).get(pk=authority_id)
    if authority.withdrawn_at is not None:
        return authority
    authority.withdrawn_at, authority.withdrawn_by = timezone.now(), actor
    authority.save(update_fields=["withdrawn_at", "withdrawn_by"])
    audit.record(
        "authority.withdrawn",
        actor=actor,
        encounter=encounter,
        data={"authority_id": authority.pk, "basis": str(authority.basis)},
    )
    return authority
