"""Readings of gold charts: judgements, additions, adjudication and the answers to it. A judgement is not a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.choices import CodeSystem
from coding_review.choices import (
    AdjudicationStatus,
    GoldReadingKind,
    GoldReadingStatus,
    GoldVerdict,
    Ruling,
)
from coding_review.models.gold_project import GoldChart, GoldLabel, GoldReader, PlacedCode
from coding_review.models.guards import APPEND_ONLY, NO_REMOVAL, PurgeableComment, only_purge, only_withdrawn
from coding_review.models.prediction import EvidencePlace

if TYPE_CHECKING:
    pass


class GoldReadingQuerySet(models.QuerySet["GoldReading"]):
    def counting(self) -> GoldReadingQuerySet:
        """Finished independent readings by readers who count: what agreement and gold are made of."""
        return self.filter(
            kind=GoldReadingKind.INDEPENDENT,
            status=GoldReadingStatus.FINISHED,
            reader__qualified_at__isnull=False,
            chart__withdrawn_at__isnull=True,
        )


class GoldReading(models.Model):
    """One reader's pass over one chart."""

    chart = models.ForeignKey(GoldChart, on_delete=models.PROTECT, related_name="readings")
    reader = models.ForeignKey(GoldReader, on_delete=models.PROTECT, related_name="readings")
    kind = models.CharField(
        max_length=20, choices=GoldReadingKind.choices, default=GoldReadingKind.INDEPENDENT
    )
    repeat_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="repeats"
    )
    status = models.CharField(
        max_length=10, choices=GoldReadingStatus.choices, default=GoldReadingStatus.OPEN
    )
    lease_until = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Only the reader and the pace figures of the project see it.
    active_seconds = models.PositiveIntegerField(default=0)

    objects = GoldReadingQuerySet.as_manager()

    class Meta:
        ordering = ["chart", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["chart", "reader", "kind"], name="gold_reading_once"),
            models.UniqueConstraint(
                fields=["reader"], condition=Q(status=GoldReadingStatus.OPEN), name="one_open_gold_reading"
            ),
        ]
        triggers = [*NO_REMOVAL]

    def __str__(self) -> str:
        return f"gold reading {self.pk}"


# From the first writing on these stay; what may be added is that it was withdrawn.
_ADDITION = ("reading_id", "system", "code", "title", "at")


class GoldAddition(models.Model):
    """A code that the labels miss, by one reader; all of a blind reading's codes."""

    reading = models.ForeignKey(GoldReading, on_delete=models.PROTECT, related_name="additions")
    system = models.CharField(max_length=10, choices=CodeSystem.choices, default=CodeSystem.ICD10CM)
    code = models.CharField(max_length=12)
    title = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["reading", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["reading", "system", "code"],
                condition=Q(withdrawn_at__isnull=True),
                name="gold_addition_once",
            )
        ]
        triggers = [
            *NO_REMOVAL,
            only_withdrawn(_ADDITION),
        ]

    def __str__(self) -> str:
        return f"gold addition {self.pk}"


class GoldAdditionEvidence(EvidencePlace):
    addition = models.ForeignKey(GoldAddition, on_delete=models.PROTECT, related_name="evidence")
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["addition", "order"]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"evidence {self.pk} of gold addition {self.addition_id}"


class GoldJudgementQuerySet(models.QuerySet["GoldJudgement"]):
    def standing(self) -> GoldJudgementQuerySet:
        """The latest on each label of each reading."""
        return (
            self.filter(label__isnull=False)
            .order_by("reading_id", "label_id", "-number")
            .distinct("reading_id", "label_id")
        )


class GoldJudgement(models.Model):
    """One act of a reader: a verdict on a label, or the adding of a code. Append-only; the latest stands."""

    reading = models.ForeignKey(GoldReading, on_delete=models.PROTECT, related_name="judgements")
    number = models.PositiveIntegerField(help_text="Order within the reading, from 1")
    label = models.ForeignKey(
        GoldLabel, on_delete=models.PROTECT, null=True, blank=True, related_name="judgements"
    )
    addition = models.ForeignKey(
        GoldAddition, on_delete=models.PROTECT, null=True, blank=True, related_name="judgements"
    )
    verdict = models.CharField(max_length=30, choices=GoldVerdict.choices)
    reason = models.CharField(max_length=40, blank=True, help_text="rules/reasons.py id")
    reasons_edition = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = GoldJudgementQuerySet.as_manager()

    class Meta:
        ordering = ["reading", "number"]
        constraints = [
            models.UniqueConstraint(fields=["reading", "number"], name="gold_judgement_number_once"),
            models.CheckConstraint(
                condition=Q(label__isnull=False, addition__isnull=True)
                | Q(label__isnull=True, addition__isnull=False),
                name="gold_judgement_on_one_thing",
            ),
        ]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"judgement {self.number} of gold reading {self.reading_id}"


