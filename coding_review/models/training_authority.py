"""The record of an authority: by what right a restricted encounter's documents may train a model."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from coding_review.choices import AuthorityBasis
from coding_review.models.encounter import Encounter
from coding_review.models.guards import NO_REMOVAL, only_withdrawn


class TrainingAuthorityQuerySet(models.QuerySet["TrainingAuthority"]):
    def in_force(self, on: date) -> TrainingAuthorityQuerySet:
        return self.filter(
            Q(valid_until__isnull=True) | Q(valid_until__gte=on), withdrawn_at__isnull=True
        ).order_by("pk")


class TrainingAuthority(models.Model):
    """Recorded and withdrawn, never changed. `reference` is the number of the paper, not a word of it.

    `covers_part2`: the paper says so of records of a substance use disorder programme too (42 CFR Part 2), which a
    general consent or approval does not reach.
    """

    encounter = models.ForeignKey(Encounter, on_delete=models.PROTECT, related_name="training_authorities")
    basis = models.CharField(max_length=20, choices=AuthorityBasis.choices)
    reference = models.CharField(max_length=80)
    covers_part2 = models.BooleanField(default=False)
    valid_until = models.DateField(null=True, blank=True)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(default=timezone.now)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingAuthorityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "training authorities"
        triggers = [
            *NO_REMOVAL,
            only_withdrawn(
                (
                    "id",
                    "encounter_id",
                    "basis",
                    "reference",
                    "covers_part2",
                    "valid_until",
                    "recorded_by_id",
                    "recorded_at",
                )
            ),
        ]

    def __str__(self) -> str:
        return f"training authority {self.pk} of encounter {self.encounter_id}"
