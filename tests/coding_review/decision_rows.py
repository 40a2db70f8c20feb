"""Decisions as rows, without the actions that make them: for searches and exports."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from coding_review.models import CodeEntry, Decision, DecisionPayload, Encounter, Reading

PLACE = {"document_id": 4, "version": 2, "line_start": 12, "line_end": 14, "col_start": 0, "col_end": 31}


def entry_state(code: str, state: str, **values: Any) -> dict[str, Any]:
    base = {
        "state": state, "system": "icd10cm", "code": code, "role": "secondary", "poa": "", "sequence": 1,
        "modifiers": [], "units": 1, "service_date": None, "rendering_provider": "", "diagnosis_pointers": [],
    }  # fmt: skip
    return base | values


def make_decision(
    encounter: Encounter,
    actor: User | None,
    at: datetime,
    *,
    action: str = "accept",
    before: str = "I50.22",
    after: str = "I50.22",
    comment: str = "",
    quotes: tuple[str, ...] = (),
    **values: Any,
) -> Decision:
    reading, _ = Reading.objects.get_or_create(code_set=encounter.code_sets.get())
    entry = CodeEntry.objects.create(
        reading=reading, origin="suggested", code=after, suggested_code=f"T{reading.decisions.count():05}"
    )
    decision = Decision.objects.create(
        entry=entry,
        reading=reading,
        number=reading.decisions.count() + 1,
        action=action,
        actor=actor,
        at=at,
        system="icd10cm",
        code_before=before,
        code_after=after,
        before=values.pop("state_before", entry_state(before, "undecided")),
        after=values.pop("state_after", entry_state(after, "accepted", poa="Y")),
        **{"assistance": "full", "evidence_place": PLACE} | values,
    )
    if comment or quotes:
        DecisionPayload.objects.create(decision=decision, comment=comment, quotes=list(quotes))
    return decision
