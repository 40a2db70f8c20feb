"""Add evidence to a code, or take one away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from catalog.choices import CodeSystem
from coding_review.actions.add_code import Selection, add_evidence
from coding_review.choices import DecisionAction
from coding_review.deciding import begin_on, evidence_snapshot, snapshot
from coding_review.errors import InvalidDecision
from coding_review.models import CodeEntry


@transaction.atomic
def set_evidence(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    add: tuple[Selection, ...] = (),
    remove: tuple[int, ...] = (),
    seen_version: int | None = None,
    batch: UUID | None = None,
) -> CodeEntry:
    """`remove` names evidence ids. Raises InvalidEvidence, InvalidDecision (a diagnosis would have none left)."""
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch)
    if act.repeated:
        return entry
    before, places = snapshot(entry), evidence_snapshot(entry)
    entry.evidence.filter(pk__in=remove).delete()
    add_evidence(act, entry, add)
    if entry.system == CodeSystem.ICD10CM and not entry.evidence.exists():
        raise InvalidDecision("A diagnosis keeps at least one piece of evidence.", entry_id=entry_id)
    if evidence_snapshot(entry) != places:
        act.write(entry, DecisionAction.SET_EVIDENCE, before, places_before=places)
        act.finish()
    return entry
