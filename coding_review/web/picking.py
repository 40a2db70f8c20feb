"""Codes to choose from on the review page, for another code in place of one or for one more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, CodeSystem, Origin
from catalog.errors import UnknownCode
from catalog.hits import HitFacts, facts_of
from catalog.models import Release
from catalog.search import SearchHit, search
from coding_review.choices import CODED_STATES
from coding_review.errors import InvalidDecision
from coding_review.models import CodeEntry, CodeSet
from coding_review.procedures import procedure_date, procedure_release
from coding_review.rules.procedure_codes import shape_error
from coding_review.web.review_page import Evidence, Pick, Pickable

# Of each code system.
PICK_LIMIT = 20


@dataclass(frozen=True, slots=True)
class _Found:
    """What one code system answers; `best` orders the systems."""

    rows: tuple[Pickable, ...]
    best: float


def pick_for(code_set: CodeSet, data: dict[str, Any]) -> Pick:
    """`data` as PickForm cleans it. A code is replaced by one of its own system; one more may be of any system that
    the claim type carries, the system with the best answer first."""
    entry = None
    if data["purpose"] == "modify" and data["entry"]:
        entry = CodeEntry.objects.filter(pk=data["entry"], reading__code_set=code_set).first()
    if data["purpose"] == "modify" and entry is None:
        raise InvalidDecision("This code does not belong to the code set.")
    return _pick(code_set, data, entry, lambda system: _present(code_set, entry, system))


def pick_among(code_set: CodeSet, data: dict[str, Any], present: Collection[tuple[str, str]]) -> Pick:
    """One more code beside others than the code set's own; `present` are theirs, as (system, code)."""
    return _pick(
        code_set, data, None, lambda system: {code for of_system, code in present if of_system == system}
    )


def _pick(
    code_set: CodeSet,
    data: dict[str, Any],
    entry: CodeEntry | None,
    present: Callable[[str], set[str]],
) -> Pick:
    systems = SYSTEMS_BY_CLAIM_TYPE[code_set.claim_type] if entry is None else (entry.system,)
    found = [_found(code_set, entry, system, data["q"], present(system)) for system in systems]
    found.sort(key=lambda each: -each.best)
    results = [row for each in found for row in each.rows]
    error = ""
    if _release(code_set, entry, systems[0]) is None:
        error = f"No loaded {CodeSystem(systems[0]).label} release covers the date of this encounter."
    return Pick(
        purpose=data["purpose"] if entry is not None else "add",
        query=data["q"],
        results=tuple(_headed(results) if len(systems) > 1 else results),
        entry=entry.pk if entry else None,
        version=entry.version if entry else 0,
        from_code=entry.code if entry else "",
        evidence=Evidence(
            document=data["document"] or 0,
            line_start=data["line_start"],
            line_end=data["line_end"],
            col_start="" if data["col_start"] is None else str(data["col_start"]),
            col_end="" if data["col_end"] is None else str(data["col_end"]),
            quote=data["quote"],
        ),
        error=error,
    )


def _found(code_set: CodeSet, entry: CodeEntry | None, system: str, query: str, present: set[str]) -> _Found:
    release = _release(code_set, entry, system)
    near = entry.code if entry is not None and system == CodeSystem.ICD10CM else None
    hits: list[SearchHit] = []
    if release is not None and (query or near):
        try:
            hits = search(release, query, limit=PICK_LIMIT, near=near)
        except UnknownCode:
            hits = search(release, query, limit=PICK_LIMIT)
    facts = facts_of(release, hits, query) if release is not None else {}
    rows = tuple(
        Pickable(
            system=system,
            code=hit.code,
            title=hit.title,
            why=facts.get(hit.code, HitFacts()).why(hit),
            billable=hit.billable,
            present=hit.code in present,
            facts=facts.get(hit.code, HitFacts()),
        )
        for hit in hits
    )
    by_hand = _by_hand(release, system, query, {hit.code for hit in hits}, present)
    best = max((hit.score for hit in hits), default=0.0)
    return _Found((*by_hand, *rows), 1.0 if by_hand else best)


def _present(code_set: CodeSet, entry: CodeEntry | None, system: str) -> set[str]:
    """What is in the set already, and the code that is to be replaced."""
    coded = CodeEntry.objects.filter(
        reading__code_set=code_set, system=system, state__in=CODED_STATES
    ).exclude(pk=entry.pk if entry else 0)
    return {*coded.values_list("code", flat=True), *([entry.code] if entry else [])}


def _by_hand(
    release: Release | None, system: str, query: str, found: set[str], present: set[str]
) -> tuple[Pickable, ...]:
    """The procedure that was typed, where no release can say whether it exists: it is taken by its shape."""
    code = query.strip().upper()
    if system == CodeSystem.ICD10CM or code in found or shape_error(system, code):
        return ()
    if release is not None and release.origin != Origin.SAMPLE:
        return ()
    label = CodeSystem(system).label
    why = f"no {label} release is loaded for the day" if release is None else "not in the sample"
    return (
        Pickable(
            system=system,
            code=code,
            title=f"{label}, as typed",
            why=f"{why}: taken unchecked",
            present=code in present,
        ),
    )


def _headed(rows: list[Pickable]) -> Iterator[Pickable]:
    """Each system's first row under the system's name."""
    last = ""
    for row in rows:
        yield row if row.system == last else replace(row, heading=CodeSystem(row.system).label)
        last = row.system


def _release(code_set: CodeSet, entry: CodeEntry | None, system: str) -> Release | None:
    """Diagnoses of the code set's release; procedures of the release of their line's day."""
    if system == CodeSystem.ICD10CM:
        return code_set.release
    service_date = entry.service_date if entry is not None else None
    on = procedure_date(code_set.encounter, code_set.claim_type, system, service_date)
    return procedure_release(system, on)
