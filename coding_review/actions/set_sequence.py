"""Move a code line up or down in the order of billing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from coding_review.choices import CODED_STATES, DecisionAction
from coding_review.deciding import begin_on, snapshot
from coding_review.errors import InvalidDecision
from coding_review.models import CodeEntry
from coding_review.rules.line_order import line_order


@transaction.atomic
def move_line(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    by: int,
    seen_version: int | None = None,
    batch: UUID | None = None,
) -> list[CodeEntry]:
    """`by` places, negative is up; stays within the lines of the same group. The entries whose place changed."""
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch)
    if act.repeated:
        return []
    if entry.state not in CODED_STATES:
        raise InvalidDecision("Only codes in the code set have a place in the order.", entry_id=entry_id)
    lines = sorted((e for e in act.locked.entries() if e.state in CODED_STATES), key=line_order)
    at = next(i for i, e in enumerate(lines) if e.pk == entry.pk)
    to = max(0, min(len(lines) - 1, at + by))
    lines.insert(to, lines.pop(at))
    changed = []
    for number, line in enumerate(lines, start=1):
        if line.sequence != number:
            before = snapshot(line)
            line.sequence = number
            act.write(line, DecisionAction.SET_SEQUENCE, before)
            changed.append(line)
    act.finish()
    return changed
