"""Which ICD-10-CM release a code set is coded with, and why where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings

from catalog.choices import ClaimType, CodeSystem
from catalog.errors import NoRelease
from catalog.models import Release
from catalog.queries import latest_release, release_for
from coding_review.models import CodeSet, Encounter


@dataclass(frozen=True, slots=True)
class ChosenRelease:
    """`release` is None where none covers the date; `problem` then says so in a sentence for people."""

    release: Release | None
    stands_in: bool = False
    problem: str = ""


def choose_release(encounter: Encounter, claim_type: str) -> ChosenRelease:
    """The release valid on the claim type's date; never another one, unless the site's setting allows it."""
    on = encounter.date_for(claim_type)
    try:
        return ChosenRelease(release_for(CodeSystem.ICD10CM, on))
    except NoRelease:
        problem = _problem(claim_type, on)
    if settings.ALLOW_LATEST_RELEASE:
        try:
            return ChosenRelease(latest_release(CodeSystem.ICD10CM), stands_in=True)
        except NoRelease:
            problem = "No ICD-10-CM release is loaded."
    return ChosenRelease(None, problem=problem)


def assign_release(encounter: Encounter, code_set: CodeSet) -> ChosenRelease:
    """Choose, and write the choice onto the open code set where it differs from what stands there."""
    chosen = choose_release(encounter, code_set.claim_type)
    if code_set.release != chosen.release or code_set.release_stands_in != chosen.stands_in:
        code_set.release, code_set.release_stands_in = chosen.release, chosen.stands_in
        code_set.save(update_fields=["release", "release_stands_in"])
    return chosen


def _problem(claim_type: str, on: date | None) -> str:
    if on is None:
        kind = "discharge date" if claim_type == ClaimType.FACILITY_INPATIENT else "date of service"
        return f"The encounter has no {kind}, so no ICD-10-CM release can be chosen."
    return f"No loaded ICD-10-CM release covers {on.day} {on:%b %Y}; load one that does, then retry."
