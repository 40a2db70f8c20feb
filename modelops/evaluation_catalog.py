"""What an evaluation takes from the catalog: where a category lies, and which codes a domain has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.choices import CodeSystem, NodeKind, TableKind
from catalog.errors import NoRelease
from catalog.loaders.defaults_of_product import ADVANCED_ILLNESS, FRAILTY, SDOH
from catalog.models import Code, Release, TableEdition, ValueSetEntry
from catalog.queries import latest_release

DOMAINS = (ADVANCED_ILLNESS, FRAILTY, SDOH)
_PLACED = (NodeKind.CHAPTER, NodeKind.BLOCK, NodeKind.CATEGORY)


@dataclass(frozen=True, slots=True)
class Places:
    """Category to (chapter, block), the titles of both, and the edition they come from."""

    of: dict[str, tuple[str, str]]
    titles: dict[str, str]
    release: str


def places_of_latest() -> Places:
    """Of the latest loaded ICD-10-CM release; empty where none is loaded."""
    try:
        release = latest_release(CodeSystem.ICD10CM)
    except NoRelease:
        return Places({}, {}, "")
    return _places(release)


def _places(release: Release) -> Places:
    rows = Code.objects.of(release).filter(kind__in=_PLACED).order_by("position")
    groups: dict[int, tuple[str, str]] = {}
    titles: dict[str, str] = {}
    found: dict[str, tuple[str, str]] = {}
    for pk, path, key, code, kind, title in rows.values_list("pk", "path", "key", "code", "kind", "title"):
        if kind != NodeKind.CATEGORY:
            groups[pk] = (code, kind)
            titles.setdefault(code, title)
            continue
        above = [groups[ancestor] for ancestor in path if ancestor in groups]
        chapter = next((name for name, of in above if of == NodeKind.CHAPTER), "")
        # Blocks lie within blocks (C00-C96): the nearest one.
        block = next((name for name, of in reversed(above) if of == NodeKind.BLOCK), chapter)
        found[key] = (chapter, block)
    return Places(found, titles, release.edition)


def domain_codes(names: Sequence[str] = ()) -> tuple[dict[str, frozenset[str]], list[str]]:
    """ICD-10-CM codes of each domain's value set in use now, and the domains for which none is loaded.

    Without names: all domains of the product.
    """
    found: dict[str, frozenset[str]] = {}
    absent: list[str] = []
    for name in names or DOMAINS:
        edition = TableEdition.objects.usable(TableKind.VALUE_SET, name).first()
        if edition is None:
            absent.append(name)
            continue
        entries = ValueSetEntry.objects.filter(edition=edition, system=CodeSystem.ICD10CM)
        found[name] = frozenset(entries.values_list("code", flat=True))
    return found, absent
