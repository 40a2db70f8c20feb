"""Show the suggestions to a reader who reads first: from then on assistance is "after first read"."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review.choices import Assistance
from coding_review.deciding import begin


@transaction.atomic
def reveal(actor: Any, code_set_id: int) -> None:
    """Raises what every act on a code set raises (not yours, frozen, wrong status)."""
    act = begin(actor, code_set_id)
    reading = act.locked.reading
    if reading.assistance == Assistance.NONE:
        reading.assistance = Assistance.AFTER_FIRST_READ
        reading.save(update_fields=["assistance"])
