"""Dataset versions: what models are trained on, as it was built. Nothing of them changes or goes."""

from __future__ import annotations

import pgtrigger
from django.conf import settings as site
from django.db import models
from django.utils import timezone

from modelops.choices import DatasetKind


class DatasetVersionQuerySet(models.QuerySet["DatasetVersion"]):
    def newest_first(self) -> DatasetVersionQuerySet:
        return self.order_by("-created_at", "-pk")

    def latest_of(self, name: str) -> DatasetVersion | None:
        return self.filter(name=name).order_by("-version").first()


class DatasetVersion(models.Model):
    """A folder of train.jsonl, validation.jsonl and manifest.json below the setting DATASETS_DIR.

    `sha256` is of the manifest, which holds the hashes of both files: what is read later can be compared with it.
    `statistics` is the manifest's own, for pages.
    """

    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=DatasetKind.choices)
    manifest = models.JSONField()
    sha256 = models.CharField(max_length=64)
    statistics = models.JSONField(default=dict)
    # Below the setting DATASETS_DIR.
    path = models.CharField(max_length=200)
    created_by = models.ForeignKey(
        site.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = DatasetVersionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="dataset_version_once"),
            models.UniqueConstraint(fields=["name", "sha256"], name="dataset_content_once"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"
