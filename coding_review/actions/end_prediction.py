"""A run that gave no result: put back to be tried again, or closed as failed."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.choices import RunStatus
from coding_review.locks import lock_encounter
from coding_review.models import CodeSet, Encounter, PredictionRun
from coding_review.run_status import settle

# Seconds until the next try after the first; each further one waits twice as long.
RETRY_SECONDS = 10


@transaction.atomic
def end_prediction(run_id: int, attempt: int, *, code: str, message: str, retryable: bool) -> None:
    """Does nothing where the run is no longer this attempt's. `message` is for people and holds no note text."""
    encounter_id = CodeSet.objects.values_list("encounter_id", flat=True).get(runs=run_id)
    encounter = lock_encounter(encounter_id)
    run = PredictionRun.objects.select_for_update(no_key=True).get(pk=run_id)
    if run.status != RunStatus.RUNNING or run.attempts != attempt:
        return
    if retryable and run.attempts < settings.PREDICTION_ATTEMPTS:
        put_back(encounter, run, code, message, delay=RETRY_SECONDS * 2 ** (run.attempts - 1))
    else:
        close_run(encounter, run, code, message)


def put_back(encounter: Encounter, run: PredictionRun, code: str, message: str, *, delay: int = 0) -> None:
    """Queue the run again, to be begun after `delay` seconds. Encounter and run are locked."""
    run.status, run.heartbeat_at = RunStatus.QUEUED, None
    run.queued_at = timezone.now() + timedelta(seconds=delay)
    run.error_code, run.error = code, message[:300]
    run.save(update_fields=["status", "heartbeat_at", "queued_at", "error_code", "error"])
    settle(encounter)


def close_run(encounter: Encounter, run: PredictionRun, code: str, message: str) -> None:
    """Failed for good, until someone retries. Encounter and run are locked."""
    run.status, run.finished_at = RunStatus.FAILED, timezone.now()
    run.error_code, run.error = code, message[:300]
    run.save(update_fields=["status", "finished_at", "error_code", "error"])
    audit.record(
        "prediction.failed",
        actor=None,
        encounter=encounter,
        data={"run_id": run.pk, "engine": run.engine, "error_code": code, "attempts": run.attempts},
    )
    settle(encounter)
