"""Ask again about an encounter whose prediction failed."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review.actions.queue_prediction import queue_prediction
from coding_review.auth import require
from coding_review.choices import RunTrigger
from coding_review.errors import NotAllowed, WrongStatus
from coding_review.locks import lock_encounter
from coding_review.models import PredictionRun
from coding_review.rules.permissions import QUEUE
from coding_review.run_status import newest_runs, wants_another_try


@transaction.atomic
def retry_prediction(actor: Any, encounter_id: int) -> list[PredictionRun]:
    """The new runs; it fails again at once where no release covers the date still.

    Raises NotAllowed, WrongStatus (only what failed, was cancelled or was answered by another engine is retried).
    """
    require(actor, QUEUE)
    encounter = lock_encounter(encounter_id)
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    if not any(map(wants_another_try, newest_runs(encounter))):
        raise WrongStatus("The prediction did not fail.", status=str(encounter.status))
    return queue_prediction(actor, encounter, RunTrigger.RETRY)
