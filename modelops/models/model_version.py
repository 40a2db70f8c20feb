"""Model versions: what an engine ran with, so that every prediction can name its maker."""

from __future__ import annotations

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
