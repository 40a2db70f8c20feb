"""Reads from the database what the checks need, once; releases are kept, since they never change."""

from __future__ import annotations

import datetime as dt
import gc
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from catalog.choices import CodeSystem, NodeKind, Origin
from catalog.edits import published
from catalog.edits.knowledge import CodeList, Knowledge, Listed, Tabular
from catalog.edits.notes import READ_KINDS, read_notes
from catalog.edits.site_table import SiteTable, read_site_table
from catalog.edits.tree import Node, Tree
from catalog.edits.types import CodeLine, EncounterFacts
from catalog.errors import NoRelease
from catalog.models import Code, Note, Release
from catalog.queries import latest_release, release_for

# Two editions of ICD-10-CM are in use around the first of October; each holds about 60 MB.
_KEPT = 2


def knowledge_for(
    lines: Sequence[CodeLine],
    facts: EncounterFacts,
    *,
    release: Release | None = None,
    latest_stands_in: bool = False,
) -> Knowledge:
    """What the checks need for these lines.

    `release`: the ICD-10-CM release already chosen for the code set; None: chosen by the facts' date.
    `latest_stands_in`: where none covers the date, the latest loaded one is used and the findings say so.
    """
    chosen, stands_in = release, False
    if chosen is None:
        chosen, stands_in = _by_date(CodeSystem.ICD10CM, facts.coding_date, latest_stands_in)
    elif facts.coding_date is None or not chosen.covers(facts.coding_date):
        stands_in = True
    return Knowledge(
        tabular=None if chosen is None else tabular_of(chosen),
        stands_in=stands_in,
        code_lists=_code_lists(lines, facts, latest_stands_in),
        mce=published.mce_table(facts),
        poa_exempt=published.poa_exempt(facts),
        ncci=published.ncci_tables(lines, facts),
        mue=published.mue_tables(lines, facts),
        ncci_modifiers=published.ncci_modifiers(lines, facts),
        site=_site_table(),
    )


def _site_table() -> SiteTable:
    path = settings.CODE_EDITS_SITE_TABLE
    return _read_site_table(path, Path(path).stat().st_mtime_ns) if path else {}


@lru_cache(maxsize=1)
def _read_site_table(path: str, _changed: int) -> SiteTable:
    return read_site_table(Path(path))


def tabular_of(release: Release) -> Tabular:
    return _tabular(release.pk, release.source_hash)


@lru_cache(maxsize=_KEPT)
def _tabular(release_id: int, _source_hash: str) -> Tabular:
    """The hash tells a release from another one that got its id later (a test's database)."""
    release = Release.objects.get(pk=release_id)
    rows = list(
        Code.objects.of(release)
        .order_by("position")
        .values_list("pk", "parent_id", "code", "title", "kind", "billable", "position", "last_position")
    )
    position_of = {row[0]: row[6] for row in rows}
    kinds = {str(kind.value): str(kind.value) for kind in NodeKind}
    tree = Tree(
        release.edition,
        (
            Node(
                code,
                title,
                kinds[kind],
                billable,
                position,
                last,
                -1 if parent is None else position_of[parent],
            )
            for _, parent, code, title, kind, billable, position, last in rows
        ),
    )
    notes = Note.objects.filter(node__release=release, kind__in=READ_KINDS).order_by(
        "node__position", "position"
    )
    loaded = Tabular(tree, read_notes(tree, notes.values_list("node__position", "kind", "block", "text")))
    # Hundreds of thousands of objects that stay: looking through them takes the collector a quarter of a second, in
    # the middle of every fifth long page.
    gc.collect()
    gc.freeze()
    return loaded


def _by_date(system: str, on: dt.date | None, latest_stands_in: bool) -> tuple[Release | None, bool]:
    try:
        return release_for(system, on), False
    except NoRelease:
        if not latest_stands_in:
            return None, False
    try:
        return latest_release(system), True
    except NoRelease:
        return None, False


def _code_lists(
    lines: Sequence[CodeLine], facts: EncounterFacts, latest_stands_in: bool
) -> Mapping[tuple[str, dt.date | None], CodeList]:
    wanted: dict[tuple[str, dt.date | None], set[str]] = {}
    for line in lines:
        if line.system == CodeSystem.ICD10CM:
            continue
        on = line.service_date or facts.coding_date
        if line.system == CodeSystem.ICD10PCS:
            on = facts.discharge_date or on
        wanted.setdefault((line.system, on), set()).add(line.code.strip().upper())
    found: dict[tuple[str, dt.date | None], CodeList] = {}
    for (system, on), codes in wanted.items():
        release, _ = _by_date(system, on, latest_stands_in)
        if release is None:
            continue
        rows = Code.objects.of(release).filter(key__in=codes)
        found[system, on] = CodeList(
            release.edition,
            {row.code: Listed(row.title, row.billable, row.valid_from, row.valid_to) for row in rows},
            complete=release.origin != Origin.SAMPLE,
        )
    return found
