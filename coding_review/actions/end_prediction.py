"""A run that gave no result: put back to be tried again, given to another engine, or closed as failed."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.choices import RunStatus
from coding_review.locks import lock_encounter
from coding_review.models import CodeSet, Encounter, PredictionRun
from coding_review.queues import PREDICT, asks_a_server
from coding_review.run_status import settle

# Seconds until the next try after the first; each further one waits twice as long.
RETRY_SECONDS = 10
# What the model server's absence ends an attempt with. While another engine may stand in, such attempts are not
# counted: the time is.
OUTAGE_CODES = frozenset({"llm_unavailable", "llm_busy"})
_LONGEST_WAIT_SECONDS = 60
FALLBACK_ENGINE = "embedded"


@transaction.atomic
def end_prediction(run_id: int, attempt: int, *, code: str, message: str, retryable: bool) -> None:
    """Does nothing where the run is no longer this attempt's. `message` is for people and holds no note text."""
    encounter_id = CodeSet.objects.values_list("encounter_id", flat=True).get(runs=run_id)
    encounter = lock_encounter(encounter_id)
    run = PredictionRun.objects.select_for_update(no_key=True).get(pk=run_id)
    if run.status != RunStatus.RUNNING or run.attempts != attempt:
        return
    if retryable and code in OUTAGE_CODES and _may_fall_back(run):
        _wait_or_fall_back(encounter, run, code, message)
    elif retryable and run.counted_attempts < settings.PREDICTION_ATTEMPTS:
        put_back(encounter, run, code, message, delay=RETRY_SECONDS * 2 ** (run.counted_attempts - 1))
    else:
        close_run(encounter, run, code, message)


def put_back(encounter: Encounter, run: PredictionRun, code: str, message: str, *, delay: int = 0) -> None:
    """Queue the run again, to be begun after `delay` seconds. Encounter and run are locked."""
    run.status, run.heartbeat_at = RunStatus.QUEUED, None
    run.queued_at = timezone.now() + timedelta(seconds=delay)
    run.error_code, run.error = code, message[:300]
    run.save(update_fields=["status", "heartbeat_at", "queued_at", "error_code", "error"])
    settle(encounter)


def _may_fall_back(run: PredictionRun) -> bool:
    return (
        settings.LLM_FALLBACK_AFTER_SECONDS > 0
        and asks_a_server(run.engine)
        and FALLBACK_ENGINE in settings.ENGINES
    )


def _wait_or_fall_back(encounter: Encounter, run: PredictionRun, code: str, message: str) -> None:
    now = timezone.now()
    run.outage_since = run.outage_since or now
    run.outage_attempts += 1
    left = settings.LLM_FALLBACK_AFTER_SECONDS - (now - run.outage_since).total_seconds()
    if left > 0:
        run.save(update_fields=["outage_since", "outage_attempts"])
        wait = min(RETRY_SECONDS * 2 ** min(run.outage_attempts - 1, 4), _LONGEST_WAIT_SECONDS, left + 1)
        put_back(encounter, run, code, message, delay=int(wait))
        return
    run.fallback_from, run.engine, run.queue = run.engine, FALLBACK_ENGINE, PREDICT
    # Another question than the one that was asked: that one may be asked again when the server is back.
    run.question_hash = hashlib.sha256(f"{run.question_hash} {run.pk}".encode()).hexdigest()
    run.outage_since, run.outage_attempts = None, run.attempts
    run.save(
        update_fields=["fallback_from", "engine", "queue", "question_hash", "outage_since", "outage_attempts"]
    )
    put_back(encounter, run, code, message)
    audit.record(
        "prediction.fell_back",
        actor=None,
        encounter=encounter,
        data={
            "run_id": run.pk,
            "engine": run.engine,
            "fallback_from": run.fallback_from,
            "error_code": code,
        },
    )


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
