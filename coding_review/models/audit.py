"""The audit log: append-only rows in two hash chains, one per encounter and one per actor."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone

from coding_review.models.encounter import Encounter
from coding_review.models.guards import APPEND_ONLY, NO_REMOVAL, only_purge


class AuditChain(models.Model):
    """Head of a chain: its last number and hash. Locked while a row is added; tells when rows at the end are gone."""

    key = models.CharField(
        max_length=60, primary_key=True, help_text="encounter:<id>, actor:<id> or actor:system"
    )
    last_number = models.PositiveBigIntegerField(default=0)
    last_hash = models.CharField(max_length=64, default="0" * 64)

    class Meta:
        triggers = [
            *NO_REMOVAL,
            pgtrigger.Protect(
                name="one_forward",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.key IS DISTINCT FROM OLD.key OR NEW.last_number IS DISTINCT FROM OLD.last_number + 1"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class AuditEvent(models.Model):
    """Ids, codes, reasons and hashes only; quotes and comments lie in AuditPayload."""

    type = models.CharField(max_length=60)
    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="audit_events"
    )
    encounter = models.ForeignKey(
        Encounter, on_delete=models.PROTECT, null=True, blank=True, related_name="audit_events"
    )
    data = models.JSONField(default=dict)
    # SHA-256 over salt and payload; empty without one. The salt goes with the payload when it is purged.
    payload_hash = models.CharField(max_length=64, blank=True)

    encounter_number = models.PositiveBigIntegerField(null=True, blank=True)
    encounter_prev_hash = models.CharField(max_length=64, blank=True)
    actor_key = models.CharField(max_length=60)
    actor_number = models.PositiveBigIntegerField()
    actor_prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["actor_key", "actor_number"], name="audit_actor_number_once"),
            models.UniqueConstraint(
                fields=["encounter", "encounter_number"], name="audit_encounter_number_once"
            ),
        ]
        indexes = [
            models.Index(fields=["-at"], name="audit_at"),
            models.Index(fields=["type", "-at"], name="audit_type_at"),
        ]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"audit event {self.pk}"


class AuditPayload(models.Model):
    """May be purged: the body becomes null, the row stays as a tombstone and the chain still verifies."""

    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="payload")
    salt = models.CharField(max_length=32, blank=True)
    body = models.JSONField(null=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        triggers = [*NO_REMOVAL, only_purge("event_id", "NEW.body IS NOT NULL OR NEW.salt <> ''")]

    def __str__(self) -> str:
        return f"payload of audit event {self.event_id}"
