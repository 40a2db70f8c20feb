"""How well each model did: evaluation runs and their charts."""

from __future__ import annotations

import pgtrigger
from django.conf import settings as site
from django.db import models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Abs
from django.utils import timezone

from modelops.models.model_version import ModelVersion


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
