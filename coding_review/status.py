"""Moving an encounter along its status machine; the only place that writes Encounter.status."""

from __future__ import annotations

from django.utils import timezone

from coding_review.errors import WrongStatus
from coding_review.models import Encounter
from coding_review.rules.transitions import next_status


def move(encounter: Encounter, action: str, *, reason: str = "") -> None:
    """Set the status the table gives; the caller holds the row lock and saves. Raises WrongStatus."""
    after = next_status(encounter.status, action)
    if after is None:
        raise WrongStatus(
            f"Not possible while the encounter is {encounter.get_status_display().lower()}.",
            status=str(encounter.status),
            action=action,
        )
    if after != encounter.status:
        encounter.status_since = timezone.now()
    encounter.status, encounter.status_reason = after, reason
