"""Which domains (value sets of the catalog) a code lies in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from catalog.choices import CodeSystem, TableKind
from catalog.edits.tree import dotted
from catalog.models import Release, TableEdition, ValueSetEntry
from coding_review.choices import Domain


@dataclass(frozen=True, slots=True)
class DomainCodes:
    """By domain the ICD-10-CM codes of its value set; `missing`: domains for which no value set is loaded."""

    codes: dict[str, frozenset[str]]
    missing: tuple[str, ...]
    editions: dict[str, str]

    def of(self, system: str, code: str) -> list[str]:
        if system != CodeSystem.ICD10CM:
            return []
        return [domain for domain, codes in self.codes.items() if code in codes]


def domain_codes(release: Release | None, domains: Iterable[str] = Domain.values) -> DomainCodes:
    """The value sets in force on the first day of the release, else the newest loaded ones."""
    codes: dict[str, frozenset[str]] = {}
    editions: dict[str, str] = {}
    asked = list(domains)
    for domain in asked:
        usable = TableEdition.objects.usable(TableKind.VALUE_SET, domain)
        edition = (usable.valid_on(release.valid_from).first() if release else None) or usable.first()
        if edition is None:
            continue
        entries = ValueSetEntry.objects.filter(edition=edition, system=CodeSystem.ICD10CM)
        codes[domain] = frozenset(dotted(code) for code in entries.values_list("code", flat=True))
        editions[domain] = edition.edition
    return DomainCodes(codes, tuple(d for d in asked if d not in codes), editions)


def in_domains(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether a code of the domains `found` belongs to a project of the domains `wanted` (none: all codes)."""
    return not wanted or bool(set(found) & set(wanted))
