"""Code systems as published: releases side by side, their nodes, notes and 7th characters.

A release is written once, by catalog/loaders/, and never edited: what was coded with it can be
read again as it was. Rows are only ever reached through a release.
"""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property

from catalog.choices import CodeSystem, NodeKind, NoteKind, Origin, ReleaseStatus
from catalog.querysets import CodeQuerySet, NoteQuerySet, ReleaseQuerySet, SeventhCharacterQuerySet


class Release(models.Model):
    """One edition of one code system, valid from its first to its last day (both inclusive)."""

    system = models.CharField(max_length=16, choices=CodeSystem)
    edition = models.CharField(max_length=80)
    valid_from = models.DateField()
    # Empty: no end is published yet.
    valid_to = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200)
    source_hash = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.PUBLISHED)
    status = models.CharField(max_length=16, choices=ReleaseStatus, default=ReleaseStatus.COMPLETE)
    loaded_at = models.DateTimeField()
    node_count = models.PositiveIntegerField()
    billable_count = models.PositiveIntegerField()
    note_count = models.PositiveIntegerField()

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "source_hash"], name="release_source_once"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="release_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["system", "-valid_from"], name="release_by_date")]

    def __str__(self) -> str:
        return f"{self.get_system_display()} {self.edition}"

    def covers(self, on: dt.date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class Code(models.Model):
    """A node of a release: chapter, block, category, subcategory or code.

    `position` is the place in the published order; a node's descendants are exactly the rows with
    position < p <= last_position. `path` holds the ancestors' ids, root first.
    """

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="codes")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    path = ArrayField(models.BigIntegerField())
    code = models.CharField(max_length=16)
    # The code as typed by anyone: upper case, no dot.
    key = models.CharField(max_length=16)
    kind = models.CharField(max_length=16, choices=NodeKind)
    title = models.TextField()
    billable = models.BooleanField()
    # Stands only to keep a 7th character in its place ("T36.0X").
    placeholder = models.BooleanField(default=False)
    # Of systems whose codes come and go within an edition (HCPCS, CPT): its own first and last day.
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    chapter = models.CharField(max_length=16)
    depth = models.PositiveSmallIntegerField()
    position = models.PositiveIntegerField()
    last_position = models.PositiveIntegerField()
    # Words of title (A), own terms (B) and what the ancestors say (D), filled by the loader.
    search = SearchVectorField()

    objects = CodeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "position"], name="code_position_once"),
            models.UniqueConstraint(fields=["release", "code", "kind"], name="code_kind_once"),
        ]
        indexes = [
            models.Index(
                fields=["release", "key"], name="code_by_key", opclasses=["int8_ops", "varchar_pattern_ops"]
            ),
            GinIndex(fields=["search"], name="code_search"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def in_force(self, on: dt.date) -> bool:
        """Whether the code itself is in force on a day of its release."""
        return (self.valid_from is None or self.valid_from <= on) and (
            self.valid_to is None or on <= self.valid_to
        )

    @cached_property
    def lineage(self) -> list[int]:
        """Ids of the ancestors and the node itself, root first."""
        return [*self.path, self.pk]


class Note(models.Model):
    """One line of an instructional note; lines of one printed note share `block`."""

    node = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=24, choices=NoteKind)
    block = models.PositiveSmallIntegerField()
    position = models.PositiveSmallIntegerField()
    text = models.TextField()

    objects = NoteQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "position"], name="note_position_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text}"


class SeventhCharacter(models.Model):
    """A 7th character as defined at a node; the nearest definition above a code holds for it."""

    node = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="seventh_characters")
    character = models.CharField(max_length=1)
    meaning = models.TextField()
    # Further wordings of the same character ("initial encounter for open fracture NOS").
    also = models.TextField(blank=True, default="")
    position = models.PositiveSmallIntegerField()

    objects = SeventhCharacterQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["node", "character"], name="seventh_character_once")]

    def __str__(self) -> str:
        return f"{self.character}: {self.meaning}"
