"""Hold one code for a query: it waits, and the sign-off with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from coding_review.actions.reject import leave_code_set
from coding_review.choices import DecisionAction, EntryState
from coding_review.deciding import begin, snapshot
from coding_review.models import CodeEntry


@transaction.atomic
def hold_entry(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    comment: str = "",
    seen_version: int | None = None,
    batch: UUID | None = None,
) -> CodeEntry:
    """Raises StalePage."""
    act = begin(actor, code_set_id, batch)
    if act.already_done():
        return CodeEntry.objects.get(pk=entry_id)
    entry = act.entry(entry_id, seen_version)
    before = snapshot(entry)
    entry.state, entry.reason = EntryState.HELD, ""
    leave_code_set(entry)
    act.write(entry, DecisionAction.HOLD, before, comment=comment)
    act.finish()
    return entry
