"""Encounters: what is queued, leased, coded and signed off; and the patients they belong to."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.choices import ClaimType
from coding_review.choices import (
    PREDICTION_CANCELLED,
    AlertKind,
    Confidentiality,
    EncounterStatus,
    HoldReason,
    RetentionClass,
    SkipReason,
    labels_up_to,
)
from coding_review.kept_reads import KeptValues
from coding_review.models.organisation import Facility, Membership, WorkGroup
from modelops.choices import Setting

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User


class Patient(models.Model):
    """A pseudonym; who it is stands in PatientIdentity."""

    source = models.CharField(max_length=80)
    pseudonym = models.CharField(max_length=120)
    sex = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "pseudonym"], name="patient_once")]

    def __str__(self) -> str:
        return f"patient {self.pk}"


class PatientIdentity(models.Model):
    """Shown in the header of an encounter's page only; never in logs, exports or the audit log."""

    patient = models.OneToOneField(Patient, on_delete=models.CASCADE, related_name="identity")
    name = models.CharField(max_length=200)
    record_number = models.CharField(max_length=80, db_index=True)
    birth_date = models.DateField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "patient identities"

    def __str__(self) -> str:
        return f"identity of patient {self.patient_id}"


class EncounterQuerySet(models.QuerySet["Encounter"]):
    def visible_to(self, user: User | AbstractBaseUser | AnonymousUser) -> EncounterQuerySet:
        """Those whose work group and confidentiality label the user's memberships open."""
        if not user.is_authenticated:
            return self.none()
        memberships = Membership.objects.filter(user_id=user.pk).values_list("work_group_id", "ceiling")
        groups: dict[tuple[str, ...], list[int]] = {}
        for work_group_id, ceiling in memberships:
            groups.setdefault(tuple(labels_up_to(ceiling)), []).append(work_group_id)
        if not groups:
            return self.none()
        condition = Q()
        for labels, work_groups in groups.items():
            condition |= Q(work_group_id__in=work_groups, confidentiality__in=labels)
        return self.filter(condition)

    def by_priority(self) -> EncounterQuerySet:
        """The visible rule of "next": priority, then days since discharge or service, then arrival."""
        return self.order_by("-priority", F("sort_date").asc(nulls_last=True), "pk")


class Encounter(models.Model):
    """One stay or visit of one patient at one facility."""

    source = models.CharField(max_length=80)
    source_id = models.CharField(max_length=120)
    account_number = models.CharField(max_length=80, blank=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, null=True, blank=True)
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT)
    work_group = models.ForeignKey(WorkGroup, on_delete=models.PROTECT)
    confidentiality = models.CharField(
        max_length=20, choices=Confidentiality.choices, default=Confidentiality.NORMAL
    )
    synthetic = models.BooleanField(default=False)

    setting = models.CharField(max_length=20, choices=Setting.choices)
    claim_types = ArrayField(models.CharField(max_length=20, choices=ClaimType.choices))
    specialty = models.CharField(max_length=80, blank=True)
    payer = models.CharField(max_length=80, blank=True)
    age = models.FloatField(null=True, blank=True)
    age_unit = models.CharField(max_length=10, default="years")
    sex = models.CharField(max_length=10, blank=True)
    admit_date = models.DateField(null=True, blank=True)
    discharge_date = models.DateField(null=True, blank=True)
    date_of_service = models.DateField(null=True, blank=True)
    # discharge_date, else date_of_service: what worklists sort and filter by.
    sort_date = models.DateField(null=True, blank=True)

    status = models.CharField(
        max_length=20, choices=EncounterStatus.choices, default=EncounterStatus.RECEIVED
    )
    status_reason = models.CharField(max_length=200, blank=True, help_text="Why it failed or was returned")
    status_since = models.DateTimeField(default=timezone.now)
    priority = models.SmallIntegerField(default=0)
    received_at = models.DateTimeField(default=timezone.now)

    # Who has it. The owner stays when the lease runs out: then it is parked, and only a lead reassigns it.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="owned_encounters",
    )
    lease_until = models.DateTimeField(null=True, blank=True)

    # Figures for the worklist, kept by the actions that change them.
    document_count = models.PositiveIntegerField(default=0)
    high_count = models.PositiveIntegerField(default=0)
    medium_count = models.PositiveIntegerField(default=0)
    low_count = models.PositiveIntegerField(default=0)
    decided_count = models.PositiveIntegerField(default=0)
    coded_count = models.PositiveIntegerField(default=0)
    open_alerts = models.PositiveIntegerField(default=0)

    retention_class = models.CharField(
        max_length=20, choices=RetentionClass.choices, default=RetentionClass.STANDARD
    )
    retain_until = models.DateField(null=True, blank=True)
    legal_hold = models.BooleanField(default=False)

    objects = EncounterQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "source_id"], name="encounter_once")]
        indexes = [
            models.Index(F("status"), F("priority").desc(), F("sort_date"), name="encounter_next"),
            models.Index(fields=["work_group", "status"], name="encounter_group_status"),
            models.Index(fields=["owner", "status"], name="encounter_owner"),
            models.Index(fields=["account_number"], name="encounter_account"),
            models.Index(fields=["source_id"], name="encounter_source_id"),
            models.Index(fields=["-sort_date"], name="encounter_sort_date"),
            models.Index(fields=["open_alerts"], name="encounter_alerts", condition=Q(open_alerts__gt=0)),
            GinIndex(fields=["claim_types"], name="encounter_claim_types"),
        ]

    def __str__(self) -> str:
        return f"encounter {self.pk}"

    @property
    def status_words(self) -> str:
        """The status as people read it: what a person stopped did not fail."""
        if self.status == EncounterStatus.FAILED and self.status_reason == PREDICTION_CANCELLED:
            return "Cancelled"
        return self.get_status_display()

    def is_visible_to(self, user: User | AbstractBaseUser | AnonymousUser) -> bool:
        """The same rule as EncounterQuerySet.visible_to, for a row at hand."""
        return opens(user, self.work_group_id, self.confidentiality)

    def has_lease(self, now: datetime | None = None) -> bool:
        return self.lease_until is not None and self.lease_until > (now or timezone.now())

    def date_for(self, claim_type: str) -> date | None:
        """The date that chooses the ICD-10 release for a claim type (DESIGN, release)."""
        if claim_type == ClaimType.FACILITY_INPATIENT:
            return self.discharge_date
        return self.date_of_service or self.discharge_date


