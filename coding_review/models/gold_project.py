"""Gold projects: the protocol of an annotation study, who reads, which charts, and the labels to judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from catalog.choices import CodeRole, CodeSystem, PresentOnAdmission
from coding_review.choices import (
    Domain,
    GoldChartPurpose,
    GoldLabelSource,
    GoldMode,
    GoldPreset,
    GoldStatus,
    LabelSource,
    Profession,
    SeededKind,
)
from coding_review.models.codeset import CodeSet
from coding_review.models.document import DocumentVersion
from coding_review.models.encounter import Encounter
from coding_review.models.guards import APPEND_ONLY, NO_REMOVAL
from coding_review.models.prediction import EvidencePlace
from coding_review.models.reading import Decision
from modelops.choices import Band

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User


class Codebook(models.Model):
    """The guideline readers work by; another text is another version, with what changed."""

    name = models.CharField(max_length=120)
    version = models.PositiveIntegerField(default=1)
    text = models.TextField()
    change_note = models.TextField(blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "version"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="codebook_version_once")]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class GoldProjectQuerySet(models.QuerySet["GoldProject"]):
    def read_by(self, user: User | AbstractBaseUser | AnonymousUser) -> GoldProjectQuerySet:
        """Those in which the user is a reader."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(readers__user_id=user.pk).distinct()

    def newest_first(self) -> GoldProjectQuerySet:
        return self.order_by("-created_at", "-pk")


class GoldProject(models.Model):
    name = models.CharField(max_length=120, unique=True)
    preset = models.CharField(max_length=10, choices=GoldPreset.choices, default=GoldPreset.CUSTOM)
    mode = models.CharField(max_length=20, choices=GoldMode.choices, default=GoldMode.APPROVE_AND_ADD)
    status = models.CharField(max_length=20, choices=GoldStatus.choices, default=GoldStatus.DRAFT)
    # Only labels of these are judged; empty: all.
    domains = ArrayField(models.CharField(max_length=20, choices=Domain.choices), default=list, blank=True)

    readings_per_chart = models.PositiveSmallIntegerField(default=1)
    # Of charts that are read once by default, the share that two people read.
    double_share = models.FloatField(default=0)
    repeat_share = models.FloatField(default=0.05)
    repeat_after_days = models.PositiveIntegerField(default=14)
    seeded_share = models.FloatField(default=0)

    show_confidence = models.BooleanField(default=False)
    show_rationale = models.BooleanField(default=False)
    show_other_reading = models.BooleanField(default=False)
    # A chart of two readings gets one coder and one clinician.
    mixed_readers = models.BooleanField(default=True)

    codebook = models.ForeignKey(Codebook, on_delete=models.PROTECT, related_name="projects")
    label_source = models.CharField(max_length=10, choices=LabelSource.choices, default=LabelSource.ENGINE)
    label_origin = models.CharField(max_length=200, blank=True, help_text="Engine or file the labels are of")
    seed = models.BigIntegerField(default=0)
    # How its charts were drawn: one object a draw (filters, strata, population, drawn).
    sampling = models.JSONField(default=list, blank=True)
    # F1 against the key of the qualification charts from which on a reader counts; null: everyone counts.
    qualification_threshold = models.FloatField(null=True, blank=True)

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="gold_projects",
    )
    created_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When reading ended")
    frozen_at = models.DateTimeField(null=True, blank=True)

    objects = GoldProjectQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(readings_per_chart__gte=1, readings_per_chart__lte=3),
                name="one_to_three_readings",
            ),
            models.CheckConstraint(
                condition=Q(seeded_share__gte=0, seeded_share__lte=0.05), name="seeded_up_to_five_percent"
            ),
            models.CheckConstraint(
                condition=Q(
                    double_share__gte=0, double_share__lte=1, repeat_share__gte=0, repeat_share__lte=1
                ),
                name="shares_between_0_and_1",
            ),
        ]
        triggers = [*NO_REMOVAL]

    def __str__(self) -> str:
        return f"gold project {self.pk}"

    @property
    def may_add(self) -> bool:
        """Whether readers add codes that the labels miss."""
        return self.mode in (GoldMode.APPROVE_AND_ADD, GoldMode.BLIND)


class GoldReader(models.Model):
    """A person in a project; others know them by pseudonym. Counts once qualified."""

    project = models.ForeignKey(GoldProject, on_delete=models.PROTECT, related_name="readers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="gold_readers")
    profession = models.CharField(max_length=20, choices=Profession.choices)
    credential = models.CharField(max_length=40, help_text="CCS, RHIA, MD…")
    pseudonym = models.CharField(max_length=40)
    added_at = models.DateTimeField(default=timezone.now)
    qualified_at = models.DateTimeField(null=True, blank=True)
    # F1 against the key once all qualification charts are read.
    qualification_f1 = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["project", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="gold_reader_once"),
            models.UniqueConstraint(fields=["project", "pseudonym"], name="gold_pseudonym_once"),
        ]
        triggers = [*NO_REMOVAL]

    def __str__(self) -> str:
        return self.pseudonym


