"""Readings: a person's pass over an encounter; its code entries and the decisions on them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.choices import CodeSystem
from coding_review.choices import (
    CODED_STATES,
    Assistance,
    DecisionAction,
    EntryNote,
    EntryOrigin,
    EntryState,
    ReadingKind,
)
from coding_review.models.codeset import CodeLineFields, CodeSet
from coding_review.models.encounter import Encounter
from coding_review.models.guards import APPEND_ONLY, NO_REMOVAL, PurgeableComment, only_purge
from coding_review.models.prediction import EvidencePlace, Suggestion
from modelops.choices import Band, ContextTag


class Reading(models.Model):
    """For kind coding: one per code set version; it goes on when the encounter changes hands."""

    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="readings")
    kind = models.CharField(max_length=20, choices=ReadingKind.choices, default=ReadingKind.CODING)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    # What the reader has seen so far; rises from none, never falls.
    assistance = models.CharField(max_length=20, choices=Assistance.choices, default=Assistance.NONE)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code_set"], condition=Q(kind=ReadingKind.CODING), name="one_coding_reading"
            )
        ]

    def __str__(self) -> str:
        return f"reading {self.pk}"


class CodeEntryQuerySet(models.QuerySet["CodeEntry"]):
    def on_list(self) -> CodeEntryQuerySet:
        """Everything the suggestions list shows, in document order."""
        return self.exclude(state=EntryState.WITHDRAWN).order_by("rank", "pk")

    def coded(self) -> CodeEntryQuerySet:
        """What would be billed if it were signed now, in billing order."""
        return self.filter(state__in=CODED_STATES).order_by("sequence", "rank", "pk")

    def undecided(self) -> CodeEntryQuerySet:
        return self.filter(state=EntryState.UNDECIDED)


class CodeEntry(CodeLineFields):
    """A code under review. `code` is what stands now; `suggested_code` what the engine said.

    The row mirrors its latest decision; the decisions are the record.
    """

    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="entries")
    origin = models.CharField(max_length=10, choices=EntryOrigin.choices)
    suggestion = models.ForeignKey(Suggestion, on_delete=models.PROTECT, null=True, blank=True)
    suggested_code = models.CharField(max_length=12, blank=True)
    state = models.CharField(max_length=10, choices=EntryState.choices, default=EntryState.UNDECIDED)
    reason = models.CharField(max_length=40, blank=True, help_text="rules/reasons.py id")
    note = models.CharField(max_length=30, choices=EntryNote.choices, default=EntryNote.NONE, blank=True)

    rank = models.PositiveIntegerField(default=0)
    band = models.CharField(max_length=10, choices=Band.choices, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    rationale = models.TextField(blank=True)
    context = ArrayField(
        models.CharField(max_length=20, choices=ContextTag.choices), default=list, blank=True
    )
    # Counts up with every change: the optimistic lock of one card.
    version = models.PositiveIntegerField(default=0)

    objects = CodeEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "code entries"
        constraints = [
            models.UniqueConstraint(
                fields=["reading", "system", "suggested_code"],
                condition=Q(origin=EntryOrigin.SUGGESTED),
                name="suggested_code_once",
            )
        ]

    def __str__(self) -> str:
        return f"entry {self.pk}"


class EntryEvidence(EvidencePlace):
    entry = models.ForeignKey(CodeEntry, on_delete=models.PROTECT, related_name="evidence")
    order = models.PositiveSmallIntegerField(default=0)
    by_reviewer = models.BooleanField(default=False)
    # False once a newer version of the document no longer holds the quote.
    stands = models.BooleanField(default=True)

    class Meta:
        ordering = ["entry", "order", "pk"]

    def __str__(self) -> str:
        return f"evidence {self.pk} of entry {self.entry_id}"


class Exposure(models.Model):
    """What a reviewer was shown of an entry, and when."""

    entry = models.ForeignKey(CodeEntry, on_delete=models.PROTECT, related_name="exposures")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    assistance = models.CharField(max_length=20, choices=Assistance.choices)
    rank = models.PositiveIntegerField()
    band = models.CharField(max_length=10, blank=True)
    confidence = models.FloatField(null=True, blank=True)
    first_shown_at = models.DateTimeField(default=timezone.now)
    evidence_opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entry", "user"], name="exposure_once")]

    def __str__(self) -> str:
        return f"exposure of entry {self.entry_id}"


class DecisionQuerySet(models.QuerySet["Decision"]):
    def visible_to(self, user: Any) -> DecisionQuerySet:
        """On encounters whose work group and label the user's memberships open."""
        return self.filter(reading__code_set__encounter__in=Encounter.objects.visible_to(user))

    def between(self, first: date | None, last: date | None) -> DecisionQuerySet:
        """Made on these days, both inclusive, in UTC."""
        found = self
        if first is not None:
            found = found.filter(at__gte=datetime.combine(first, time.min, UTC))
        if last is not None and last < date.max:
            found = found.filter(at__lt=datetime.combine(last + timedelta(days=1), time.min, UTC))
        return found

    def about_code(self, prefixes: Iterable[str]) -> DecisionQuerySet:
        """Whose code before or after begins with one of these."""
        condition = Q()
        for prefix in prefixes:
            condition |= Q(code_after__startswith=prefix) | Q(code_before__startswith=prefix)
        return self.filter(condition)

    def older_than(self, at: datetime, pk: int) -> DecisionQuerySet:
        """What stands after this one in newest_first()."""
        # The first condition is implied by the second; it is what the index on the time is searched with.
        return self.filter(at__lte=at).filter(Q(at__lt=at) | Q(pk__lt=pk))

    def newest_first(self) -> DecisionQuerySet:
        return self.order_by("-at", "-pk")


