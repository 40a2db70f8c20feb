"""Code sets: one encounter's codes for one claim type, versioned; frozen at sign-off."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.choices import ClaimType, CodeRole, CodeSystem, PresentOnAdmission
from coding_review.choices import CodeSetStatus, ReopenReason
from coding_review.models.encounter import Encounter
from coding_review.models.guards import APPEND_ONLY, NO_TRUNCATE

# What a signature covers: from signing on these columns stay as they are; a later version is a row of its own.
_SIGNED_COLUMNS = (
    "encounter_id",
    "claim_type",
    "version",
    "release_id",
    "release_stands_in",
    "signed_by_id",
    "signed_at",
    "credential",
    "statement",
    "editions",
    "sha256",
)


class CodeSetQuerySet(models.QuerySet["CodeSet"]):
    def current(self) -> CodeSetQuerySet:
        """The newest version for each claim type."""
        return self.exclude(status=CodeSetStatus.SUPERSEDED)


class CodeSet(models.Model):
    encounter = models.ForeignKey(Encounter, on_delete=models.PROTECT, related_name="code_sets")
    claim_type = models.CharField(max_length=20, choices=ClaimType.choices)
    version = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=20, choices=CodeSetStatus.choices, default=CodeSetStatus.OPEN)
    # The ICD-10-CM release of the code set's date; null when no loaded release covers it.
    release = models.ForeignKey("catalog.Release", on_delete=models.PROTECT, null=True, blank=True)
    # True where the site's setting let the latest release stand in; marked in every export.
    release_stands_in = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    # Counts up with every change to its entries: what a page has seen, for the optimistic lock.
    revision = models.PositiveIntegerField(default=0)

    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="signed_code_sets",
    )
    signed_at = models.DateTimeField(null=True, blank=True)
    credential = models.CharField(max_length=40, blank=True)
    statement = models.TextField(blank=True)
    editions = models.JSONField(default=dict, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)

    reopened_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)
    reopen_reason = models.CharField(max_length=20, choices=ReopenReason.choices, blank=True)

    objects = CodeSetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["encounter", "claim_type", "version"], name="code_set_version_once"
            ),
            models.UniqueConstraint(
                fields=["encounter", "claim_type"],
                condition=~Q(status=CodeSetStatus.SUPERSEDED),
                name="one_current_code_set",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="signature_stays",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "OLD.signed_at IS NOT NULL AND ("
                    + " OR ".join(f"NEW.{c} IS DISTINCT FROM OLD.{c}" for c in _SIGNED_COLUMNS)
                    + ")"
                ),
            ),
            pgtrigger.Protect(
                name="signed_stays",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Condition("OLD.signed_at IS NOT NULL"),
            ),
            NO_TRUNCATE,
        ]

    def __str__(self) -> str:
        return f"code set {self.pk}"


class CodeLineFields(models.Model):
    """What a billed line carries besides its code; shared by working entries and frozen lines."""

    system = models.CharField(max_length=10, choices=CodeSystem.choices, default=CodeSystem.ICD10CM)
    code = models.CharField(max_length=12)
    title = models.CharField(max_length=400, blank=True)
    sequence = models.PositiveIntegerField(default=0)
    # Empty on a procedure: principal, secondary and the like are said of diagnoses.
    role = models.CharField(max_length=20, choices=CodeRole.choices, default=CodeRole.SECONDARY, blank=True)
    poa = models.CharField(max_length=1, choices=PresentOnAdmission.choices, blank=True)
    modifiers = ArrayField(models.CharField(max_length=2), size=4, default=list, blank=True)
    units = models.PositiveIntegerField(default=1)
    service_date = models.DateField(null=True, blank=True)
    rendering_provider = models.CharField(max_length=120, blank=True)
    # Sequence numbers of the diagnoses that a procedure line points to.
    diagnosis_pointers = ArrayField(models.PositiveSmallIntegerField(), size=12, default=list, blank=True)

    class Meta:
        abstract = True


class CodeLine(CodeLineFields):
    """One line of a signed code set, copied from its entry when it was signed."""

    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="lines")
    entry = models.ForeignKey("coding_review.CodeEntry", on_delete=models.PROTECT, related_name="lines")

    class Meta:
        ordering = ["code_set", "sequence"]
        constraints = [models.UniqueConstraint(fields=["code_set", "sequence"], name="line_sequence_once")]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"line {self.sequence} of code set {self.code_set_id}"
