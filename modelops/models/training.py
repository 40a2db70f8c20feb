"""Training jobs and what each told of its steps."""

from __future__ import annotations

from typing import Any

from django.conf import settings as site
from django.db import models
from django.db.models import Avg, F, Max, Q
from django.utils import timezone

from modelops.choices import (
    TRAINING_AT_WORK,
    TRAINING_OPEN,
    TRAINING_RESUMABLE,
    TrainingMethod,
    TrainingStatus,
)
from modelops.models.dataset import DatasetVersion


class TrainingJobQuerySet(models.QuerySet["TrainingJob"]):
    def at_work(self) -> TrainingJobQuerySet:
        return self.filter(status__in=TRAINING_AT_WORK)

    def submitted(self) -> TrainingJobQuerySet:
        """Waiting to begin elsewhere."""
        return self.filter(status=TrainingStatus.QUEUED).exclude(written_at=None)

    def next_of_each_slot(self) -> TrainingJobQuerySet:
        """Of each slot that is free the job that has waited longest, oldest first."""
        taken = TrainingJob.objects.at_work().values("slot")
        waiting = self.filter(status=TrainingStatus.QUEUED, written_at=None).exclude(slot__in=taken)
        firsts = waiting.order_by("slot", F("queued_at").asc(), "pk").distinct("slot").values("pk")
        return self.filter(pk__in=firsts).order_by("queued_at", "pk")


class TrainingJob(models.Model):
    """One fine-tuning. The row owns the life cycle; the processes write files below `run_dir` that are read into it.

    `recipe` and `resources` as modelops.training.config reads them, `plan` as modelops.training.plan reckoned it when
    the job was asked for, `result` what it ended with (checkpoint, its manifest's hash, metrics).
    """

    name = models.CharField(max_length=80)
    dataset = models.ForeignKey(
        DatasetVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="training_jobs"
    )
    # A Hugging Face folder below one of TRAINING_BASE_DIRS.
    base = models.CharField(max_length=400)
    method = models.CharField(max_length=10, choices=TrainingMethod.choices)
    recipe = models.JSONField()
    resources = models.JSONField()
    # What only one job may use at a time: a machine, a group of GPUs.
    slot = models.CharField(max_length=80)
    status = models.CharField(
        max_length=12, choices=TrainingStatus.choices, default=TrainingStatus.QUEUED, db_index=True
    )
    # Below TRAINING_DIR; empty until the job is begun.
    run_dir = models.CharField(max_length=200, blank=True)
    # How often it was begun: first, and by each resumption.
    attempt = models.PositiveIntegerField(default=0)
    # When its files were written for a person to submit (Slurm, Kubernetes): it begins when they are.
    written_at = models.DateTimeField(null=True, blank=True)
    # Of the supervisor: the process is the one that was started only where host, number and start agree.
    host = models.CharField(max_length=200, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True)
    process_started = models.CharField(max_length=80, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    # How far progress.jsonl has been read, in bytes.
    progress_read = models.PositiveBigIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=600, blank=True)
    plan = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(
        site.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # When it was last put into the queue: by its maker, or to be resumed.
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingJobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["slot"], condition=Q(status__in=TRAINING_AT_WORK), name="one_training_job_a_slot"
            ),
        ]

    def __str__(self) -> str:
        return f"training job {self.pk}: {self.name}"

    @property
    def is_open(self) -> bool:
        return self.status in TRAINING_OPEN

    @property
    def is_resumable(self) -> bool:
        return self.status in TRAINING_RESUMABLE


class TrainingStepQuerySet(models.QuerySet["TrainingStep"]):
    def curves(self, most: int) -> list[dict[str, Any]]:
        """At most about `most` rows over all steps, for plots: means of each stretch, and the most of what is looked
        at for its peaks. `at_step`: the last step of the stretch."""
        last = self.aggregate(last=Max("step"))["last"]
        if last is None:
            return []
        stretch = -(-(last + 1) // most)
        means = ("loss", "validation_loss", "learning_rate", "tokens_per_second", "mfu")
        peaks = ("grad_norm", "host_memory", "gpu_memory")
        rows: Any = (
            self.order_by()
            .values(stretch=F("step") / stretch)
            .annotate(
                at_step=Max("step"),
                **{f"{name}_told": Avg(name) for name in means},
                **{f"{name}_told": Max(name) for name in peaks},
            )
            .order_by("stretch")
        )
        return [
            {"at_step": row["at_step"], **{name: row[f"{name}_told"] for name in (*means, *peaks)}}
            for row in rows
        ]

    def newest(self, most: int) -> list[TrainingStep]:
        return list(self.order_by("-step")[:most])


class TrainingStep(models.Model):
    """What the trainer told of one step. After a resumption steps come again: the later word stands.

    A figure that was not finite or not measured is null. Memory in bytes, the GPU's the most of any process so far.
    """

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="training_steps")
    step = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=1)
    epoch = models.FloatField(null=True)
    loss = models.FloatField(null=True)
    validation_loss = models.FloatField(null=True)
    learning_rate = models.FloatField(null=True)
    grad_norm = models.FloatField(null=True)
    # Since the beginning of the job, over all processes.
    tokens = models.PositiveBigIntegerField(default=0)
    tokens_per_second = models.FloatField(null=True)
    mfu = models.FloatField(null=True)
    host_memory = models.PositiveBigIntegerField(null=True)
    gpu_memory = models.PositiveBigIntegerField(null=True)
    at = models.DateTimeField()

    objects = TrainingStepQuerySet.as_manager()

    class Meta:
        ordering = ["step"]
        constraints = [models.UniqueConstraint(fields=["job", "step"], name="training_step_once")]

    def __str__(self) -> str:
        return f"step {self.step} of training job {self.job_id}"
