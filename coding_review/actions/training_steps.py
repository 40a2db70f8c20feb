"""What the workers write onto training jobs: begun, how far, ended. The row owns the life cycle, and what the runs'
files say is read into it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from coding_review import audit
from coding_review.auth import RoleBackend
from coding_review.candidate_jobs import queue_candidate
from coding_review.errors import InvalidDecision
from coding_review.evaluation_store import code_revision
from coding_review.knowledge import wants_knowledge
from coding_review.rules.permissions import RUN_EVALUATION
from modelops.choices import TRAINING_AT_WORK, TRAINING_OPEN, TrainingMethod, TrainingStatus
from modelops.jobs import (
    ask_to_stop,
    end_processes,
    is_clusters,
    observe,
    run_folder,
    start_supervisor,
    store_progress,
    write_files,
)
from modelops.models import ModelVersion, TrainingJob
from modelops.training.config import Resources, from_dict
from modelops.training.errors import ERRORS, SILENT_CLUSTER, Stopped, code_of
from modelops.training.files import State

log = logging.getLogger(__name__)

# The engine that serves what is trained here.
_ENGINE = "vllm"
# What a running trainer may say it is at, beside an end.
_AT_WORK = {TrainingStatus.RUNNING.value, TrainingStatus.SAVING.value}


def begin_training(job_id: int) -> bool:
    """Whether this call began it: not where it was begun or ended before, or its slot is taken."""
    job = _take(job_id)
    if job is None:
        return False
    try:
        told = write_files(job, code_revision=code_revision())
        return job.written_at is not None or _start(job, told.token)
    except (Stopped, OSError) as error:
        log.warning("training job %s could not be begun: %s", job.pk, code_of(error))
        words = str(error) if isinstance(error, Stopped) else ""
        _fail(job, code_of(error), words)
        return False


@transaction.atomic
def _start(job: TrainingJob, token: str) -> bool:
    """Not what was cancelled or given up while its files were written: nobody would look after its processes."""
    held = _locked(job.pk)
    if held is None or held.attempt != job.attempt or held.status not in TRAINING_AT_WORK:
        return False
    if held.status == TrainingStatus.CANCELLING:
        _close(held, TrainingStatus.CANCELLED)
        held.save()
        return False
    process = start_supervisor(run_folder(held), token)
    held.host, held.pid, held.process_started = socket.gethostname(), process.pid, process.started
    held.save(update_fields=["host", "pid", "process_started"])
    return True


@transaction.atomic
def _take(job_id: int) -> TrainingJob | None:
    slot = TrainingJob.objects.filter(pk=job_id).values("slot")
    # Whoever begins another job of the slot meanwhile waits here, and then sees this one. All in one order: two that
    # each held their own job first would wait for each other.
    rows = TrainingJob.objects.select_for_update(no_key=True).filter(slot__in=slot, status__in=TRAINING_OPEN)
    job = {row.pk: row for row in rows.order_by("pk")}.get(job_id)
    if job is None or job.status != TrainingStatus.QUEUED or job.written_at is not None:
        return None
    if TrainingJob.objects.at_work().filter(slot=job.slot).exists():
        return None
    now = timezone.now()
    job.attempt, job.run_dir = job.attempt + 1, job.run_dir or f"job-{job.pk}"
    if from_dict(Resources, job.resources).is_started_here:
        job.status, job.started_at, job.heartbeat_at = TrainingStatus.RUNNING, job.started_at or now, now
    else:
        job.written_at = now
    job.save()
    audit.record("training.begun", actor=None, data={"job_id": job.pk, "attempt": job.attempt})
    return job


Send = Callable[[int], object]


def _left(pk: int) -> None:
    """To the sweep, which finds the evaluations that wait, or to the button of the version's page."""


def reconcile_training(evaluate: Send = _left, measure: Send = _left) -> list[int]:
    """Rows after files, for every job at work; ids of the jobs that may begin now. When a training has ended well,
    `evaluate` is called with the id of each evaluation that it asks for, `measure` with that of its version where
    general knowledge can be measured."""
    send = (evaluate, measure)
    at_work = TrainingJob.objects.at_work() | TrainingJob.objects.submitted()
    for pk in at_work.order_by("pk").values_list("pk", flat=True):
        try:
            _reconcile(pk, send)
        except (OSError, IntegrityError, DataError) as error:
            # The files of one job that cannot be taken over keep nobody else's from it. Its class only.
            log.warning("training job %s: its files were not taken over: %s", pk, type(error).__name__)
    return list(TrainingJob.objects.next_of_each_slot().values_list("pk", flat=True))


