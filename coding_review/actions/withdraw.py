"""Take one decision back from its card: the code is undecided again, or gone when the coder had added it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from coding_review.actions.reject import leave_code_set
from coding_review.choices import DecisionAction, EntryOrigin, EntryState
from coding_review.deciding import begin_on, snapshot
from coding_review.errors import InvalidDecision
from coding_review.models import CodeEntry


@transaction.atomic
def withdraw(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    seen_version: int | None = None,
    batch: UUID | None = None,
    on_card: bool = False,
) -> CodeEntry:
    """Raises StalePage, InvalidDecision (nothing decided yet). Itself undone by undo."""
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch, on_card=on_card)
    if act.repeated:
        return entry
    if entry.state in (EntryState.UNDECIDED, EntryState.WITHDRAWN):
        raise InvalidDecision("Nothing is decided on this code.", entry_id=entry_id)
    before = snapshot(entry)
    if entry.origin == EntryOrigin.ADDED:
        entry.state = EntryState.WITHDRAWN
    else:
        entry.state, entry.code = EntryState.UNDECIDED, entry.suggested_code
        entry.title = entry.suggestion.title if entry.suggestion else entry.title
    entry.reason = ""
    leave_code_set(entry)
    act.write(entry, DecisionAction.WITHDRAW, before)
    act.finish()
    return entry
