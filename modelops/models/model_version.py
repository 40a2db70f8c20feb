"""Model versions: what an engine ran with, so that every prediction can name its maker."""

from __future__ import annotations

from django.conf import settings as site
from django.db import models
from django.db.models import Q
from django.utils import timezone


class ModelVersion(models.Model):
    """One state of one engine's model: base, adapter, prompt and training data, with its measured figures.

    At most one version of an engine is active: the one that the engine serves.
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
    card = models.JSONField(default=dict, blank=True)
    trained_by = models.ForeignKey(
        site.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    metrics = models.JSONField(default=dict, blank=True)
    active = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["engine", "name", "version"], name="model_version_once"),
            models.UniqueConstraint(
                fields=["engine"], condition=Q(active=True), name="one_active_version_an_engine"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"
