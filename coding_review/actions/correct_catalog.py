"""Withdraw a loaded release or table, take that back, or correct its first and last day. Nothing is deleted."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog.choices import CodeSystem, ReleaseStatus
from catalog.corrections import KEEP, FieldChange, Keep, Loaded, locked, set_dates, set_status
from catalog.errors import CorrectionRefused
from catalog.models import Release, TableEdition
from coding_review import audit
from coding_review.auth import require
from coding_review.choices import CodeSetStatus
from coding_review.locks import lock_encounter
from coding_review.models import CodeSet
from coding_review.releases import assign_release, choose_release
from coding_review.rules.permissions import LOAD_CATALOG


@dataclass(frozen=True, slots=True)
class Corrected:
    """`code_sets`: open ones that the ICD-10-CM release chosen by their date changed for."""

    edition: Release | TableEdition
    changes: tuple[FieldChange, ...]
    code_sets: int


@transaction.atomic
def correct_catalog(
    actor: Any,
    what: Loaded,
    number: int,
    *,
    status: ReleaseStatus | None = None,
    valid_from: dt.date | Keep = KEEP,
    valid_to: dt.date | Keep | None = KEEP,
    comment: str,
) -> Corrected:
    """One event for each field that changed. Open code sets whose day now means another ICD-10-CM release get it,
    and their codes are held against that one; signed ones keep what they were signed with.

    `actor` None is the operator at the command line. Raises NotAllowed; NotLoaded, CorrectionRefused
    (catalog/errors.py), with nothing changed.
    """
    if actor is not None:
        require(actor, LOAD_CATALOG)
    if not comment.strip():
        raise CorrectionRefused("A correction needs a comment that says why.")
    edition = locked(what, number)
    changes = [set_status(edition, status)] if status is not None else []
    if not (isinstance(valid_from, Keep) and isinstance(valid_to, Keep)):
        changes += set_dates(edition, valid_from, valid_to)
    if not changes:
        raise CorrectionRefused("Say what to correct.")
    moved = _choose_anew() if _chooses(edition) else 0
    for change in changes:
        audit.record(
            "catalog.corrected",
            actor=actor,
            data={
                "what": what.value,
                "number": edition.pk,
                "system": edition.system if isinstance(edition, Release) else edition.kind,
                "name": "" if isinstance(edition, Release) else edition.name,
                "edition": edition.edition,
                "field": change.field,
                "value_before": change.before,
                "value_after": change.after,
                "source_hash": edition.source_hash,
                "code_sets": moved,
            },
            payload={"comment": comment.strip()},
        )
    return Corrected(edition, tuple(changes), moved)


def _chooses(edition: Release | TableEdition) -> bool:
    return isinstance(edition, Release) and edition.system == CodeSystem.ICD10CM


def _choose_anew() -> int:
    """How many open code sets got another release. Only their encounters are locked, in the order of all locks."""
    chosen: dict[dt.date | None, tuple[int | None, bool]] = {}
    differ: list[int] = []
    open_sets = CodeSet.objects.filter(status=CodeSetStatus.OPEN).select_related("encounter")
    for code_set in open_sets.order_by("encounter_id", "pk").iterator(chunk_size=2_000):
        on = code_set.encounter.date_for(code_set.claim_type)
        if on not in chosen:
            now = choose_release(code_set.encounter, code_set.claim_type)
            chosen[on] = (now.release.pk if now.release else None, now.stands_in)
        if chosen[on] != (code_set.release_id, code_set.release_stands_in):
            differ.append(code_set.encounter_id)
    moved = 0
    for encounter_id in dict.fromkeys(differ):
        encounter = lock_encounter(encounter_id)
        sets = encounter.code_sets.select_for_update(no_key=True).filter(status=CodeSetStatus.OPEN)
        for code_set in sets.order_by("pk"):
            before = (code_set.release_id, code_set.release_stands_in)
            assign_release(encounter, code_set)
            moved += (code_set.release_id, code_set.release_stands_in) != before
    return moved