def opens(
    user: User | AbstractBaseUser | AnonymousUser, work_group_id: int | None, confidentiality: str
) -> bool:
    """Whether the user's memberships open an encounter of this work group and label."""
    return user.is_authenticated and any(
        confidentiality in labels_up_to(ceiling)
        for work_group, ceiling in _memberships_of(user)
        if work_group == work_group_id
    )


_CACHE = "_coding_review_memberships"
_MEMBERSHIPS = KeptValues(
    lambda user: Membership.objects.filter(user_id=user).values_list("work_group_id", "ceiling"), int
)


def _memberships_of(user: User | AbstractBaseUser) -> list[tuple[int, str]]:
    """Work group and ceiling, asked once of a user object, which lives as long as a request, like its permissions."""
    if not hasattr(user, _CACHE):
        setattr(user, _CACHE, _MEMBERSHIPS.rows(user.pk))
    return list(getattr(user, _CACHE))


class Hold(models.Model):
    """An encounter waits: with a reason, an owner and an age. Ended by resuming."""

    encounter = models.ForeignKey(Encounter, on_delete=models.PROTECT, related_name="holds")
    reason = models.CharField(max_length=30, choices=HoldReason.choices)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    since = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    expected_on = models.DateField(null=True, blank=True)
    comment = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["encounter"], condition=Q(ended_at__isnull=True), name="one_open_hold"
            )
        ]

    def __str__(self) -> str:
        return f"hold {self.pk} of encounter {self.encounter_id}"


class Skip(models.Model):
    """ "Next" does not offer a skipped encounter to the same coder again."""

    encounter = models.ForeignKey(Encounter, on_delete=models.CASCADE, related_name="skips")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    reason = models.CharField(max_length=30, choices=SkipReason.choices)
    comment = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["encounter", "user"], name="skip_once")]

    def __str__(self) -> str:
        return f"skip of encounter {self.encounter_id}"


class DocumentAlert(models.Model):
    """A document that came late or changed: shown until someone has looked; after sign-off until resolved."""

    encounter = models.ForeignKey(Encounter, on_delete=models.PROTECT, related_name="alerts")
    document_version = models.ForeignKey("coding_review.DocumentVersion", on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=AlertKind.choices)
    after_sign_off = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)

    def __str__(self) -> str:
        return f"alert {self.pk} on encounter {self.encounter_id}"
