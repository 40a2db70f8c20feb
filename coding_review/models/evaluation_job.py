"""An evaluation that was asked for in the browser, from the queue to the stored run."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from coding_review.choices import EVALUATION_OPEN, EvaluationStatus
from coding_review.models.gold_set import GoldSet
from modelops.choices import Band
from modelops.models import EvaluationRun, ModelVersion


class EvaluationJobQuerySet(models.QuerySet["EvaluationJob"]):
    def open(self) -> EvaluationJobQuerySet:
        return self.filter(status__in=EVALUATION_OPEN)


class EvaluationJob(models.Model):
    """The row is the truth; the broker only carries its id.

    Predictions are the newest of `engine` on the set's charts, or the file that was sent, kept without quotes under
    its hash below EVALUATION_DIR, or those that `model_version` makes while the job runs. Against a calibration set
    the job ends with a curve of confidences, not with a run.
    """

    gold_set = models.ForeignKey(GoldSet, on_delete=models.PROTECT, related_name="+")
    # Asked about every chart of the set through its engine, be it a candidate or what serves.
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="evaluation_jobs"
    )
    # Empty where a file was sent.
    engine = models.CharField(max_length=40, blank=True)
    # Whether the engine is asked anew about every chart, in place of its stored predictions.
    asked = models.BooleanField(default=False)
    predictions_path = models.CharField(max_length=200, blank=True)
    predictions_sha256 = models.CharField(max_length=64, blank=True)
    # Value sets of the domain filter.
    domains = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    # Predictions below this band do not count.
    least_band = models.CharField(max_length=10, choices=Band.choices, default=Band.LOW)

    status = models.CharField(
        max_length=10, choices=EvaluationStatus.choices, default=EvaluationStatus.QUEUED
    )
    # What it is at, in words, and how far that is.
    step = models.CharField(max_length=80, blank=True)
    percent = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=300, blank=True)
    run = models.OneToOneField(
        EvaluationRun, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    # How often a worker began it; only the latest of them may store anything.
    attempts = models.PositiveSmallIntegerField(default=0)
    # When its worker was last heard of.
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = EvaluationJobQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["status", "created_at"],
                name="evaluation_job_open",
                condition=Q(status__in=["queued", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"evaluation job {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status in EVALUATION_OPEN
