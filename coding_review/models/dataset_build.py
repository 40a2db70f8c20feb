"""A dataset that was asked for in the browser: first looked at, then built."""

from __future__ import annotations

from django.db import models

from modelops.models import DatasetVersion, Work


class DatasetBuild(Work):
    """`asked`: sources and options, as coding_review/dataset_asked.py writes and reads them, without any text.
    `found`: what the dataset has or would have, by the same figures as its page; after a refusal, what it leaks.
    """

    name = models.CharField(max_length=80)
    asked = models.JSONField(default=dict)
    # Counts alone: no version is kept.
    only_looks = models.BooleanField(default=False)
    found = models.JSONField(default=dict)
    # What it is at, in words, and how far that is.
    step = models.CharField(max_length=80, blank=True)
    percent = models.PositiveSmallIntegerField(default=0)
    dataset = models.ForeignKey(
        DatasetVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="builds"
    )

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_status_display()})"
