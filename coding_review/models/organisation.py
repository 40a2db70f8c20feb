"""Who works where: facilities, work groups, roles and memberships."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from coding_review.choices import Confidentiality, Role


class Facility(models.Model):
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        verbose_name_plural = "facilities"

    def __str__(self) -> str:
        return self.name


class WorkGroup(models.Model):
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="work_groups")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["facility", "code"], name="work_group_code_once")]

    def __str__(self) -> str:
        return f"{self.facility.code}/{self.code}"


class RoleAssignment(models.Model):
    """A bundle of permissions (rules/permissions.py) given to a user."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="role_assignments"
    )
    role = models.CharField(max_length=20, choices=Role.choices)
    granted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "role"], name="role_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class Membership(models.Model):
    """Opens a work group's encounters up to a confidentiality label."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    work_group = models.ForeignKey(WorkGroup, on_delete=models.CASCADE, related_name="memberships")
    ceiling = models.CharField(max_length=20, choices=Confidentiality.choices, default=Confidentiality.NORMAL)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "work_group"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.work_group_id}"


class ReviewerProfile(models.Model):
    """What a reviewer signs with, the pseudonym reports use, and how the pages behave for them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="reviewer")
    credential = models.CharField(max_length=40, blank=True, help_text="CCS, CPC, RHIA, MD…")
    pseudonym = models.CharField(max_length=40, unique=True)
    read_first = models.BooleanField(default=False)
    single_keys = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.pseudonym
