"""Active seconds of a coder on a code set; real activity also slides the lease."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coding_review.actions.claim import lease_end
from coding_review.auth import require
from coding_review.choices import CodeSetStatus, EncounterStatus
from coding_review.models import ActiveTime, CodeSet, Encounter
from coding_review.rules.permissions import CODE_ENCOUNTER


@transaction.atomic
def record_activity(actor: Any, code_set_id: int, *, seconds: int) -> ActiveTime | None:
    """Adds seconds the page counted, never more than passed since the last report (or the idle cut-off at first).

    None when the encounter is not with this person: then nothing is counted.
    """
    require(actor, CODE_ENCOUNTER)
    code_set = CodeSet.objects.select_related("encounter").get(pk=code_set_id)
    encounter = code_set.encounter
    if encounter.owner_id != actor.pk or encounter.status != EncounterStatus.IN_REVIEW or seconds <= 0:
        return None
    now = timezone.now()
    row, created = ActiveTime.objects.select_for_update().get_or_create(
        code_set=code_set, user=actor, day=now.date(), defaults={"last_seen_at": now}
    )
    ceiling = settings.IDLE_MINUTES * 60
    if not created:
        ceiling = min(ceiling, int((now - row.last_seen_at).total_seconds()) + 1)
    row.seconds += max(0, min(seconds, ceiling))
    row.last_seen_at = now
    row.save(update_fields=["seconds", "last_seen_at"])
    if code_set.status == CodeSetStatus.OPEN:
        Encounter.objects.filter(pk=encounter.pk, owner=actor).update(lease_until=lease_end())
    return row
