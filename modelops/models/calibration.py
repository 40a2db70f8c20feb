"""What confidences were worth."""

from __future__ import annotations

import pgtrigger
from django.conf import settings as site
from django.db import models
from django.utils import timezone


class CalibrationQuerySet(models.QuerySet["Calibration"]):
    def latest_for(self, engine: str, model_version: str, configuration: str) -> Calibration | None:
        """The curve in force: the newest of that engine, model version and configuration."""
        mine = self.filter(engine=engine, model_version=model_version, configuration=configuration)
        return mine.order_by("-pk").first()


class Calibration(models.Model):
    """What an engine's confidences were worth on one calibration split. The newest is in force; none changes or goes,
    since stored predictions name theirs."""

    engine = models.CharField(max_length=80)
    model_version = models.CharField(max_length=200)
    # Prompts and settings that confidences depend on (modelops.engines.calibration.configuration).
    configuration = models.CharField(max_length=1000, blank=True)
    split = models.CharField(max_length=200)
    split_sha256 = models.CharField(max_length=64)
    predictions_sha256 = models.CharField(max_length=64)
    # [[confidence as given, share that was right], …], both rising.
    points = models.JSONField()
    # Predicted codes that the curve was fitted on, and the charts they are of.
    codes = models.PositiveIntegerField()
    charts = models.PositiveIntegerField()
    error_before = models.FloatField()
    # Each fifth of the charts under the curve of the others.
    error_after = models.FloatField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        site.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = CalibrationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["engine", "model_version"], name="calibration_of_engine")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"calibration {self.pk} of {self.engine}"
