"""What a worker writes onto an evaluation job: begun, how far, done, failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from coding_review import audit
from coding_review.choices import EvaluationStatus
from coding_review.models import EvaluationJob
from modelops.models import EvaluationRun

# Beyond the time limit a worker has so long to end a job by itself.
_GRACE = timedelta(seconds=60)
# A job just queued is with the broker or its worker.
_NOT_YET_MISSED = timedelta(seconds=20)
_LOST = ("worker_lost", "The worker was lost. Ask for the evaluation again.")


class Cancelled(Exception):
    """Somebody cancelled the job, or the sweeper gave it up: the worker stops, with nothing stored."""


@transaction.atomic
def begin_evaluation(job_id: int) -> EvaluationJob | None:
    """None where another worker has it or it has ended. One whose worker has shown no sign of life for
    PREDICTION_HEARTBEAT_SECONDS is taken over; after PREDICTION_ATTEMPTS such losses it fails."""
    job = _locked(job_id)
    now = timezone.now()
    if job is None or not (job.status == EvaluationStatus.QUEUED or is_lost(job, now)):
        return None
    if job.attempts >= settings.PREDICTION_ATTEMPTS:
        _fail(job, *_LOST)
        return None
    job.status, job.attempts = EvaluationStatus.RUNNING, job.attempts + 1
    job.started_at = job.heartbeat_at = now
    job.save(update_fields=["status", "attempts", "started_at", "heartbeat_at"])
    return job


def is_lost(job: EvaluationJob, now: datetime) -> bool:
    """At work, but its worker has not been heard of for too long."""
    silence = timedelta(seconds=settings.PREDICTION_HEARTBEAT_SECONDS)
    heard = job.heartbeat_at or job.started_at
    return job.status == EvaluationStatus.RUNNING and (heard is None or heard < now - silence)


def _mine(job: EvaluationJob) -> QuerySet[EvaluationJob]:
    """The job, as long as it is at work by the attempt that `job` was begun with."""
    return EvaluationJob.objects.filter(pk=job.pk, attempts=job.attempts, status=EvaluationStatus.RUNNING)


def show_life(job: EvaluationJob) -> None:
    _mine(job).update(heartbeat_at=timezone.now())


def note_step(job: EvaluationJob, step: str, percent: int) -> None:
    """Raises Cancelled."""
    if not _mine(job).update(step=step, percent=percent, heartbeat_at=timezone.now()):
        raise Cancelled


@transaction.atomic
def finish_evaluation(job: EvaluationJob, store: Callable[[], EvaluationRun | None]) -> EvaluationRun | None:
    """What the job was for is stored and the job done, or neither. Raises Cancelled, and what `store` raises."""
    held = _mine(job).select_for_update(no_key=True).first()
    if held is None:
        raise Cancelled
    held.run = store()
    held.status, held.step, held.percent = EvaluationStatus.DONE, "", 100
    held.finished_at = timezone.now()
    held.save(update_fields=["run", "status", "step", "percent", "finished_at"])
    return held.run


@transaction.atomic
def fail_evaluation(job: EvaluationJob, code: str, message: str) -> None:
    """`message` is for people and holds no text of a chart. Does nothing to a job that has ended, or that another
    worker has taken over."""
    held = _mine(job).select_for_update(no_key=True).first()
    if held is not None:
        _fail(held, code, message)


def _fail(job: EvaluationJob, code: str, message: str) -> None:
    job.status, job.finished_at = EvaluationStatus.FAILED, timezone.now()
    job.error_code, job.error = code, message[:300]
    job.save(update_fields=["status", "finished_at", "error_code", "error"])
    audit.record(
        "evaluation.failed",
        actor=None,
        data={"job_id": job.pk, "gold_set_id": job.gold_set_id, "error_code": code},
    )


def missed_evaluations() -> list[int]:
    """Ids of jobs that may have been dropped by the broker, oldest first; those of lost workers wait again, or are
    closed after too many losses or too long a time.

    Only while none is at work: the queue is short, and an id sent twice does no harm.
    """
    again = _put_back()
    if EvaluationJob.objects.filter(status=EvaluationStatus.RUNNING).exists():
        return []
    waiting = EvaluationJob.objects.filter(
        status=EvaluationStatus.QUEUED, created_at__lt=timezone.now() - _NOT_YET_MISSED
    )
    return again[:1] or list(waiting.order_by("pk").values_list("pk", flat=True)[:1])


@transaction.atomic
def _put_back() -> list[int]:
    now = timezone.now()
    # One that is locked is being stored: its worker lives.
    running = EvaluationJob.objects.filter(status=EvaluationStatus.RUNNING).order_by("pk")
    found = []
    for job in running.select_for_update(no_key=True, skip_locked=True):
        if not is_lost(job, now):
            continue
        took = now - (job.started_at or now)
        too_long = took > timedelta(seconds=settings.EVALUATION_SECONDS) + _GRACE
        if too_long or job.attempts >= settings.PREDICTION_ATTEMPTS:
            _fail(job, *_LOST)
            continue
        job.status, job.step, job.percent = EvaluationStatus.QUEUED, "", 0
        job.save(update_fields=["status", "step", "percent"])
        found.append(job.pk)
    return found


def _locked(job_id: int) -> EvaluationJob | None:
    return EvaluationJob.objects.select_for_update(no_key=True).filter(pk=job_id).first()
