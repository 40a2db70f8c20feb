"""Take an encounter: a lease that slides with real activity; the owner stays when it runs out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import BEFORE_REVIEW, TAKEABLE, EncounterStatus
from coding_review.errors import NotAllowed, NothingToDo, NotYours
from coding_review.locks import lock_encounter
from coding_review.models import Encounter
from coding_review.rules.permissions import CODE_ENCOUNTER
from coding_review.status import move


@transaction.atomic
def claim(actor: Any, encounter_id: int) -> Encounter:
    """Raises NotYours (someone else has it, also when their lease ran out), WrongStatus, NotAllowed."""
    require(actor, CODE_ENCOUNTER)
    encounter = lock_encounter(encounter_id)
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    if encounter.owner_id is not None and encounter.owner_id != actor.pk:
        raise NotYours(
            "The encounter is with someone else. A lead can give it to you.", owner_id=encounter.owner_id
        )
    if encounter.status == EncounterStatus.IN_REVIEW:
        if not encounter.has_lease():
            _take(encounter, actor, via="resumed")
        return encounter
    move(encounter, "claim")
    _take(encounter, actor, via="opened")
    return encounter


@transaction.atomic
def claim_next(actor: Any) -> Encounter:
    """The first waiting encounter by the visible rule that this coder may take; two coders never get the same.

    What was returned to the coder comes first. Raises NothingToDo.
    """
    require(actor, CODE_ENCOUNTER)
    waiting = (
        Encounter.objects.visible_to(actor)
        .filter(status__in=TAKEABLE)
        .exclude(pk__in=actor.skip_set.values("encounter"))
        .select_for_update(skip_locked=True, of=("self",), no_key=True)
    )
    encounter = (
        waiting.filter(owner=actor).by_priority().first()
        or waiting.filter(owner__isnull=True).by_priority().first()
    )
    if encounter is None:
        coming = Encounter.objects.visible_to(actor).filter(status__in=BEFORE_REVIEW).count()
        raise NothingToDo(
            "No encounter is waiting for you." + (f" The engine still works on {coming}." if coming else "")
        )
    move(encounter, "claim")
    _take(encounter, actor, via="next")
    return encounter


def _take(encounter: Encounter, actor: Any, *, via: str) -> None:
    encounter.owner = actor
    encounter.lease_until = lease_end()
    encounter.save(update_fields=["status", "status_reason", "status_since", "owner", "lease_until"])
    audit.record(
        "encounter.claimed",
        actor=actor,
        encounter=encounter,
        data={"lease_until": encounter.lease_until.isoformat(), "via": via},
    )


def lease_end() -> Any:
    return timezone.now() + timedelta(minutes=settings.LEASE_MINUTES)


@transaction.atomic
def park_expired_leases(limit: int = 500) -> int:
    """Parks encounters whose lease ran out: the owner stays, the page of others says so. How many."""
    now = timezone.now()
    expired = list(
        Encounter.objects.filter(Q(lease_until__lte=now))
        .select_for_update(skip_locked=True, no_key=True)
        .order_by("pk")[:limit]
    )
    for encounter in expired:
        encounter.lease_until = None
        encounter.save(update_fields=["lease_until"])
        if encounter.status == EncounterStatus.IN_REVIEW:
            audit.record(
                "encounter.parked", actor=None, encounter=encounter, data={"owner_id": encounter.owner_id}
            )
    return len(expired)
