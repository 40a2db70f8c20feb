"""Reads the published tables that the checks of one set of code lines need, by their day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache

from django.db.models import Q

from catalog.choices import ClaimType, CodeSystem, ProviderTable, TableKind
from catalog.edits.knowledge import CodeTable, MceTable, MueTable, NcciTable, PairEdit, UnitLimit
from catalog.edits.rows import PROCEDURES
from catalog.edits.tree import dotted
from catalog.edits.types import CodeLine, EncounterFacts
from catalog.models import MceEntry, Modifier, MueEntry, NcciPair, TableEdition, ValueSetEntry

_TABLES: dict[str, ProviderTable] = {
    ClaimType.PROFESSIONAL: ProviderTable.PRACTITIONER,
    ClaimType.FACILITY_OUTPATIENT: ProviderTable.OUTPATIENT_HOSPITAL,
}


def edition_on(kind: TableKind, on: dt.date | None, name: str = "") -> TableEdition | None:
    """The edition in force on that day; never another one in its place."""
    if on is None:
        return None
    return TableEdition.objects.usable(kind, name).valid_on(on).first()


def mce_table(facts: EncounterFacts) -> MceTable | None:
    if facts.claim_type != ClaimType.FACILITY_INPATIENT:
        return None
    edition = edition_on(TableKind.MCE, facts.discharge_date)
    return None if edition is None else _mce(edition.pk, edition.source_hash, edition.valid_from)


@lru_cache(maxsize=4)
def _mce(edition_id: int, _source_hash: str, valid_from: dt.date) -> MceTable:
    edition = TableEdition.objects.get(pk=edition_id)
    lists: dict[str, set[str]] = {}
    rows = MceEntry.objects.filter(edition=edition, system=CodeSystem.ICD10CM)
    for list_, code in rows.values_list("list", "code"):
        lists.setdefault(list_, set()).add(dotted(code))
    return MceTable(edition.edition, valid_from, {name: frozenset(codes) for name, codes in lists.items()})


def poa_exempt(facts: EncounterFacts) -> CodeTable | None:
    if facts.claim_type != ClaimType.FACILITY_INPATIENT:
        return None
    edition = edition_on(TableKind.POA_EXEMPT, facts.discharge_date)
    return None if edition is None else _members(edition.pk, edition.source_hash)


@lru_cache(maxsize=4)
def _members(edition_id: int, _source_hash: str) -> CodeTable:
    edition = TableEdition.objects.get(pk=edition_id)
    codes = ValueSetEntry.objects.filter(edition=edition, system=CodeSystem.ICD10CM)
    return CodeTable(edition.edition, frozenset(dotted(c) for c in codes.values_list("code", flat=True)))


def _asked(lines: Sequence[CodeLine], facts: EncounterFacts) -> dict[dt.date | None, set[str]]:
    """Procedures by day of service."""
    asked: dict[dt.date | None, set[str]] = {}
    for line in lines:
        if line.system in PROCEDURES:
            asked.setdefault(line.service_date or facts.coding_date, set()).add(line.code.strip().upper())
    return asked


def ncci_tables(lines: Sequence[CodeLine], facts: EncounterFacts) -> Mapping[dt.date | None, NcciTable]:
    name = _TABLES.get(facts.claim_type)
    if name is None:
        return {}
    found: dict[dt.date | None, NcciTable] = {}
    for on, codes in _asked(lines, facts).items():
        edition = edition_on(TableKind.NCCI, on, name)
        if edition is None:
            continue
        rows = NcciPair.objects.filter(edition=edition, column1__in=codes, column2__in=codes).filter(
            Q(deleted__isnull=True) | Q(deleted__gte=on), effective__lte=on
        )
        found[on] = NcciTable(
            edition.edition, {(r.column1, r.column2): PairEdit(r.indicator, r.rationale) for r in rows}
        )
    return found


def mue_tables(lines: Sequence[CodeLine], facts: EncounterFacts) -> Mapping[dt.date | None, MueTable]:
    name = _TABLES.get(facts.claim_type)
    if name is None:
        return {}
    found: dict[dt.date | None, MueTable] = {}
    for on, codes in _asked(lines, facts).items():
        edition = edition_on(TableKind.MUE, on, name)
        if edition is None:
            continue
        rows = MueEntry.objects.filter(edition=edition, code__in=codes)
        found[on] = MueTable(edition.edition, {r.code: UnitLimit(r.units, r.mai, r.rationale) for r in rows})
    return found


def ncci_modifiers(lines: Sequence[CodeLine], facts: EncounterFacts) -> frozenset[str] | None:
    """Asked only where a line carries a modifier."""
    if not any(line.modifiers for line in lines):
        return None
    edition = edition_on(TableKind.MODIFIERS, facts.coding_date)
    if edition is None:
        return None
    marked = Modifier.objects.filter(edition=edition, ncci=True).values_list("code", flat=True)
    return frozenset(marked) or None
