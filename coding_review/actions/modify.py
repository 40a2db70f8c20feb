"""Replace a code by another one, on the same evidence."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from coding_review.actions.accept import enter_code_set
from coding_review.choices import DecisionAction, EntryOrigin, EntryState
from coding_review.deciding import begin_on, require_reason, snapshot
from coding_review.errors import InvalidDecision
from coding_review.models import CodeEntry


@transaction.atomic
def modify(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    code: str,
    reason: str = "",
    comment: str = "",
    seen_version: int | None = None,
    batch: UUID | None = None,
    on_card: bool = False,
) -> CodeEntry:
    """Raises StalePage, InvalidCode, InvalidDecision (same code; already in the set; reason incomplete)."""
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch, on_card=on_card)
    if act.repeated:
        return entry
    if reason:
        require_reason(reason, comment)
    code, title = act.coded(entry, code)
    if code == entry.suggested_code:
        raise InvalidDecision("This is the suggested code: accept it instead.", code=code)
    if code == entry.code and entry.state in (EntryState.MODIFIED, EntryState.ADDED):
        raise InvalidDecision(f"{code} is already chosen.", code=code)
    act.refuse_duplicate(entry, entry.system, code)
    before = snapshot(entry)
    entry.code, entry.title, entry.reason = code, title, reason
    entry.state = EntryState.ADDED if entry.origin == EntryOrigin.ADDED else EntryState.MODIFIED
    enter_code_set(entry, act.code_set.claim_type, act.next_sequence())
    act.write(entry, DecisionAction.MODIFY, before, comment=comment)
    act.finish()
    return entry
