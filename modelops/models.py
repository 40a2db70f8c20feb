"""Model versions: what an engine ran with, so that every prediction can name its maker. And how well each did."""

from __future__ import annotations

import pgtrigger
from django.conf import settings as site
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Abs
from django.utils import timezone


class ModelVersion(models.Model):
    """One state of one engine's model: base, adapter, prompt and training data, with its measured figures.

    At most one version of an engine is active: the one that the engine serves.
    """

    engine = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=80)
    base = models.CharField(max_length=200, blank=True)
    adapter = models.CharField(max_length=200, blank=True)
    prompt_version = models.CharField(max_length=80, blank=True)
    dataset_version = models.CharField(max_length=80, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    active = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engine", "name", "version"], name="model_version_once"),
            models.UniqueConstraint(
                fields=["engine"], condition=Q(active=True), name="one_active_version_an_engine"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class EvaluationChartQuerySet(models.QuerySet["EvaluationChart"]):
    def beside(self, other: EvaluationRun) -> EvaluationChartQuerySet:
        """With the other run's figures of the same chart; those whose F1 differs most first."""
        same = EvaluationChart.objects.filter(run=other, chart=OuterRef("chart"))
        return self.annotate(
            other_f1=Subquery(same.values("f1")[:1]),
            other_unsupported=Subquery(same.values("unsupported")[:1]),
            other_missed=Subquery(same.values("missed")[:1]),
            difference=F("f1") - F("other_f1"),
        ).order_by(Abs(F("difference")).desc(nulls_last=True), "position")


class EvaluationRun(models.Model):
    """Predictions scored against a gold set: what ran, against what, with which tables, and the figures.

    Never changed and never removed: a figure that was reported can be looked up as it was.
    `gold_set_sha256` is a frozen gold set's own hash where it came from one, else that of the file.
    `drawings`: the report's charts as SVG by section, drawn when the run was stored.
    """

    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="evaluation_runs"
    )
    engine = models.CharField(max_length=80)
    gold_set_name = models.CharField(max_length=200)
    gold_set_sha256 = models.CharField(max_length=64)
    catalog_release = models.CharField(max_length=200, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    code_revision = models.CharField(max_length=64, blank=True)
    metrics = models.JSONField()
    drawings = models.JSONField(default=dict, blank=True)
    charts_count = models.PositiveIntegerField()
    # Below the setting EVALUATION_DIR.
    predictions_path = models.CharField(max_length=200)
    predictions_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        site.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["gold_set_sha256"], name="evaluation_of_gold_set")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"Evaluation {self.pk}: {self.engine} against {self.gold_set_name}"


class EvaluationChart(models.Model):
    """One chart of a run: both code sets with the lines cited, no text.

    `view`: what modelops.evaluation.per_chart.chart_view returned; the counts and F1 are of level L3.
    """

    run = models.ForeignKey(EvaluationRun, on_delete=models.PROTECT, related_name="charts")
    chart = models.CharField(max_length=200)
    position = models.PositiveIntegerField()
    view = models.JSONField()
    met = models.PositiveIntegerField()
    unsupported = models.PositiveIntegerField()
    missed = models.PositiveIntegerField()
    f1 = models.FloatField()

    objects = EvaluationChartQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["run", "chart"], name="chart_once_a_run")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"chart {self.pk} of run {self.run_id}"


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
