"""Which model answers, and since when: promotions, canaries and shadows, and what a shadow would have said."""

from __future__ import annotations

import pgtrigger
from django.conf import settings as site
from django.db import models
from django.utils import timezone

from modelops.choices import PromotionKind
from modelops.models.model_version import ModelVersion


class PromotionQuerySet(models.QuerySet["Promotion"]):
    def newest_first(self) -> PromotionQuerySet:
        return self.order_by("-pk")

    def about(self, version: ModelVersion) -> PromotionQuerySet:
        """What was done to it, and what took its place."""
        taken = models.Q(replaced=version, kind__in=(PromotionKind.PROMOTE, PromotionKind.ROLLBACK))
        return self.filter(models.Q(model_version=version) | taken)

    def was_promoted(self, version: ModelVersion) -> bool:
        """Past the gate and by another than its trainer."""
        return self.filter(kind=PromotionKind.PROMOTE, model_version=version).exists()

    def versions_before(self, engine: str) -> list[int | None]:
        """Primary keys of the versions that one rollback after another brings back, the next one last.

        None stands for the engine without a version: the model that the settings name.
        """
        found: list[int | None] = []
        changes = self.filter(engine=engine, kind__in=(PromotionKind.PROMOTE, PromotionKind.ROLLBACK))
        for kind, replaced in changes.order_by("pk").values_list("kind", "replaced_id"):
            if kind == PromotionKind.PROMOTE:
                found.append(replaced)
            elif found:
                found.pop()
        return found


class Promotion(models.Model):
    """One act on which model answers. Append-only.

    `comparison_runs`: [[run of the version, run of what served], …] of EvaluationRun, as whoever did it was shown
    them. `gate`: the rows of the promotion gate as they were then. `share`: of a canary its share, of a shadow
    1 or 0, else null.
    """

    engine = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=PromotionKind.choices)
    # Null: back to the engine without a version.
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="promotions"
    )
    replaced = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    by = models.ForeignKey(site.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now, editable=False)
    comparison_runs = models.JSONField(default=list)
    gate = models.JSONField(default=list)
    # Whether it was done although the gate did not pass.
    overridden = models.BooleanField(default=False)
    reason = models.CharField(max_length=1000)
    share = models.FloatField(null=True, blank=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["engine", "kind"], name="promotion_of_engine")]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"promotion {self.pk}"


class ShadowScore(models.Model):
    """What a shadow would have said where another model's answer was shown: codes and places, no words of a chart.

    `question`: number of the prediction run, as the caller counts them. `codes`: [{system, code, confidence}].
    """

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="shadow_scores")
    question = models.PositiveBigIntegerField()
    codes = models.JSONField(default=list)
    # Codes that both said, and those of one alone.
    both = models.PositiveIntegerField(default=0)
    only_shadow = models.PositiveIntegerField(default=0)
    only_shown = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(null=True, blank=True)
    # Stable code of what went wrong; empty where it answered.
    error_code = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["model_version", "question"], name="shadow_scored_once"),
        ]

    def __str__(self) -> str:
        return f"shadow score {self.pk}"
