"""Someone has looked at a late or changed document."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.auth import require
from coding_review.errors import InvalidDecision, NotAllowed
from coding_review.locks import lock_encounter
from coding_review.models import DocumentAlert
from coding_review.rules.permissions import CODE_ENCOUNTER

# What came of it; the first is all there is to say before sign-off.
RESOLUTIONS: dict[str, str] = {
    "seen": "Looked at",
    "no_change": "No change to the codes",
    "to_reopen": "The code set is to be reopened",
}


@transaction.atomic
def resolve_alert(actor: Any, alert_id: int, *, resolution: str = "seen") -> DocumentAlert:
    """Twice is once. Raises InvalidDecision for an unknown resolution, NotAllowed."""
    require(actor, CODE_ENCOUNTER)
    if resolution not in RESOLUTIONS:
        raise InvalidDecision("Say what came of it.", field="resolution")
    encounter = lock_encounter(DocumentAlert.objects.values_list("encounter_id", flat=True).get(pk=alert_id))
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    alert = DocumentAlert.objects.select_for_update(no_key=True).get(pk=alert_id)
    if alert.resolved_at is not None:
        return alert
    alert.resolved_at, alert.resolved_by = timezone.now(), actor
    alert.save(update_fields=["resolved_at", "resolved_by"])
    encounter.open_alerts = encounter.alerts.filter(resolved_at__isnull=True).count()
    encounter.save(update_fields=["open_alerts"])
    audit.record(
        "document.alert_resolved",
        actor=actor,
        encounter=encounter,
        data={"alert_id": alert.pk, "resolution": resolution},
    )
    return alert
