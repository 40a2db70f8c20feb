"""What people say to the findings of code edits: overrides with their reason, and which findings were shown.

A finding itself is computed from the code lines and kept nowhere but in a signed code set.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, Q
from django.utils import timezone

from coding_review.models.codeset import CodeSet
from coding_review.models.guards import NO_REMOVAL, PurgeableComment, only_purge, only_withdrawn

# From the first writing on these stay; what may be added is that it was withdrawn, by whom and when.
_STAYING = (
    "code_set_id",
    "check_id",
    "codes",
    "entries",
    "severity",
    "outcome",
    "outcomes_edition",
    "checks_edition",
    "user_id",
    "at",
    "carried_from_id",
)


class FindingOverrideQuerySet(models.QuerySet["FindingOverride"]):
    def standing(self) -> FindingOverrideQuerySet:
        """Not withdrawn. Whether one still holds depends on the codes: see coding_review/code_edits.py."""
        return self.filter(withdrawn_at__isnull=True)


class FindingOverride(models.Model):
    """A person lets a finding stand, with a reason. It holds while a finding of the same check has the same codes."""

    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="finding_overrides")
    check_id = models.CharField(max_length=60, help_text="catalog/edits: id of the check")
    # Sorted; with the check what names a finding.
    codes = ArrayField(models.CharField(max_length=30))
    # The entries that carried these codes when it was written.
    entries = ArrayField(models.BigIntegerField())
    severity = models.CharField(max_length=10)
    outcome = models.CharField(max_length=40, help_text="rules/overrides.py id")
    outcomes_edition = models.CharField(max_length=20)
    checks_edition = models.CharField(max_length=80)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="overrides")
    at = models.DateTimeField(default=timezone.now)
    # Of the version before, where the code set was reopened.
    carried_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = FindingOverrideQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code_set", "check_id", "codes"],
                condition=Q(withdrawn_at__isnull=True),
                name="one_standing_override",
            )
        ]
        triggers = [
            *NO_REMOVAL,
            only_withdrawn(_STAYING),
        ]

    def __str__(self) -> str:
        return f"override {self.pk} of {self.check_id}"


class FindingOverridePayload(PurgeableComment):
    """The comment of an override; may be purged, the override stays."""

    override = models.OneToOneField(FindingOverride, on_delete=models.PROTECT, related_name="payload")

    class Meta:
        triggers = [*NO_REMOVAL, only_purge("override_id", "NEW.comment <> ''")]

    def __str__(self) -> str:
        return f"payload of override {self.override_id}"


class FindingShownQuerySet(models.QuerySet["FindingShown"]):
    def counts(self) -> dict[str, int]:
        """By check: how many findings were shown to who coded."""
        rows = self.values("check_id").annotate(n=Count("pk")).values_list("check_id", "n")
        return dict(rows)


class FindingShown(models.Model):
    """A failed check was shown to who coded the code set: what the share of overrides is counted against."""

    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="findings_shown")
    check_id = models.CharField(max_length=60)
    codes = ArrayField(models.CharField(max_length=30))
    severity = models.CharField(max_length=10)
    first_shown_at = models.DateTimeField(default=timezone.now)

    objects = FindingShownQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "findings shown"
        constraints = [
            models.UniqueConstraint(fields=["code_set", "check_id", "codes"], name="finding_shown_once")
        ]

    def __str__(self) -> str:
        return f"finding of {self.check_id} on code set {self.code_set_id}"
