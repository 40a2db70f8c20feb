"""Stop asking about an encounter: what waits is not begun, what a worker has in hand is dropped."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import PREDICTION_CANCELLED, RUN_OPEN, RunStatus
from coding_review.errors import NotAllowed, WrongStatus
from coding_review.locks import lock_encounter
from coding_review.models import PredictionRun
from coding_review.rules.permissions import QUEUE
from coding_review.run_status import settle


@transaction.atomic
def cancel_prediction(actor: Any, encounter_id: int) -> list[PredictionRun]:
    """The runs that were open. Nothing more is written to them: a worker finds that they are no longer its own,
    and stops its engine within seconds.

    Raises NotAllowed, WrongStatus (none is open).
    """
    require(actor, QUEUE)
    encounter = lock_encounter(encounter_id)
    if not encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    open_runs = PredictionRun.objects.filter(code_set__encounter=encounter, status__in=RUN_OPEN)
    runs = list(open_runs.select_for_update(no_key=True).order_by("pk"))
    if not runs:
        raise WrongStatus("No prediction waits or is at work.", status=str(encounter.status))
    for run in runs:
        run.status, run.finished_at = RunStatus.CANCELLED, timezone.now()
        run.error_code, run.error = "cancelled", PREDICTION_CANCELLED
        run.save(update_fields=["status", "finished_at", "error_code", "error"])
    audit.record(
        "prediction.cancelled",
        actor=actor,
        encounter=encounter,
        data={"run_ids": [run.pk for run in runs], "engine": runs[-1].engine},
    )
    settle(encounter)
    return runs
