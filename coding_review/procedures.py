"""Procedure codes against the release of their day: which release, and whether it has the code.

CPT and HCPCS go by the line's service date, else by the encounter's date; ICD-10-PCS by the discharge date.
Another release never stands in. Where none is loaded a code's shape is all that is known of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, CodeSystem, Origin
from catalog.errors import NoRelease, UnknownCode
from catalog.models import Code, Release
from catalog.queries import get_node, release_for
from coding_review.errors import InvalidCode
from coding_review.models import Encounter
from coding_review.rules.procedure_codes import shape_error


@dataclass(frozen=True, slots=True)
class ProcedureLine:
    """A procedure on a claim; `key` is whatever the caller tells lines apart by."""

    key: Any
    system: str
    code: str
    on: date | None


def procedure_date(
    encounter: Encounter, claim_type: str, system: str, service_date: date | None
) -> date | None:
    """The day that chooses the release of a procedure line."""
    if system == CodeSystem.ICD10PCS:
        return encounter.date_for(claim_type)
    return service_date or encounter.date_for(claim_type)


def procedure_release(system: str, on: date | None) -> Release | None:
    try:
        return release_for(system, on)
    except NoRelease:
        return None


def releases_to_predict(encounter: Encounter, claim_type: str) -> list[Release]:
    """One release for each procedure system from which an engine may suggest on this claim type.

    Never ICD-10-PCS: it is looked up and entered by hand.
    """
    on = encounter.date_for(claim_type)
    systems = [
        s for s in SYSTEMS_BY_CLAIM_TYPE[claim_type] if s not in (CodeSystem.ICD10CM, CodeSystem.ICD10PCS)
    ]
    return [release for system in systems if (release := procedure_release(system, on)) is not None]


def checked_procedure(system: str, code: str, on: date | None) -> tuple[str, str]:
    """The code as its release writes it, and its title; without a release the code as typed and no title.

    A sample holds too few codes to say that one does not exist, so it only gives titles. Raises InvalidCode.
    """
    code = code.strip().upper()
    if problem := shape_error(system, code):
        raise InvalidCode(problem, code=code)
    release = procedure_release(system, on)
    if release is None or on is None:
        return code, ""
    try:
        node = get_node(release, code)
    except UnknownCode as error:
        if release.origin == Origin.SAMPLE:
            return code, ""
        raise InvalidCode(f"{code} is not in {release}.", code=code) from error
    if not node.billable:
        raise InvalidCode(f"{node.code} is not a complete code in {release}.", code=code)
    if not node.in_force(on):
        raise InvalidCode(f"{node.code} is not valid on {on.isoformat()} ({release}).", code=code)
    return node.code, node.title


def invalid_procedures(lines: Iterable[ProcedureLine]) -> list[str]:
    """The codes that the release of their day does not have as complete codes in force. A sample says nothing."""
    return [
        line.code for line, release, known in _against_releases(lines) if not known and not _sample(release)
    ]


def releases_of(lines: Iterable[ProcedureLine]) -> dict[Any, Release]:
    """By the lines' keys, the release that has the code on its day; lines of which none is known are absent."""
    return {line.key: release for line, release, known in _against_releases(lines) if known}


def _sample(release: Release) -> bool:
    return release.origin == Origin.SAMPLE


def _against_releases(lines: Iterable[ProcedureLine]) -> Iterable[tuple[ProcedureLine, Release, bool]]:
    grouped: dict[tuple[str, date | None], list[ProcedureLine]] = defaultdict(list)
    for line in lines:
        grouped[line.system, line.on].append(line)
    for (system, on), together in grouped.items():
        release = procedure_release(system, on)
        if release is None or on is None:
            continue
        nodes = (
            Code.objects.of(release).billable().in_force(on).filter(code__in={one.code for one in together})
        )
        known = set(nodes.values_list("code", flat=True))
        for line in together:
            yield line, release, line.code in known