class GoldChartQuerySet(models.QuerySet["GoldChart"]):
    def standing(self) -> GoldChartQuerySet:
        return self.filter(withdrawn_at__isnull=True)

    def study(self) -> GoldChartQuerySet:
        """What the gold set is made of: neither qualification charts nor withdrawn ones."""
        return self.standing().filter(purpose=GoldChartPurpose.STUDY)

    def visible_to(self, user: User | AbstractBaseUser | AnonymousUser) -> GoldChartQuerySet:
        """On encounters that the user's memberships open."""
        return self.filter(code_set__encounter__in=Encounter.objects.visible_to(user))

    def not_coded_by(self, user_id: int) -> GoldChartQuerySet:
        """Without the encounters that this person signed or decided on: who coded one is no independent reader."""
        signed = CodeSet.objects.filter(signed_by_id=user_id).values("encounter")
        decided = Decision.objects.filter(actor_id=user_id).values("reading__code_set__encounter")
        return self.exclude(Q(code_set__encounter__in=signed) | Q(code_set__encounter__in=decided))


class GoldChart(models.Model):
    """One code set's documents as they were when the chart was drawn."""

    project = models.ForeignKey(GoldProject, on_delete=models.PROTECT, related_name="charts")
    code_set = models.ForeignKey(CodeSet, on_delete=models.PROTECT, related_name="gold_charts")
    documents = models.ManyToManyField(DocumentVersion, related_name="gold_charts")
    position = models.PositiveIntegerField()
    # Setting, specialty, length and domain by which it was drawn.
    stratum = models.JSONField(default=dict, blank=True)
    domains = ArrayField(models.CharField(max_length=20, choices=Domain.choices), default=list, blank=True)
    purpose = models.CharField(
        max_length=20, choices=GoldChartPurpose.choices, default=GoldChartPurpose.STUDY
    )
    readings_wanted = models.PositiveSmallIntegerField(default=1)
    # Its readers read it again after the project's days.
    repeat_wanted = models.BooleanField(default=False)
    # Seeded checks are never put where a bill may come of it.
    may_be_billed = models.BooleanField(default=True)
    # Of a qualification chart: "system:code" of what counts as right, from its signed code set.
    key = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    objects = GoldChartQuerySet.as_manager()

    class Meta:
        ordering = ["project", "position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "code_set"], name="gold_chart_once"),
            models.UniqueConstraint(fields=["project", "position"], name="gold_chart_position_once"),
        ]
        triggers = [*NO_REMOVAL]

    def __str__(self) -> str:
        return f"gold chart {self.pk}"


class PlacedCode(models.Model):
    """What is said of a code besides that it is there; empty where nobody says."""

    role = models.CharField(max_length=20, choices=CodeRole.choices, blank=True)
    poa = models.CharField(max_length=1, choices=PresentOnAdmission.choices, blank=True)
    # Its place in the code set, from 1.
    sequence = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        abstract = True


class GoldLabel(PlacedCode):
    """A code put before the readers. Readers are not told which are seeded."""

    chart = models.ForeignKey(GoldChart, on_delete=models.PROTECT, related_name="labels")
    system = models.CharField(max_length=10, choices=CodeSystem.choices, default=CodeSystem.ICD10CM)
    code = models.CharField(max_length=12)
    title = models.CharField(max_length=400, blank=True)
    rank = models.PositiveIntegerField(help_text="Document order, from 1")
    rationale = models.TextField(blank=True)
    confidence = models.FloatField(null=True, blank=True)
    band = models.CharField(max_length=10, choices=Band.choices, blank=True)
    domains = ArrayField(models.CharField(max_length=20, choices=Domain.choices), default=list, blank=True)
    source = models.CharField(max_length=10, choices=GoldLabelSource.choices)
    seeded_kind = models.CharField(
        max_length=12, choices=SeededKind.choices, default=SeededKind.NONE, blank=True
    )

    class Meta:
        ordering = ["chart", "rank", "pk"]
        constraints = [models.UniqueConstraint(fields=["chart", "system", "code"], name="gold_label_once")]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"gold label {self.pk}"

    @property
    def counts(self) -> bool:
        """Not a seeded check: it is part of agreement, pace and gold."""
        return self.source != GoldLabelSource.SEEDED


class GoldLabelEvidence(EvidencePlace):
    label = models.ForeignKey(GoldLabel, on_delete=models.PROTECT, related_name="evidence")
    order = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["label", "order"]
        triggers = [*APPEND_ONLY]

    def __str__(self) -> str:
        return f"evidence {self.pk} of gold label {self.label_id}"
