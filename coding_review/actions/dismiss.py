"""Dismiss LOW suggestions: no reason, and never a negative example for training."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from coding_review.actions.reject import leave_code_set
from coding_review.choices import DecisionAction, EntryState
from coding_review.deciding import begin, begin_on, snapshot
from coding_review.errors import InvalidDecision
from coding_review.models import CodeEntry
from modelops.choices import Band


@transaction.atomic
def dismiss(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    seen_version: int | None = None,
    batch: UUID | None = None,
    on_card: bool = False,
) -> CodeEntry:
    """Raises StalePage, InvalidDecision (not LOW)."""
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch, on_card=on_card)
    if act.repeated:
        return entry
    if entry.band != Band.LOW:
        raise InvalidDecision("Only LOW suggestions can be dismissed. Reject this one with a reason.")
    before = snapshot(entry)
    entry.state, entry.reason = EntryState.DISMISSED, ""
    leave_code_set(entry)
    act.write(entry, DecisionAction.DISMISS, before)
    act.finish()
    return entry


@transaction.atomic
def dismiss_remaining_low(actor: Any, code_set_id: int, *, batch: UUID | None = None) -> list[CodeEntry]:
    """One act over every undecided LOW suggestion; undone as one."""
    act = begin(actor, code_set_id, batch)
    if act.already_done():
        return []
    entries = [e for e in act.locked.entries() if e.state == EntryState.UNDECIDED and e.band == Band.LOW]
    for entry in entries:
        before = snapshot(entry)
        entry.state = EntryState.DISMISSED
        act.write(entry, DecisionAction.DISMISS, before)
    act.finish()
    return entries
