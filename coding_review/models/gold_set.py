"""Gold sets: labels as they were frozen. No row changes or goes, and none comes after the set's own transaction."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from catalog.choices import CodeSystem
from coding_review.choices import Domain, GoldLabelStatus, GoldSetKind, GoldSetPurpose
from coding_review.models.codeset import CodeSet
from coding_review.models.gold_project import GoldProject
from coding_review.models.guards import APPEND_ONLY, NO_REMOVAL, only_purge


def _only_with_the_set(found: str) -> pgtrigger.Trigger:
    """Refuses a row that comes later than the transaction that froze its set. `found`: SQL FROM … WHERE over s."""
    return pgtrigger.Trigger(
        name="only_with_its_set",
        when=pgtrigger.Before,
        operation=pgtrigger.Insert,
        func=f"""
            IF EXISTS (SELECT {found} AND s.frozen_at < transaction_timestamp()) THEN
                RAISE EXCEPTION 'pgtrigger: Cannot insert rows into % table: the gold set is frozen', TG_TABLE_NAME;
            END IF;
            RETURN NEW;
        """,
    )


class GoldSetQuerySet(models.QuerySet["GoldSet"]):
    def newest_first(self) -> GoldSetQuerySet:
        return self.order_by("-frozen_at", "-pk")


class GoldSet(models.Model):
    """Frozen, versioned labels. The purpose is fixed here; the kind says how they were read."""

    # Null where it came from outside.
    project = models.ForeignKey(
        GoldProject, on_delete=models.PROTECT, null=True, blank=True, related_name="gold_sets"
    )
    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    kind = models.CharField(max_length=30, choices=GoldSetKind.choices)
    purpose = models.CharField(max_length=20, choices=GoldSetPurpose.choices)
    # Every document is synthetic or de-identified: its text may go without the right to export PHI.
    without_phi = models.BooleanField(default=False)
    manifest = models.JSONField()
    # Over the manifest, which holds the hash of every chart.
    sha256 = models.CharField(max_length=64)
    frozen_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    # By the clock of the database, which the guards of its rows compare with.
    frozen_at = models.DateTimeField(db_default=Now())

    objects = GoldSetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="gold_set_version_once")]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class GoldSetChartQuerySet(models.QuerySet["GoldSetChart"]):
    def standing(self) -> GoldSetChartQuerySet:
        """Without those withdrawn since."""
        return self.filter(tombstone__isnull=True)


class GoldSetChart(models.Model):
    gold_set = models.ForeignKey(GoldSet, on_delete=models.PROTECT, related_name="charts")
    # The id in exports: a pseudonym of the encounter's, or the id that an outside set gave.
    chart_key = models.CharField(max_length=200)
    # Null where it came from outside.
    code_set = models.ForeignKey(
        CodeSet, on_delete=models.PROTECT, null=True, blank=True, related_name="gold_set_charts"
    )
    # [{document_id, document_version_id or null, version, type, author_role, authored_at, sha256, lines}]
    documents = models.JSONField(default=list)
    # The other fields of the batch interface's chart line that the chart has (setting, age, dates …).
    facts = models.JSONField(default=dict, blank=True)
    domains = ArrayField(models.CharField(max_length=20, choices=Domain.choices), default=list, blank=True)
    # Codes that a model may be trapped by: [{code, kind}]; of outside sets.
    traps = models.JSONField(default=list, blank=True)
    setting = models.CharField(max_length=20, blank=True)
    specialty = models.CharField(max_length=80, blank=True)
    lines = models.PositiveIntegerField(default=0)

    objects = GoldSetChartQuerySet.as_manager()

    class Meta:
        ordering = ["gold_set", "pk"]
        constraints = [models.UniqueConstraint(fields=["gold_set", "chart_key"], name="gold_set_chart_once")]
        triggers = [
            *APPEND_ONLY,
            _only_with_the_set("FROM coding_review_goldset s WHERE s.id = NEW.gold_set_id"),
        ]

    def __str__(self) -> str:
        return f"gold set chart {self.pk}"


class GoldSetText(models.Model):
    """The text of an outside set's document, which no encounter holds; may be purged."""

    gold_set_chart = models.ForeignKey(GoldSetChart, on_delete=models.PROTECT, related_name="texts")
    document_id = models.CharField(max_length=200)
    text = models.TextField()
    purged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gold_set_chart", "document_id"], name="gold_set_text_once")
        ]
        triggers = [*NO_REMOVAL, only_purge("gold_set_chart_id", "NEW.text <> ''")]

    def __str__(self) -> str:
        return f"gold set text {self.pk}"


class GoldSetLabel(models.Model):
    """One code of a frozen chart; rejected ones stay with their reason."""

    gold_set_chart = models.ForeignKey(GoldSetChart, on_delete=models.PROTECT, related_name="labels")
    system = models.CharField(max_length=10, choices=CodeSystem.choices, default=CodeSystem.ICD10CM)
    code = models.CharField(max_length=12)
    status = models.CharField(max_length=10, choices=GoldLabelStatus.choices)
    reason = models.CharField(max_length=40, blank=True)
    # [{document_id, line_start, line_end, col_start, col_end}]; columns may be absent in outside sets.
    evidence = models.JSONField(default=list, blank=True)
    role = models.CharField(max_length=20, blank=True)
    poa = models.CharField(max_length=1, blank=True)
    # Place in the code set, from 1; as far as adjudication or the outside set says.
    sequence = models.PositiveIntegerField(null=True, blank=True)
    domains = ArrayField(models.CharField(max_length=20, choices=Domain.choices), default=list, blank=True)
    # Counts neither way in an evaluation.
    optional = models.BooleanField(default=False)
    # How it got in: judged label, added by a reader, or as an outside set says.
    origin = models.CharField(max_length=10, blank=True)

    class Meta:
        ordering = ["gold_set_chart", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["gold_set_chart", "system", "code"], name="gold_set_label_once")
        ]
        triggers = [
            *APPEND_ONLY,
            _only_with_the_set(
                "FROM coding_review_goldset s JOIN coding_review_goldsetchart c ON c.gold_set_id = s.id"
                " WHERE c.id = NEW.gold_set_chart_id"
            ),
        ]

    def __str__(self) -> str:
        return f"gold set label {self.pk}"


class GoldTombstone(models.Model):
    """A chart of a frozen set that was withdrawn: it stays in the manifest and leaves every export."""

    gold_set_chart = models.OneToOneField(GoldSetChart, on_delete=models.PROTECT, related_name="tombstone")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    reason = models.CharField(max_length=200)

    class Meta:
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"tombstone of gold set chart {self.gold_set_chart_id}"
