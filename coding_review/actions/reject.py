"""Reject a code, with a coded reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from coding_review.choices import DecisionAction, EntryState
from coding_review.deciding import begin_on, require_reason, snapshot
from coding_review.models import CodeEntry
from coding_review.rules.line_roles import plain_role


@transaction.atomic
def reject(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    reason: str,
    comment: str = "",
    seen_version: int | None = None,
    batch: UUID | None = None,
    on_card: bool = False,
) -> CodeEntry:
    """Raises StalePage, InvalidDecision (no such reason, or "other" without a comment)."""
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch, on_card=on_card)
    if act.repeated:
        return entry
    require_reason(reason, comment)
    before = snapshot(entry)
    if entry.suggested_code and entry.code != entry.suggested_code:
        entry.code, entry.title = entry.suggested_code, entry.suggestion.title if entry.suggestion else ""
    entry.state, entry.reason = EntryState.REJECTED, reason
    leave_code_set(entry)
    act.write(entry, DecisionAction.REJECT, before, comment=comment)
    act.finish()
    return entry


def leave_code_set(entry: CodeEntry) -> None:
    """What a line loses when its code is no longer in the set."""
    entry.sequence = 0
    entry.role = plain_role(entry.system)
