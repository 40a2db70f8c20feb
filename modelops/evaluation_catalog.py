"""What an evaluation takes from the catalog: where a category lies, and which codes a domain has, by a chart's day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from catalog.choices import CodeSystem, NodeKind, TableKind
from catalog.errors import NoRelease
from catalog.loaders.defaults_of_product import ADVANCED_ILLNESS, FRAILTY, SDOH
from catalog.models import Code, Release, TableEdition, ValueSetEntry
from catalog.queries import latest_release, release_for
from modelops.evaluation.charts import Edition, Options

DOMAINS = (ADVANCED_ILLNESS, FRAILTY, SDOH)
_PLACED = (NodeKind.CHAPTER, NodeKind.BLOCK, NodeKind.CATEGORY)


@dataclass(frozen=True, slots=True)
class Places:
    """Category to (chapter, block), the titles of both, and the edition they come from."""

    of: dict[str, tuple[str, str]]
    titles: dict[str, str]
    release: str


def by_own_release(options: Options, days: Iterable[str]) -> Options:
    """The options with what the releases of these days say."""
    editions, titles = editions_of(days, sorted(options.domains))
    return replace(options, editions=editions, titles=titles | dict(options.titles))


def places_of_latest() -> Places:
    """Of the latest loaded ICD-10-CM release; empty where none is loaded."""
    try:
        release = latest_release(CodeSystem.ICD10CM)
    except NoRelease:
        return Places({}, {}, "")
    return _places(release)


def editions_of(
    days: Iterable[str], domains: Sequence[str] = ()
) -> tuple[dict[str, Edition], dict[str, str]]:
    """By day (YYYY-MM-DD) what the ICD-10-CM release of that day says, and the titles of all chapters and blocks of
    these releases. Days that no loaded release covers are left out. `domains`: those of which the codes are wanted.
    """
    try:
        latest = latest_release(CodeSystem.ICD10CM)
    except NoRelease:
        return {}, {}
    by_release: dict[int, Edition] = {}
    found: dict[str, Edition] = {}
    titles: dict[str, str] = {}
    for day in sorted(set(days) - {""}):
        try:
            release = release_for(CodeSystem.ICD10CM, date.fromisoformat(day))
        except NoRelease:
            continue
        if release.pk not in by_release:
            places = _places(release)
            titles = places.titles | titles
            own = release.pk == latest.pk
            by_release[release.pk] = Edition(
                release.edition,
                places.of,
                domain_codes(domains, None if own else release)[0] if domains else {},
            )
        found[day] = by_release[release.pk]
    return found, titles


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


def loaded_domains() -> list[str]:
    """Those of which a value set is in use now: what an evaluation over all domains names."""
    usable = TableEdition.objects.usable
    return sorted(name for name in DOMAINS if usable(TableKind.VALUE_SET, name).exists())


def domain_codes(
    names: Sequence[str] = (), release: Release | None = None
) -> tuple[dict[str, frozenset[str]], list[str]]:
    """ICD-10-CM codes of each domain's value set in use now, and the domains for which none is loaded.

    Without names: all domains of the product. `release`: the sets in force on its first day, where there are such.
    """
    found: dict[str, frozenset[str]] = {}
    absent: list[str] = []
    for name in names or DOMAINS:
        usable = TableEdition.objects.usable(TableKind.VALUE_SET, name)
        edition = (usable.valid_on(release.valid_from).first() if release else None) or usable.first()
        if edition is None:
            absent.append(name)
            continue
        entries = ValueSetEntry.objects.filter(edition=edition, system=CodeSystem.ICD10CM)
        found[name] = frozenset(entries.values_list("code", flat=True))
    return found, absent