class Decision(models.Model):
    """One act on one entry. Append-only; the latest stands; comments and quotes lie in DecisionPayload."""

    entry = models.ForeignKey(CodeEntry, on_delete=models.PROTECT, related_name="decisions")
    reading = models.ForeignKey(Reading, on_delete=models.PROTECT, related_name="decisions")
    number = models.PositiveIntegerField(help_text="Order within the reading, from 1")
    # Decisions made by one act (dismiss the remaining LOW; a principal that unseats another) undo together.
    batch = models.UUIDField(default=uuid.uuid4)
    action = models.CharField(max_length=20, choices=DecisionAction.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True)
    at = models.DateTimeField(default=timezone.now)
    undoes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="undone_by"
    )
    redoes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="redone_by"
    )

    system = models.CharField(max_length=10, choices=CodeSystem.choices)
    code_before = models.CharField(max_length=12, blank=True)
    code_after = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    reasons_edition = models.CharField(max_length=20, blank=True)
    # The entry's fields before and after (codes, state, role, POA, sequence…; no text): what undo restores.
    before = models.JSONField()
    after = models.JSONField()

    # What the reviewer saw (DESIGN, assistance).
    assistance = models.CharField(max_length=20, choices=Assistance.choices)
    rank_shown = models.PositiveIntegerField(null=True, blank=True)
    band_shown = models.CharField(max_length=10, blank=True)
    confidence_shown = models.FloatField(null=True, blank=True)
    first_shown_at = models.DateTimeField(null=True, blank=True)
    evidence_opened = models.BooleanField(default=False)
    # From the run behind the entry, so that a report needs no other row.
    engine = models.CharField(max_length=40, blank=True)
    model_version = models.CharField(max_length=120, blank=True)
    release_name = models.CharField(max_length=120, blank=True)
    # Place of the first evidence when decided, as ids and numbers.
    evidence_place = models.JSONField(default=dict, blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["reading", "number"]
        constraints = [models.UniqueConstraint(fields=["reading", "number"], name="decision_number_once")]
        indexes = [
            # What the auditor's page filters by; codes by prefix too.
            models.Index(fields=["-at", "-id"], name="decision_at"),
            models.Index(fields=["actor", "-at"], name="decision_actor"),
            models.Index(fields=["action", "-at"], name="decision_action"),
            models.Index(fields=["reason", "-at"], name="decision_reason", condition=~Q(reason="")),
            models.Index(fields=["code_after"], opclasses=["varchar_pattern_ops"], name="decision_code"),
            models.Index(
                fields=["code_before"], opclasses=["varchar_pattern_ops"], name="decision_code_before"
            ),
        ]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"decision {self.number} of reading {self.reading_id}"


class DecisionPayload(PurgeableComment):
    """The words that belong to a decision; may be purged, the decision stays."""

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="payload")
    quotes = models.JSONField(default=list, blank=True)

    class Meta:
        triggers = [
            *NO_REMOVAL,
            only_purge("decision_id", "NEW.comment <> '' OR NEW.quotes <> '[]'::jsonb"),
        ]

    def __str__(self) -> str:
        return f"payload of decision {self.decision_id}"


class ActiveTime(models.Model):
    """Seconds a coder was active on an encounter, by day; only the coder sees them."""

    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="active_times")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    day = models.DateField()
    seconds = models.PositiveIntegerField(default=0)
    last_seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code_set", "user", "day"], name="active_time_once")]

    def __str__(self) -> str:
        return f"active time {self.pk}"
