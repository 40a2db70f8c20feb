"""What undo and redo would act on: a fold over the acts of a reading, newest last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Act:
    """One batch of decisions made together. `undoes`/`redoes` name the batch acted on."""

    batch: UUID
    undoes: UUID | None = None
    redoes: UUID | None = None
    # Acts of the system (a carry-over after a new document) end the history that can be undone.
    barrier: bool = False


def stacks(acts: Iterable[Act]) -> tuple[list[UUID], list[UUID]]:
    """(batches that can be undone, batches that can be redone), each with the next one last.

    A new act clears what could be redone, as in an editor.
    """
    done: list[UUID] = []
    undone: list[UUID] = []
    for act in acts:
        if act.barrier:
            done.clear()
            undone.clear()
        elif act.undoes is not None:
            done.remove(act.undoes)
            undone.append(act.undoes)
        elif act.redoes is not None:
            undone.remove(act.redoes)
            done.append(act.redoes)
        else:
            done.append(act.batch)
            undone.clear()
    return done, undone
