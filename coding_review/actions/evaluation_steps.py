"""What a worker writes onto an evaluation job: begun, how far, done, failed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.choices import EvaluationStatus
from coding_review.models import EvaluationJob
from modelops.models import EvaluationRun

# Beyond the time limit a worker has so long to end a job by itself.
_GRACE = timedelta(seconds=60)
# A job just queued is with the broker or its worker.
_NOT_YET_MISSED = timedelta(seconds=20)


class Cancelled(Exception):
    """Somebody cancelled the job, or the sweeper gave it up: the worker stops, with nothing stored."""


@transaction.atomic
def begin_evaluation(job_id: int) -> EvaluationJob | None:
    """None where another worker has it or it has ended."""
    job = _locked(job_id)
    if job is None or job.status != EvaluationStatus.QUEUED:
        return None
    job.status, job.started_at = EvaluationStatus.RUNNING, timezone.now()
    job.save(update_fields=["status", "started_at"])
    return job


def note_step(job_id: int, step: str, percent: int) -> None:
    """Raises Cancelled."""
    mine = EvaluationJob.objects.filter(pk=job_id, status=EvaluationStatus.RUNNING)
    if not mine.update(step=step, percent=percent):
        raise Cancelled


@transaction.atomic
def finish_evaluation(job_id: int, store: Callable[[], EvaluationRun]) -> EvaluationRun:
    """The run is stored and the job done, or neither. Raises Cancelled, and what `store` raises."""
    job = _locked(job_id)
    if job is None or job.status != EvaluationStatus.RUNNING:
        raise Cancelled
    job.run = store()
    job.status, job.step, job.percent = EvaluationStatus.DONE, "", 100
    job.finished_at = timezone.now()
    job.save(update_fields=["run", "status", "step", "percent", "finished_at"])
    return job.run


@transaction.atomic
def fail_evaluation(job_id: int, code: str, message: str) -> None:
    """`message` is for people and holds no text of a chart. Does nothing to a job that has ended."""
    job = _locked(job_id)
    if job is None or not job.is_open:
        return
    job.status, job.finished_at = EvaluationStatus.FAILED, timezone.now()
    job.error_code, job.error = code, message[:300]
    job.save(update_fields=["status", "finished_at", "error_code", "error"])
    audit.record(
        "evaluation.failed",
        actor=None,
        data={"job_id": job.pk, "gold_set_id": job.gold_set_id, "error_code": code},
    )


def missed_evaluations() -> list[int]:
    """Ids of jobs that may have been dropped by the broker, oldest first; those of lost workers are closed.

    Only while none is at work: the queue is short, and an id sent twice does no harm.
    """
    now = timezone.now()
    lost = EvaluationJob.objects.filter(
        status=EvaluationStatus.RUNNING,
        started_at__lt=now - timedelta(seconds=settings.EVALUATION_SECONDS) - _GRACE,
    )
    for pk in lost.values_list("pk", flat=True):
        fail_evaluation(pk, "worker_lost", "The worker was lost. Ask for the evaluation again.")
    if EvaluationJob.objects.filter(status=EvaluationStatus.RUNNING).exists():
        return []
    waiting = EvaluationJob.objects.filter(
        status=EvaluationStatus.QUEUED, created_at__lt=now - _NOT_YET_MISSED
    )
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:1])


def _locked(job_id: int) -> EvaluationJob | None:
    return EvaluationJob.objects.select_for_update(no_key=True).filter(pk=job_id).first()
