"""Model versions: what an engine ran with, so that every prediction can name its maker."""

from __future__ import annotations

from django.conf import settings as site
from django.db import models
from django.db.models import Q
from django.utils import timezone

from modelops.choices import ModelState


class ModelVersionQuerySet(models.QuerySet["ModelVersion"]):
    def newest_first(self) -> ModelVersionQuerySet:
        return self.order_by("-created_at", "-pk")

    def serving(self, engine: str) -> ModelVersion | None:
        return self.filter(engine=engine, active=True).first()

    def canary(self, engine: str) -> ModelVersion | None:
        """The candidate that some charts go to."""
        return self.filter(engine=engine, canary_share__gt=0).first()

    def shadow(self, engine: str) -> ModelVersion | None:
        """The candidate that is asked beside and not shown."""
        return self.filter(engine=engine, shadow=True).first()


class ModelVersion(models.Model):
    """One state of one engine's model: base, adapter, prompt and training data, with its measured figures.

    At most one version of an engine is active: the one that the engine serves. At most one other is its canary,
    which a share of the charts goes to, and at most one is asked in its shadow, without being shown.
    """

    engine = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    version = models.CharField(max_length=80)
    base = models.CharField(max_length=200, blank=True)
    adapter = models.CharField(max_length=200, blank=True)
    prompt_version = models.CharField(max_length=80, blank=True)
    dataset_version = models.CharField(max_length=80, blank=True)
    # Where it was trained here: the job, the folder below TRAINING_DIR, the hash of its manifest, its model card.
    job = models.ForeignKey(
        "modelops.TrainingJob", on_delete=models.PROTECT, null=True, blank=True, related_name="model_versions"
    )
    dataset = models.ForeignKey(
        "modelops.DatasetVersion",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="model_versions",
    )
    checkpoint = models.CharField(max_length=400, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    # What a worker found when it read all files: {mark, bytes, whole}, of their state then (modelops.checkpoint_files).
    files = models.JSONField(default=dict, blank=True)
    # When a worker was last asked to read them.
    files_asked_at = models.DateTimeField(null=True, blank=True)
    card = models.JSONField(default=dict, blank=True)
    trained_by = models.ForeignKey(
        site.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    metrics = models.JSONField(default=dict, blank=True)
    active = models.BooleanField(default=False)
    # Share of the charts, 0 to 1.
    canary_share = models.FloatField(default=0)
    shadow = models.BooleanField(default=False)
    # When another took its place; null again where it came back.
    retired_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engine", "name", "version"], name="model_version_once"),
            models.UniqueConstraint(
                fields=["engine"], condition=Q(active=True), name="one_active_version_an_engine"
            ),
            models.UniqueConstraint(
                fields=["engine"], condition=Q(canary_share__gt=0), name="one_canary_an_engine"
            ),
            models.UniqueConstraint(fields=["engine"], condition=Q(shadow=True), name="one_shadow_an_engine"),
            models.CheckConstraint(
                condition=Q(canary_share__gte=0) & Q(canary_share__lte=1), name="canary_share_is_a_share"
            ),
            # What serves already is nobody's candidate.
            models.CheckConstraint(
                condition=Q(active=False) | Q(canary_share=0, shadow=False), name="serving_is_no_candidate"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def state(self) -> ModelState:
        if self.active:
            return ModelState.SERVING
        return ModelState.CANDIDATE if self.retired_at is None else ModelState.RETIRED