class GoldJudgementWords(PurgeableComment):
    """The comment of a judgement; may be purged, the judgement stays."""

    judgement = models.OneToOneField(GoldJudgement, on_delete=models.PROTECT, related_name="words")

    class Meta:
        verbose_name_plural = "gold judgement words"
        triggers = [*NO_REMOVAL, only_purge("judgement_id", "NEW.comment <> ''")]

    def __str__(self) -> str:
        return f"words of gold judgement {self.judgement_id}"


class Adjudication(models.Model):
    """A third person's pass over the readings of one chart; none of its readers."""

    chart = models.OneToOneField(GoldChart, on_delete=models.PROTECT, related_name="adjudication")
    adjudicator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjudications"
    )
    status = models.CharField(
        max_length=10, choices=AdjudicationStatus.choices, default=AdjudicationStatus.OPEN
    )
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        triggers = [*NO_REMOVAL]

    def __str__(self) -> str:
        return f"adjudication {self.pk}"


class GoldRulingQuerySet(models.QuerySet["GoldRuling"]):
    def standing(self) -> GoldRulingQuerySet:
        """The latest on each code of each adjudication."""
        return self.order_by("adjudication_id", "system", "code", "-number").distinct(
            "adjudication_id", "system", "code"
        )


class GoldRuling(PlacedCode):
    """What an adjudicator rules on one code of a chart. Append-only; the latest stands. Role, indicator and place that
    it leaves empty are those of the label."""

    adjudication = models.ForeignKey(Adjudication, on_delete=models.PROTECT, related_name="rulings")
    number = models.PositiveIntegerField(help_text="Order within the adjudication, from 1")
    system = models.CharField(max_length=10, choices=CodeSystem.choices, default=CodeSystem.ICD10CM)
    code = models.CharField(max_length=12)
    ruling = models.CharField(max_length=12, choices=Ruling.choices)
    # Places that count as evidence from now on: [{document_version_id, line_start, line_end, col_start, col_end}];
    # null: those that the readers had.
    evidence = models.JSONField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = GoldRulingQuerySet.as_manager()

    class Meta:
        ordering = ["adjudication", "number"]
        constraints = [
            models.UniqueConstraint(fields=["adjudication", "number"], name="gold_ruling_number_once")
        ]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"ruling {self.number} of adjudication {self.adjudication_id}"


class GoldRulingWords(PurgeableComment):
    """The comment of a ruling; may be purged, the ruling stays."""

    ruling = models.OneToOneField(GoldRuling, on_delete=models.PROTECT, related_name="words")

    class Meta:
        verbose_name_plural = "gold ruling words"
        triggers = [*NO_REMOVAL, only_purge("ruling_id", "NEW.comment <> ''")]

    def __str__(self) -> str:
        return f"words of gold ruling {self.ruling_id}"


class GoldReply(models.Model):
    """A reader's one answer to a ruling that overruled them."""

    ruling = models.ForeignKey(GoldRuling, on_delete=models.PROTECT, related_name="replies")
    reader = models.ForeignKey(GoldReader, on_delete=models.PROTECT, related_name="replies")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "gold replies"
        constraints = [models.UniqueConstraint(fields=["ruling", "reader"], name="gold_reply_once")]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"reply {self.pk}"


class GoldReplyWords(PurgeableComment):
    reply = models.OneToOneField(GoldReply, on_delete=models.PROTECT, related_name="words")

    class Meta:
        verbose_name_plural = "gold reply words"
        triggers = [*NO_REMOVAL, only_purge("reply_id", "NEW.comment <> ''")]

    def __str__(self) -> str:
        return f"words of gold reply {self.reply_id}"
