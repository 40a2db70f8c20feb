"""Runs of synthetic charts with every intermediate: what was drawn, written, found, discarded. None changes or goes."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from modelops.choices import SynthesisKind, SynthesisWriter, WorkStatus
from modelops.models.work import Work


class SynthesisRunQuerySet(models.QuerySet["SynthesisRun"]):
    def newest_first(self) -> SynthesisRunQuerySet:
        return self.order_by("-created_at", "-pk")

    def latest_named(self, name: str) -> SynthesisRun | None:
        """Of the runs of that name that ended well, the newest."""
        return self.filter(name=name, status=WorkStatus.DONE).newest_first().first()


class SynthesisRun(Work):
    """One making of charts. The row is open until the run ends: then it has its counts, and stays as it is.

    `settings`: what the charts were drawn by, with the release. `counts`: modelops.synthesis.diagnostics, as rows.
    """

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=SynthesisKind.choices)
    writer = models.CharField(max_length=20, choices=SynthesisWriter.choices)
    seed = models.BigIntegerField()
    settings = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)

    objects = SynthesisRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        triggers = [
            pgtrigger.Protect(name="no_delete", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="ended_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_status_display()})"


class SyntheticChartQuerySet(models.QuerySet["SyntheticChart"]):
    def usable(self) -> SyntheticChartQuerySet:
        """Those that nothing speaks against, in the order in which they were made."""
        return self.filter(discarded_reason="").order_by("position")

    def discarded(self) -> SyntheticChartQuerySet:
        return self.exclude(discarded_reason="").order_by("position")


class SyntheticChart(models.Model):
    """`chart`: the batch interface's chart; `codes`: the gold form's codes, optional codes and traps with their lines.

    `discarded_reason` is empty for charts that may be used.
    """

    run = models.ForeignKey(SynthesisRun, on_delete=models.PROTECT, related_name="charts")
    position = models.PositiveIntegerField()
    chart = models.JSONField()
    codes = models.JSONField()
    intermediates = models.JSONField(default=dict)
    discarded_reason = models.CharField(max_length=120, blank=True)
    # Of the gold line as it is exported.
    sha256 = models.CharField(max_length=64)

    objects = SyntheticChartQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="synthetic_position_once"),
        ]
        indexes = [
            models.Index(
                fields=["run", "position"], name="synthetic_discarded", condition=~Q(discarded_reason="")
            )
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"synthetic chart {self.position} of run {self.run_id}"

    def gold_row(self) -> dict[str, object]:
        """As exported: the chart with its codes."""
        return {**self.chart, **self.codes}
