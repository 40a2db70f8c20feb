"""What is published about codes: indexes, edits, value sets; and the vectors that search by meaning.

Like a release, an edition is written once by a loader and never edited: a code set that was checked with it
can be checked with it again. Rows are only ever reached through their edition.
"""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from pgvector.django import HalfVectorField

from catalog.choices import CodeSystem, MceList, Origin, ReleaseStatus, TableKind
from catalog.models.codes import Code, Release
from catalog.querysets import IndexEntryQuerySet, TableEditionQuerySet


class TableEdition(models.Model):
    """One edition of one published table, in force from its first to its last day (both inclusive).

    `name` tells editions of one kind apart that are in force together: the value set, the HCC model, the
    NCCI provider table; empty where a kind has one table only.
    """

    kind = models.CharField(max_length=24, choices=TableKind)
    name = models.CharField(max_length=80, blank=True)
    edition = models.CharField(max_length=80)
    valid_from = models.DateField()
    # Empty: no end is published yet.
    valid_to = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200)
    source_hash = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.PUBLISHED)
    status = models.CharField(max_length=16, choices=ReleaseStatus, default=ReleaseStatus.COMPLETE)
    loaded_at = models.DateTimeField()
    row_count = models.PositiveIntegerField()
    # What the loader left out and why, in words for catalog_status ("12 codes are in no loaded release").
    remarks = ArrayField(models.TextField(), default=list)

    objects = TableEditionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "name", "source_hash"], name="table_source_once"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gte=F("valid_from")),
                name="table_ends_after_start",
            ),
        ]
        indexes = [models.Index(fields=["kind", "name", "-valid_from"], name="table_by_date")]

    def __str__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"{self.get_kind_display()}{name}, {self.edition}"

    def covers(self, on: dt.date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


class IndexEntry(models.Model):
    """A line of the Alphabetic Index, the External Cause Index, the Table of Drugs or the Table of Neoplasms.

    `term` is the line's own words, `full_term` those of the lines above it too, outermost first ("Diabetes,
    type 2, with, chronic kidney disease"). `codes` as printed, a manifestation in brackets after its
    etiology, an unfinished code with its dash; of a drug or neoplasm one code for each column that has one,
    the column's name in `columns` at the same place.
    """

    edition = models.ForeignKey(TableEdition, on_delete=models.CASCADE, related_name="index_entries")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    position = models.PositiveIntegerField()
    depth = models.PositiveSmallIntegerField()
    term = models.TextField()
    full_term = models.TextField()
    # Words in brackets behind the term that do not change its code ("Anemia (essential) (general)").
    nonessential = models.TextField(blank=True)
    codes = ArrayField(models.CharField(max_length=12), default=list)
    columns = ArrayField(models.CharField(max_length=40), default=list)
    see = models.TextField(blank=True)
    see_also = models.TextField(blank=True)
    search = SearchVectorField()

    objects = IndexEntryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["edition", "position"], name="index_position_once"),
        ]
        indexes = [
            GinIndex(fields=["search"], name="index_search"),
            GinIndex(fields=["codes"], name="index_codes"),
            models.Index(fields=["parent", "position"], name="index_below"),
        ]

    def __str__(self) -> str:
        return f"{self.full_term} {' '.join(self.codes)}"


class NcciPair(models.Model):
    """A procedure-to-procedure edit: column 2 is not paid beside column 1 on one date, unless the indicator allows."""

    edition = models.ForeignKey(TableEdition, on_delete=models.CASCADE, related_name="ncci_pairs")
    column1 = models.CharField(max_length=5)
    column2 = models.CharField(max_length=5)
    effective = models.DateField()
    # The last day in force; empty while the edit stands.
    deleted = models.DateField(null=True, blank=True)
    # 0 never, 1 with an NCCI-associated modifier, 9 not applicable.
    indicator = models.CharField(max_length=1)
    rationale = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "column1", "column2", "effective"], name="ncci_pair_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.column1} {self.column2}"


class MueEntry(models.Model):
    """The most units of a procedure: MAI 1 a line, 2 a date (absolute), 3 a date (with reason)."""

    edition = models.ForeignKey(TableEdition, on_delete=models.CASCADE, related_name="mue_entries")
    code = models.CharField(max_length=5)
    units = models.PositiveIntegerField()
    mai = models.CharField(max_length=1)
    rationale = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "code"], name="mue_code_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.units}"


class MceEntry(models.Model):
    """A code on one list of the Medicare Code Editor; codes with their dot."""

    edition = models.ForeignKey(TableEdition, on_delete=models.CASCADE, related_name="mce_entries")
    list = models.CharField(max_length=40, choices=MceList)
    system = models.CharField(max_length=16, choices=CodeSystem, default=CodeSystem.ICD10CM)
    code = models.CharField(max_length=16)
    # Of a list that goes by pairs or sublists: the sublist's or partner's name as printed.
    group = models.CharField(max_length=80, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["edition", "list", "system", "code", "group"], name="mce_entry_once"
            )
        ]
        indexes = [models.Index(fields=["edition", "code"], name="mce_by_code")]

    def __str__(self) -> str:
        return f"{self.code} {self.list}"


class HccEntry(models.Model):
    """A diagnosis and the condition category it maps to under the edition's model."""

    edition = models.ForeignKey(TableEdition, on_delete=models.CASCADE, related_name="hcc_entries")
    code = models.CharField(max_length=16)
    category = models.CharField(max_length=16)
    title = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "code", "category"], name="hcc_entry_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.category}"


class ValueSetEntry(models.Model):
    """A member of a value set; the set's name is its edition's."""

    edition = models.ForeignKey(TableEdition, on_delete=models.CASCADE, related_name="value_set_entries")
    system = models.CharField(max_length=16, choices=CodeSystem)
    code = models.CharField(max_length=16)
    display = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["edition", "system", "code"], name="value_set_entry_once")
        ]

    def __str__(self) -> str:
        return self.code


class Modifier(models.Model):
    """A CPT or HCPCS modifier; `ncci` when it may bypass an NCCI pair whose indicator is 1."""

    edition = models.ForeignKey(TableEdition, on_delete=models.CASCADE, related_name="modifiers")
    code = models.CharField(max_length=2)
    title = models.TextField()
    ncci = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["edition", "code"], name="modifier_once")]

    def __str__(self) -> str:
        return self.code


class VectorSet(models.Model):
    """The vectors of one release by one embedding model; complete when `done` reaches `total`."""

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="vector_sets")
    # Name and hash of the model's files.
    model = models.CharField(max_length=120)
    # The index editions whose entries are among the wordings, in the order of their entries.
    editions = ArrayField(models.BigIntegerField(), default=list)
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["release", "model"], name="vector_set_once")]

    def __str__(self) -> str:
        return f"{self.model} {self.done}/{self.total}"

    @property
    def complete(self) -> bool:
        return self.finished_at is not None


class TermVector(models.Model):
    """One wording of a code as a vector: its title, an inclusion term or an index entry. A narrow row on purpose:
    beside long columns a vector is stored out of line, and searching reads five times longer."""

    set = models.ForeignKey(VectorSet, on_delete=models.CASCADE, related_name="vectors")
    node = models.ForeignKey(Code, on_delete=models.CASCADE, related_name="vectors")
    # The wording's place in the order in which they were embedded: how an interrupted run goes on.
    number = models.PositiveIntegerField()
    # As many dimensions as the set's model has.
    vector = HalfVectorField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["set", "number"], name="term_vector_once")]

    def __str__(self) -> str:
        return str(self.number)
