"""Hold one code for a query: it waits, and the sign-off with it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from coding_review.actions.reject import leave_code_set
from coding_review.choices import DecisionAction, EntryState
from coding_review.deciding import begin_on, snapshot
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
    on_card: bool = False,
) -> CodeEntry:
    """Raises StalePage."""
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch, on_card=on_card)
    if act.repeated:
        return entry
    before = snapshot(entry)
    entry.state, entry.reason = EntryState.HELD, ""
    leave_code_set(entry)
    act.write(entry, DecisionAction.HOLD, before, comment=comment)
    act.finish()
    return entry
