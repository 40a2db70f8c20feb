"""What payment and claim tables say of a code: condition categories, Medicare Code Editor lists, NCCI and MUE.

For the encoder's full page and for people with the right alone: these facts never stand beside undecided
suggestions and never touch rank or confidence.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from catalog.choices import CodeSystem, MceList, ProviderTable, TableKind
from catalog.models import Code, HccEntry, MceEntry, MueEntry, NcciPair, Release, TableEdition

_PARTNERS_SHOWN = 8
_INDICATORS = {"0": "never together", "1": "together only with an NCCI-associated modifier"}
_MAI = {
    "1": "a claim line",
    "2": "a date of service, absolute",
    "3": "a date of service, more with documentation",
}


@dataclass(frozen=True, slots=True)
class PaymentFact:
    """`source` names table and edition; `other_time` is filled where that edition was not in force on the day."""

    label: str
    lines: tuple[str, ...]
    source: str
    other_time: str = ""


def payment_facts(release: Release, node: Code, on: dt.date) -> tuple[PaymentFact, ...]:
    """Of the tables in force on the day, else of the newest loaded; none for a table that is not loaded, and none
    for a header."""
    if not node.billable:
        return ()
    found: list[PaymentFact] = []
    for kind, read in _READERS.get(release.system, {}).items():
        for edition in _editions(kind, on):
            lines = read(edition, node, on)
            name = ProviderTable(edition.name).label if edition.name in ProviderTable.values else edition.name
            found.append(
                PaymentFact(
                    f"{_LABELS[kind]}, {name}" if name else _LABELS[kind],
                    tuple(lines),
                    str(edition),
                    "" if edition.covers(on) else _in_force(edition),
                )
            )
    return tuple(found)


def _editions(kind: TableKind, on: dt.date) -> list[TableEdition]:
    """One for each name of the kind."""
    chosen: dict[str, TableEdition] = {}
    for edition in TableEdition.objects.usable_of((kind,)):
        known = chosen.setdefault(edition.name, edition)
        if edition.covers(on) and not known.covers(on):
            chosen[edition.name] = edition
    return sorted(chosen.values(), key=lambda edition: edition.name)


def _in_force(edition: TableEdition) -> str:
    until = f"{edition.valid_to:%-d %b %Y}" if edition.valid_to else "no end"
    return f"in force {edition.valid_from:%-d %b %Y} to {until}"


def _hcc(edition: TableEdition, node: Code, on: dt.date) -> list[str]:
    rows = HccEntry.objects.filter(edition=edition, code=node.code).order_by("category")
    return [f"{row.category} {row.title}".strip() for row in rows] or ["no category"]


def _mce(edition: TableEdition, node: Code, on: dt.date) -> list[str]:
    rows = MceEntry.objects.filter(edition=edition, system=node.release.system, code=node.code)
    found = rows.order_by("list", "group").values_list("list", "group")
    return [f"{MceList(name).label}{f': {group}' if group else ''}" for name, group in found] or [
        "on no list"
    ]


def _ncci(edition: TableEdition, node: Code, on: dt.date) -> list[str]:
    day = on if edition.covers(on) else edition.valid_from
    standing = NcciPair.objects.filter(edition=edition, effective__lte=day).filter(
        Q(deleted__isnull=True) | Q(deleted__gte=day)
    )
    lines = []
    for column, other, words in (
        ("column1", "column2", "not paid beside it"),
        ("column2", "column1", "beside which it is not paid"),
    ):
        pairs = standing.filter(**{column: node.code}).exclude(indicator="9")
        for indicator, count in pairs.values_list("indicator").annotate(Count("pk")).order_by("indicator"):
            codes = pairs.filter(indicator=indicator).order_by(other).values_list(other, flat=True)
            shown = ", ".join(codes[:_PARTNERS_SHOWN])
            more = f" and {count - _PARTNERS_SHOWN:,} more" if count > _PARTNERS_SHOWN else ""
            lines.append(f"{words}, {_INDICATORS[indicator]}: {shown}{more}")
    return lines or ["in no pair"]


def _mue(edition: TableEdition, node: Code, on: dt.date) -> list[str]:
    row = MueEntry.objects.filter(edition=edition, code=node.code).first()
    if row is None:
        return ["no limit published"]
    return [f"{row.units} unit{'' if row.units == 1 else 's'} for {_MAI.get(row.mai, row.mai)}"]


_LABELS: dict[TableKind, str] = {
    TableKind.HCC: "Risk adjustment",
    TableKind.MCE: "Medicare Code Editor",
    TableKind.NCCI: "NCCI pairs",
    TableKind.MUE: "Medically unlikely edits",
}
Reader = Callable[[TableEdition, Code, dt.date], Iterable[str]]
_PROCEDURES: dict[TableKind, Reader] = {TableKind.NCCI: _ncci, TableKind.MUE: _mue}
_READERS: dict[str, dict[TableKind, Reader]] = {
    CodeSystem.ICD10CM: {TableKind.HCC: _hcc, TableKind.MCE: _mce},
    CodeSystem.ICD10PCS: {TableKind.MCE: _mce},
    CodeSystem.CPT: _PROCEDURES,
    CodeSystem.HCPCS: _PROCEDURES,
}
