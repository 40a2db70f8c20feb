"""Reads of the catalog tables, named for what asks for them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db import models
from django.db.models import Case, F, IntegerField, Min, Q, Value, When
from django.db.models.functions import Left, Upper

from catalog.choices import GROUP_KINDS, TERM_NOTE_KINDS, Origin, ReleaseStatus
from catalog.keys import code_key

if TYPE_CHECKING:
    from catalog.models import (  # noqa: F401 (type arguments)
        Code,
        IndexEntry,
        Note,
        Release,
        SeventhCharacter,
        TableEdition,
    )


class ReleaseQuerySet(models.QuerySet["Release"]):
    def usable(self, system: str) -> ReleaseQuerySet:
        """Newest first: by first day of validity, then by time of loading (a corrected reload wins).

        A sample comes after every other release: it is used only where nothing else is loaded.
        """
        sample_last = Case(When(origin=Origin.SAMPLE, then=Value(1)), default=Value(0))
        return self.filter(system=system, status=ReleaseStatus.COMPLETE).order_by(
            sample_last, "-valid_from", "-loaded_at", "-pk"
        )

    def valid_on(self, on: dt.date) -> ReleaseQuerySet:
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=on), valid_from__lte=on)

    def loaded_systems(self) -> set[str]:
        complete = self.filter(status=ReleaseStatus.COMPLETE)
        return set(complete.order_by().values_list("system", flat=True).distinct())

    def for_status(self) -> ReleaseQuerySet:
        return self.order_by("system", "-valid_from", "-loaded_at")


class CodeQuerySet(models.QuerySet["Code"]):
    def of(self, release: Release) -> CodeQuerySet:
        return self.filter(release=release)

    def billable(self) -> CodeQuerySet:
        return self.filter(billable=True)

    def in_force(self, on: dt.date) -> CodeQuerySet:
        """Without those that began later or ended before, in systems whose codes have days of their own."""
        begun = Q(valid_from__isnull=True) | Q(valid_from__lte=on)
        return self.filter(begun, Q(valid_to__isnull=True) | Q(valid_to__gte=on))

    def named(self, *codes: str) -> CodeQuerySet:
        """Nodes called so, however typed; a code comes before a block of the same name."""
        keys = {code_key(code) for code in codes}
        group_last = Case(
            When(kind__in=GROUP_KINDS, then=Value(1)), default=Value(0), output_field=IntegerField()
        )
        return self.filter(key__in=keys).order_by(group_last, "position")

    def lineage_of(self, node: Code) -> CodeQuerySet:
        return self.filter(pk__in=node.path).order_by("depth")

    def children_of(self, node: Code) -> CodeQuerySet:
        return self.filter(parent_id=node.pk).order_by("position")

    def siblings_of(self, node: Code) -> CodeQuerySet:
        """The other children of its parent; a chapter's siblings are the other chapters."""
        same = self.filter(release_id=node.release_id, parent_id=node.parent_id)
        return same.exclude(pk=node.pk).order_by("position")

    def below(self, node: Code) -> CodeQuerySet:
        return self.filter(
            release_id=node.release_id, position__gt=node.position, position__lte=node.last_position
        ).order_by("position")

    def relatives_of(self, node: Code, category: Code) -> CodeQuerySet:
        """Its children, its siblings and everything else under the same category."""
        return (
            self.filter(release_id=node.release_id)
            .filter(
                Q(parent_id=node.pk)
                | Q(parent_id=node.parent_id)
                | Q(position__gt=category.position, position__lte=category.last_position)
            )
            .exclude(pk=node.pk)
        )

    def chapters(self, release: Release) -> CodeQuerySet:
        return self.filter(release=release, parent__isnull=True).order_by("position")


class NoteQuerySet(models.QuerySet["Note"]):
    def along(self, node: Code) -> NoteQuerySet:
        """Notes of the node and of every ancestor, nearest node first, in printed order."""
        return (
            self.filter(node_id__in=node.lineage).select_related("node").order_by("-node__depth", "position")
        )

    def terms_of(self, release: Release) -> NoteQuerySet:
        """Inclusion terms and includes: other names of codes. In published order."""
        return (
            self.filter(node__release=release, kind__in=TERM_NOTE_KINDS)
            .annotate(node_code=F("node__code"))
            .order_by("node__position", "position")
        )

    def terms_of_codes(self, release_id: int) -> models.QuerySet[Note, tuple[str, str]]:
        """(code, term) of the complete codes of a release."""
        found = self.filter(node__release_id=release_id, node__billable=True, kind__in=TERM_NOTE_KINDS)
        return found.values_list("node__code", "text")

    def terms_on(self, node_ids: Iterable[int]) -> NoteQuerySet:
        return self.filter(node_id__in=list(node_ids), kind__in=TERM_NOTE_KINDS).order_by(
            "node_id", "position"
        )


