"""Documents and their versions: the text is stored once, exactly as received."""

from __future__ import annotations

from datetime import datetime

import pgtrigger
from django.db import models
from django.utils import timezone

from coding_review.choices import DocumentStatus
from coding_review.models.encounter import Encounter
from coding_review.models.guards import NO_REMOVAL
from modelops.engines.types import split_lines


class Document(models.Model):
    encounter = models.ForeignKey(Encounter, on_delete=models.PROTECT, related_name="documents")
    source_id = models.CharField(max_length=120, help_text="document_id of the batch interface")
    type = models.CharField(max_length=80, blank=True)
    author = models.CharField(max_length=120, blank=True)
    author_role = models.CharField(max_length=80, blank=True)
    authored_at = models.DateTimeField(null=True, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=20, choices=DocumentStatus.choices, default=DocumentStatus.FINAL)
    # Reading order: discharge summary or operative note first (rules/reading_order.py).
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["encounter", "source_id"], name="document_once")]
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return f"document {self.pk}"


class DocumentVersionQuerySet(models.QuerySet["DocumentVersion"]):
    def latest_of(self, encounter: Encounter) -> DocumentVersionQuerySet:
        """The newest version of each document that was not entered in error, in reading order."""
        return (
            self.filter(document__encounter=encounter, is_latest=True)
            .exclude(document__status=DocumentStatus.ENTERED_IN_ERROR)
            .select_related("document")
            .order_by("document__position", "document_id")
        )

    def as_of(self, encounter: Encounter, moment: datetime) -> DocumentVersionQuerySet:
        """What lay there then: the newest version of each document received by `moment`, in reading order.

        For a signed code set with its signed_at: a later text or document does not change that page.
        """
        newest = (
            self.model.objects.filter(document__encounter=encounter, received_at__lte=moment)
            .order_by("document_id", "-version")
            .distinct("document_id")
        )
        return (
            self.filter(pk__in=newest.values("pk"))
            .select_related("document")
            .order_by("document__position", "document_id")
        )


# What was received; another text is another version, and only which is the latest changes.
_AS_RECEIVED = ("id", "document_id", "version", "text", "sha256", "line_count", "received_at")


class DocumentVersion(models.Model):
    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    is_latest = models.BooleanField(default=True)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    line_count = models.PositiveIntegerField()
    received_at = models.DateTimeField(default=timezone.now)

    objects = DocumentVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "version"], name="document_version_once"),
            models.UniqueConstraint(
                fields=["document"], condition=models.Q(is_latest=True), name="one_latest_version"
            ),
        ]
        triggers = [
            *NO_REMOVAL,
            pgtrigger.Protect(
                name="as_received",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    " OR ".join(f"NEW.{c} IS DISTINCT FROM OLD.{c}" for c in _AS_RECEIVED)
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"document {self.document_id} v{self.version}"

    @property
    def lines(self) -> list[str]:
        """The numbered lines (index 0 is line 1)."""
        return split_lines(self.text)
