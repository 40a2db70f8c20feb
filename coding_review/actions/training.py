"""Ask for a training, stop it, let it go on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.actions.asked_twice import still_open
from coding_review.auth import require
from coding_review.errors import InvalidDecision, NotAllowed, WrongStatus
from coding_review.rules.names import fault_of_name
from coding_review.rules.permissions import TRAIN_MODEL
from coding_review.tasks import spawn_training
from modelops.choices import TRAINING_OPEN, TrainingMethod, TrainingStatus
from modelops.jobs import ask_to_stop, make_plan
from modelops.models import DatasetVersion, TrainingJob
from modelops.training.config import BadConfig, Recipe, Resources, from_dict, to_dict
from modelops.training.errors import ERRORS, Stopped
from modelops.training.plan import Plan

NAME = 80
# What a model version holds of it.
_PATH = 200
DEFAULT_SLOT = "local"
# Which field of the form a plan that cannot be made is about.
_FIELDS = {"bad_checkpoint": "base", "bad_config": "resources.hostfile"}


def plan_training(
    actor: Any,
    *,
    dataset_id: int,
    base: str,
    method: str,
    recipe: Mapping[str, Any],
    resources: Mapping[str, Any],
) -> Plan:
    """What the job would cost; nothing is stored. Raises NotAllowed, InvalidDecision (data: field)."""
    require(actor, TRAIN_MODEL)
    return _checked(dataset_id, base, method, recipe, resources)[3]


@transaction.atomic
def queue_training(
    actor: Any,
    *,
    name: str,
    dataset_id: int,
    base: str,
    method: str = TrainingMethod.FULL,
    recipe: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | None = None,
    slot: str = DEFAULT_SLOT,
) -> TrainingJob:
    """`recipe` and `resources`: fields of modelops.training.config that differ from the defaults. Asked twice while it
    is open, it is one job.

    Raises NotAllowed, InvalidDecision (data: field).
    """
    require(actor, TRAIN_MODEL)
    name, slot = name.strip(), slot.strip()
    for field, named in (("name", name), ("slot", slot)):
        if wrong := fault_of_name(named, NAME):
            raise InvalidDecision(wrong, field=field)
    dataset, read_recipe, read_resources, plan = _checked(
        dataset_id, base, method, recipe or {}, resources or {}
    )
    wanted = {
        "name": name,
        "dataset": dataset,
        "base": str(Path(base).resolve()),
        "method": method,
        "recipe": to_dict(read_recipe),
        "resources": to_dict(read_resources),
    }
    if read_resources.is_started_here:
        wanted["slot"] = slot
    before = still_open(TrainingJob, actor, TRAINING_OPEN, **wanted)
    if before is not None:
        return before
    job = TrainingJob.objects.create(
        **{"slot": slot, **wanted}, plan=plan.as_json(), steps=plan.steps, created_by=actor
    )
    if not read_resources.is_started_here:
        # What is free there is for the cluster's own scheduler to say.
        job.slot = f"{read_resources.place}, job {job.pk}"
        job.save(update_fields=["slot"])
    audit.record(
        "training.queued",
        actor=actor,
        data={
            "job_id": job.pk,
            "dataset_id": dataset.pk,
            "base": Path(job.base).name,
            "method": str(method),
            "slot": job.slot,
            "recipe": job.recipe,
            "resources": {"place": read_resources.place, "processes": read_resources.world_size},
        },
    )
    spawn_training.delay_on_commit(job.pk)
    return job


@transaction.atomic
def cancel_training(actor: Any, job_id: int) -> TrainingJob:
    """One at work saves a checkpoint first, and is cancelled when that is done. Raises NotAllowed, WrongStatus,
    InvalidDecision where a cluster's job cannot be told."""
    require(actor, TRAIN_MODEL)
    job = _locked(job_id)
    if not job.is_open:
        raise WrongStatus("It has ended already.", status=str(job.status))
    if job.status == TrainingStatus.CANCELLING:
        raise WrongStatus("It was told to stop already, and saves a checkpoint.", status=str(job.status))
    if job.status == TrainingStatus.QUEUED:
        job.status, job.ended_at = TrainingStatus.CANCELLED, timezone.now()
        if job.written_at is not None:
            # Somebody may have submitted it, or may yet: its trainer looks for this file.
            _leave_word(job)
    else:
        job.status = TrainingStatus.CANCELLING
    job.save(update_fields=["status", "ended_at"])
    audit.record("training.cancel_asked", actor=actor, data={"job_id": job.pk})
    return job


@transaction.atomic
def resume_training(actor: Any, job_id: int) -> TrainingJob:
    """Into the queue again, to go on from its newest complete checkpoint. Raises NotAllowed, WrongStatus,
    InvalidDecision where going on would end the same way."""
    require(actor, TRAIN_MODEL)
    job = _locked(job_id)
    if not job.is_resumable:
        raise WrongStatus("Only what was cancelled or failed can go on.", status=str(job.status))
    if job.error_code == "loss_not_finite":
        raise InvalidDecision(ERRORS[job.error_code].advice, field="job")
    job.status, job.queued_at = TrainingStatus.QUEUED, timezone.now()
    job.ended_at = job.heartbeat_at = job.written_at = job.pid = None
    job.error_code = job.error = job.host = job.process_started = ""
    job.save()
    audit.record("training.resumed", actor=actor, data={"job_id": job.pk, "attempt": job.attempt + 1})
    spawn_training.delay_on_commit(job.pk)
    return job


def _leave_word(job: TrainingJob) -> None:
    try:
        ask_to_stop(job)
    except OSError as error:
        raise InvalidDecision(
            "The run's folder cannot be written to, so the cluster's job cannot be told.", field="job"
        ) from error


def _locked(job_id: int) -> TrainingJob:
    job = TrainingJob.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    if job is None:
        raise NotAllowed("There is no such training for you.")
    return job


def _checked(
    dataset_id: int, base: str, method: str, recipe: Mapping[str, Any], resources: Mapping[str, Any]
) -> tuple[DatasetVersion, Recipe, Resources, Plan]:
    dataset = DatasetVersion.objects.filter(pk=dataset_id).first()
    if dataset is None:
        raise InvalidDecision("Choose a dataset.", field="dataset")
    if method not in TrainingMethod.values:
        raise InvalidDecision("Choose full fine-tuning or an adapter.", field="method")
    try:
        read_recipe = from_dict(Recipe, recipe, "recipe.")
        read_resources = from_dict(Resources, resources, "resources.")
    except BadConfig as error:
        raise InvalidDecision(str(error), field=error.field) from error
    if method == TrainingMethod.LORA and read_recipe.stages:
        raise InvalidDecision(
            "A curriculum trains all weights; an adapter has one stage.", field="recipe.stages"
        )
    if len(base) > _PATH:
        raise InvalidDecision(f"The base's path may have {_PATH} characters.", field="base")
    try:
        plan = make_plan(dataset, base, method, read_recipe, read_resources)
    except Stopped as error:
        raise InvalidDecision(str(error), field=_FIELDS.get(error.code, "dataset")) from error
    return dataset, read_recipe, read_resources, plan