class SeventhCharacterQuerySet(models.QuerySet["SeventhCharacter"]):
    def along(self, node: Code) -> SeventhCharacterQuerySet:
        """Definitions on the node and its ancestors, nearest node first."""
        return (
            self.filter(node_id__in=node.lineage).select_related("node").order_by("-node__depth", "position")
        )


_DEFAULT_LAST = Case(When(origin=Origin.DEFAULT, then=Value(1)), default=Value(0))


class TableEditionQuerySet(models.QuerySet["TableEdition"]):
    def usable(self, kind: str, name: str = "") -> TableEditionQuerySet:
        """Newest first: by first day in force, then by time of loading (a corrected reload wins).

        A default of the product comes after what an operator brought, whatever the days of either.
        """
        return self.filter(kind=kind, name=name, status=ReleaseStatus.COMPLETE).order_by(
            _DEFAULT_LAST, "-valid_from", "-loaded_at", "-pk"
        )

    def usable_of(self, kinds: Iterable[str]) -> TableEditionQuerySet:
        """Of several kinds at once, each newest first."""
        return self.filter(kind__in=list(kinds), status=ReleaseStatus.COMPLETE).order_by(
            "kind", _DEFAULT_LAST, "-valid_from", "-loaded_at", "-pk"
        )

    def valid_on(self, on: dt.date) -> TableEditionQuerySet:
        return self.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=on), valid_from__lte=on)

    def for_status(self) -> TableEditionQuerySet:
        return self.order_by("kind", "name", "-valid_from", "-loaded_at")


class IndexEntryQuerySet(models.QuerySet["IndexEntry"]):
    def naming(
        self, editions: Iterable[TableEdition], codes: Iterable[str], unfinished: Iterable[str] = ()
    ) -> IndexEntryQuerySet:
        """Lines of these editions that print one of `codes`, whole or as a manifestation, or one of `codes` and
        `unfinished` with more characters to come."""
        whole = list(codes)
        forms = [form for code in whole for form in (code, f"[{code}]")]
        forms += [form for code in [*whole, *unfinished] for form in (f"{code}-", f"{code}.-", f"[{code}-]")]
        return (
            self.filter(edition__in=list(editions), codes__overlap=forms)
            .select_related("edition")
            .order_by("edition__kind", "position")
        )

    def main_terms(self, edition: TableEdition, letter: str) -> IndexEntryQuerySet:
        return self.of(edition).filter(depth=0, term__istartswith=letter)

    def letters(self, edition: TableEdition) -> list[str]:
        """What main terms begin with."""
        first = Upper(Left("term", 1))
        found = self.filter(edition=edition, depth=0).annotate(letter=first)
        return list(found.order_by("letter").values_list("letter", flat=True).distinct())

    def with_words(self, edition: TableEdition, typed: list[str]) -> IndexEntryQuerySet:
        """Lines that have every word, the last perhaps half typed; the best first."""
        query = SearchQuery(" & ".join(f"{word}:*" for word in typed), config="simple", search_type="raw")
        return (
            self.filter(edition=edition, search=query)
            .annotate(rank=SearchRank(F("search"), query))
            .select_related("edition")
            .order_by("-rank", "position")
        )

    def lineage_of(self, entry: IndexEntry) -> list[IndexEntry]:
        """The lines above, outermost first."""
        above: list[IndexEntry] = []
        parent_id = entry.parent_id
        while parent_id is not None:
            parent = self.get(pk=parent_id)
            above.insert(0, parent)
            parent_id = parent.parent_id
        return above

    def inside(self, entry: IndexEntry) -> IndexEntryQuerySet:
        """Every line below it, however deep, in printed order."""
        after = self.filter(edition_id=entry.edition_id, position__gt=entry.position)
        end = after.filter(depth__lte=entry.depth).aggregate(end=Min("position"))["end"]
        below = after if end is None else after.filter(position__lt=end)
        return below.order_by("position")

    def of(self, edition: TableEdition) -> IndexEntryQuerySet:
        return self.filter(edition=edition).select_related("edition").order_by("position")

    def below(self, entry: IndexEntry) -> IndexEntryQuerySet:
        return self.filter(parent_id=entry.pk).order_by("position")