@transaction.atomic
def _reconcile(job_id: int, send: tuple[Send, Send]) -> None:
    """Nothing where another worker is at it."""
    job = TrainingJob.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=job_id).first()
    if job is None or not job.is_open or not job.run_dir:
        return
    if job.status == TrainingStatus.QUEUED and job.written_at is None:
        # Ended and put into the queue again since it was listed: its files tell of the attempt before.
        return
    seen = observe(job)
    store_progress(job)
    if seen.heartbeat_at is not None:
        job.heartbeat_at = seen.heartbeat_at
    state = seen.state
    if state is not None:
        job.step, job.steps = state.step, state.steps or job.steps
        if job.status == TrainingStatus.QUEUED:
            # Before its first beat is read, its beginning is its sign of life.
            job.started_at = job.started_at or timezone.now()
            job.heartbeat_at = seen.heartbeat_at or timezone.now()
            job.status = TrainingStatus.RUNNING
    if state is not None and state.is_end:
        # Nobody looks at an ended job's files again: all of what they say is read now.
        while store_progress(job):
            pass
        _end(job, state, send)
    elif seen.lost:
        _lose(job)
    elif job.status == TrainingStatus.CANCELLING:
        if ask_to_stop(job) and end_processes(job):
            _close(job, TrainingStatus.CANCELLED)
    elif state is not None and state.status in _AT_WORK and job.status != TrainingStatus.QUEUED:
        job.status = TrainingStatus(state.status)
    job.save()


def _lose(job: TrainingJob) -> None:
    """Its processes are ended as far as they are in reach; one that lives still, of a cluster or of another machine,
    is told to stop, so that no two write into one run."""
    if is_clusters(job):
        ask_to_stop(job)
        _close(job, TrainingStatus.FAILED, "worker_lost", SILENT_CLUSTER)
        return
    if job.host != socket.gethostname():
        with suppress(OSError):
            ask_to_stop(job)
    if not end_processes(job):
        log.warning("training job %s: processes of it are left and cannot be ended", job.pk)
    _close(job, TrainingStatus.FAILED, "worker_lost")


def _end(job: TrainingJob, state: State, send: tuple[Send, Send]) -> None:
    """The trainer's own last word."""
    if state.status == TrainingStatus.DONE:
        job.result = dict(state.result or {})
        _close(job, TrainingStatus.DONE)
        _measure(job, _new_version(job), send)
    elif state.status == TrainingStatus.CANCELLED:
        _close(job, TrainingStatus.CANCELLED)
    else:
        code = state.error_code if state.error_code in ERRORS else "crashed"
        _close(job, TrainingStatus.FAILED, code, state.error)


def _close(job: TrainingJob, status: str, code: str = "", words: str = "") -> None:
    """`words`: what is said in place of the error's own message; none holds text of a chart."""
    job.status, job.ended_at, job.error_code = status, timezone.now(), code
    job.error = f"{words or ERRORS[code].message} {ERRORS[code].advice}"[:600] if code else ""
    audit.record(
        "training.ended",
        actor=None,
        data={
            "job_id": job.pk,
            "attempt": job.attempt,
            "status": str(status),
            "step": job.step,
            "error_code": code,
            "sha256": job.result.get("sha256", ""),
        },
    )


@transaction.atomic
def _fail(begun: TrainingJob, code: str, words: str) -> None:
    """Not where it was given up meanwhile, and waits for its next attempt or is at it."""
    job = _locked(begun.pk)
    if job is None or job.attempt != begun.attempt or not job.is_open:
        return
    if job.status == TrainingStatus.QUEUED and job.written_at is None:
        return
    _close(job, TrainingStatus.FAILED, code, words)
    job.written_at = None
    job.save()


def _measure(job: TrainingJob, version: ModelVersion, send: tuple[Send, Send]) -> None:
    """Its evaluations, without a click, on behalf of who asked for the training. Where none can be asked for, the
    version's page says what is lacking, and the gate has no data."""
    if job.created_by is None or not RoleBackend().has_perm(job.created_by, RUN_EVALUATION):
        return
    if wants_knowledge(version):
        transaction.on_commit(partial(send[1], version.pk))
    try:
        with transaction.atomic():
            found = queue_candidate(job.created_by, version)
    except InvalidDecision as refused:
        log.info("model version %s is not evaluated yet: %s", version.pk, refused.data.get("field"))
        return
    for evaluation in found:
        transaction.on_commit(partial(send[0], evaluation.pk))


def _new_version(job: TrainingJob) -> ModelVersion:
    """What came of it, as a version that nobody serves yet."""
    output = str(run_folder(job).output)
    is_adapter = job.method == TrainingMethod.LORA
    manifest: dict[str, Any] = job.dataset.manifest if job.dataset is not None else {}
    version, _ = ModelVersion.objects.get_or_create(
        engine=_ENGINE,
        name=job.name,
        version=str(job.pk),
        defaults={
            "base": job.base if is_adapter else output,
            "adapter": output if is_adapter else "",
            "prompt_version": str(manifest.get("prompt_version", ""))[:80],
            "dataset_version": str(job.dataset or "")[:80],
            "dataset": job.dataset,
            "job": job,
            "checkpoint": f"{job.run_dir}/{run_folder(job).output.name}",
            "sha256": job.result.get("sha256", ""),
            "card": {"recipe": job.recipe, "method": job.method, "told": job.result.get("told", {})},
            "trained_by": job.created_by,
        },
    )
    return version


def _locked(job_id: int) -> TrainingJob | None:
    return TrainingJob.objects.select_for_update(no_key=True).filter(pk=job_id).first()
