"""Prediction runs: one engine over stated document versions for one code set, and what came back."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.choices import CodeSystem
from coding_review.choices import RunStatus, RunTrigger
from coding_review.models.codeset import CodeSet
from coding_review.models.document import DocumentVersion
from coding_review.queues import PREDICT
from modelops.choices import Band, ContextTag


class EvidencePlace(models.Model):
    """Where a quote stands: lines from 1, inclusive; columns in code points from 0, col_end exclusive."""

    document_version = models.ForeignKey(DocumentVersion, on_delete=models.PROTECT)
    line_start = models.PositiveIntegerField()
    line_end = models.PositiveIntegerField()
    col_start = models.PositiveIntegerField()
    col_end = models.PositiveIntegerField()
    quote = models.TextField()

    class Meta:
        abstract = True


class PredictionRun(models.Model):
    """The row is the truth: queued, running with a heartbeat, or ended. Redis only carries its id."""

    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="runs")
    trigger = models.CharField(max_length=20, choices=RunTrigger.choices, default=RunTrigger.ARRIVAL)
    engine = models.CharField(max_length=40)
    documents = models.ManyToManyField(DocumentVersion, related_name="runs")
    # SHA-256 over engine and document version ids: the same question is asked once.
    question_hash = models.CharField(max_length=64)
    # Of coding_review/queues.py: where a worker finds it.
    queue = models.CharField(max_length=40, default=PREDICT)

    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # Stable code of what went wrong (no_release, engine_error, worker_lost…); never note text.
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=300, blank=True)
    # Since when the model server is away for this run, and the attempts that ended by it, which are not counted
    # where another engine may stand in.
    outage_since = models.DateTimeField(null=True, blank=True)
    outage_attempts = models.PositiveSmallIntegerField(default=0)
    # The engine that was asked first, where the embedded one answered in its place.
    fallback_from = models.CharField(max_length=40, blank=True)

    model_version = models.CharField(max_length=120, blank=True)
    adapter = models.CharField(max_length=120, blank=True)
    prompt_version = models.CharField(max_length=200, blank=True)
    prompt_hash = models.CharField(max_length=64, blank=True)
    schema_version = models.CharField(max_length=20, blank=True)
    calibration_id = models.CharField(max_length=80, blank=True)
    release = models.ForeignKey("catalog.Release", on_delete=models.PROTECT, null=True, blank=True)
    # Of the procedure systems of the claim type, where one is loaded for the day; `release` is ICD-10-CM's.
    procedure_releases = models.ManyToManyField("catalog.Release", related_name="+", blank=True)
    engine_seconds = models.FloatField(null=True, blank=True)
    # What the answer cost: requests, windows, tokens, retries, as the engine counts them.
    usage = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code_set", "question_hash"],
                condition=~Q(status__in=[RunStatus.FAILED, RunStatus.CANCELLED]),
                name="question_asked_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["status", "queued_at"],
                name="run_open",
                condition=Q(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]),
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def counted_attempts(self) -> int:
        """Those that settings.PREDICTION_ATTEMPTS limits."""
        return self.attempts - self.outage_attempts


class Suggestion(models.Model):
    run = models.ForeignKey(PredictionRun, on_delete=models.PROTECT, related_name="suggestions")
    rank = models.PositiveIntegerField(help_text="Document order, from 1")
    system = models.CharField(max_length=10, choices=CodeSystem.choices, default=CodeSystem.ICD10CM)
    code = models.CharField(max_length=12)
    title = models.CharField(max_length=400)
    confidence = models.FloatField()
    band = models.CharField(max_length=10, choices=Band.choices)
    rationale = models.TextField(blank=True)
    context = ArrayField(
        models.CharField(max_length=20, choices=ContextTag.choices), default=list, blank=True
    )

    class Meta:
        ordering = ["run", "rank"]
        constraints = [models.UniqueConstraint(fields=["run", "system", "code"], name="suggestion_once")]

    def __str__(self) -> str:
        return f"suggestion {self.pk}"


class SuggestionEvidence(EvidencePlace):
    suggestion = models.ForeignKey(Suggestion, on_delete=models.PROTECT, related_name="evidence")
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["suggestion", "order"]

    def __str__(self) -> str:
        return f"evidence {self.pk}"


class ContextMention(EvidencePlace):
    """A term shown with a tag in the text (negated, family…), not suggested."""

    run = models.ForeignKey(PredictionRun, on_delete=models.PROTECT, related_name="context_mentions")
    tag = models.CharField(max_length=20, choices=ContextTag.choices)
    code = models.CharField(max_length=12, blank=True)

    def __str__(self) -> str:
        return f"context mention {self.pk}"


class DiscardedOutput(models.Model):
    run = models.ForeignKey(PredictionRun, on_delete=models.PROTECT, related_name="discarded")
    code = models.CharField(max_length=40)
    reason = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"discarded {self.pk}"
