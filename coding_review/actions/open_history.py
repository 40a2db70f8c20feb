"""Look at the history of an encounter: who looked stands in it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.errors import NotAllowed
from coding_review.models import Encounter
from coding_review.rules.permissions import VIEW_HISTORY


@transaction.atomic
def open_history(actor: Any, encounter_id: int) -> None:
    """Raises NotAllowed."""
    require(actor, VIEW_HISTORY)
    encounter = Encounter.objects.visible_to(actor).filter(pk=encounter_id).first()
    if encounter is None:
        raise NotAllowed("This encounter is not among those you may open.")
    audit.record("encounter.history_opened", actor=actor, encounter=encounter)
