"""Undo and redo the latest act of a reading; each is itself written as decisions."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from coding_review.choices import DecisionAction
from coding_review.deciding import (
    Act,
    begin,
    evidence_snapshot,
    restore,
    restore_evidence,
    snapshot,
)
from coding_review.errors import NothingToUndo, StalePage
from coding_review.kept_reads import KeptValues
from coding_review.models import CodeEntry, Decision, Reading
from coding_review.rules import undo as rules


@transaction.atomic
def undo(actor: Any, code_set_id: int, *, batch: UUID | None = None) -> list[CodeEntry]:
    """Raises NothingToUndo (nothing left, or the latest act is someone else's), StalePage."""
    act = begin(actor, code_set_id, batch)
    if act.already_done():
        return []
    target, _ = turnable(act.locked.reading)
    decisions = _own(act, target, "undo")
    for decision in reversed(decisions):
        _turn(act, decision, decision.after, decision.before, DecisionAction.WITHDRAW)
    act.finish()
    return [d.entry for d in act.written]


@transaction.atomic
def redo(actor: Any, code_set_id: int, *, batch: UUID | None = None) -> list[CodeEntry]:
    """Raises NothingToUndo, StalePage."""
    act = begin(actor, code_set_id, batch)
    if act.already_done():
        return []
    _, target = turnable(act.locked.reading)
    for decision in _own(act, target, "redo"):
        _turn(act, decision, decision.before, decision.after, decision.action)
    act.finish()
    return [d.entry for d in act.written]


class Turnable(NamedTuple):
    """An act that can be undone or redone, by the first of its decisions."""

    batch: UUID
    action: str
    code: str


_ACTS = KeptValues(
    lambda reading: (
        Decision.objects.filter(reading=reading)
        .order_by("number")
        .values_list("pk", "batch", "actor", "undoes", "redoes", "action", "code_before", "code_after")
    ),
    int,
)


def turnable(reading: Reading) -> tuple[Turnable | None, Turnable | None]:
    """(what undo would act on, what redo would act on)."""
    first: dict[UUID, Turnable] = {}
    acts = []
    # What an act turns back or does again stands before it in the same reading.
    batch_of: dict[int | None, UUID] = {}
    for pk, batch, actor, undoes, redoes, action, before, after in _ACTS.rows(reading.pk):
        batch_of[pk] = batch
        if batch not in first:
            first[batch] = Turnable(batch, action, after or before)
            acts.append(
                rules.Act(
                    batch, undoes=batch_of.get(undoes), redoes=batch_of.get(redoes), barrier=actor is None
                )
            )
    done, undone = rules.stacks(acts)
    return (first[done[-1]] if done else None), (first[undone[-1]] if undone else None)


def _own(act: Act, target: Turnable | None, word: str) -> list[Decision]:
    if target is None:
        raise NothingToUndo(f"There is nothing to {word}.")
    decisions = list(
        Decision.objects.filter(reading=act.locked.reading, batch=target.batch).order_by("number")
    )
    if any(d.actor_id != act.actor.pk for d in decisions):
        raise NothingToUndo(f"The latest decision is someone else's; it cannot be {word}ne by you.")
    return decisions


def _turn(
    act: Act, decision: Decision, expected: dict[str, Any], target: dict[str, Any], action: str
) -> None:
    """Take the entry from the state the decision left (or found) to the other one."""
    entry = act.entry(decision.entry_id)
    before = snapshot(entry)
    if any(before[name] != expected[name] for name in before):
        raise StalePage("This code was changed since.", entry_id=entry.pk, version=entry.version)
    places = None
    if "evidence" in target:
        places = evidence_snapshot(entry)
        restore_evidence(entry, target["evidence"])
    restore(entry, target)
    (act.undoes if action == DecisionAction.WITHDRAW else act.redoes)[entry.pk] = decision
    act.write(entry, action, before, places_before=places)
