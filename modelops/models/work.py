"""What a worker does once for somebody, from the queue to its end."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from modelops.choices import WORK_OPEN, WorkStatus


class Work(models.Model):
    """The row is the truth; the broker only carries its id. It begins once: what a lost worker left is not taken
    up by another."""

    status = models.CharField(
        max_length=12, choices=WorkStatus.choices, default=WorkStatus.QUEUED, db_index=True
    )
    error_code = models.CharField(max_length=40, blank=True)
    # For people; no text of a chart, no name.
    error = models.CharField(max_length=300, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    # When its worker was last heard of.
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    # Its worker ends it at the next step.
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        return self.status in WORK_OPEN
