"""The steps of a gold project, who fits on a chart, and what an adjudicator has to see. Plain tables and functions."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

from coding_review.choices import GoldLabelStatus, GoldStatus, Profession, Ruling
from coding_review.rules.gold_verdicts import APPROVED, BY_ID

# (status, step) → status. A step that is absent is not possible.
STEPS: dict[tuple[str, str], str] = {
    (GoldStatus.DRAFT, "add_reader"): GoldStatus.DRAFT,
    (GoldStatus.DRAFT, "sample"): GoldStatus.DRAFT,
    (GoldStatus.DRAFT, "label"): GoldStatus.DRAFT,
    (GoldStatus.DRAFT, "seed"): GoldStatus.DRAFT,
    (GoldStatus.DRAFT, "set_codebook"): GoldStatus.DRAFT,
    (GoldStatus.DRAFT, "withdraw"): GoldStatus.DRAFT,
    (GoldStatus.DRAFT, "open"): GoldStatus.OPEN,
    (GoldStatus.OPEN, "add_reader"): GoldStatus.OPEN,
    (GoldStatus.OPEN, "set_codebook"): GoldStatus.OPEN,
    (GoldStatus.OPEN, "withdraw"): GoldStatus.OPEN,
    (GoldStatus.OPEN, "read"): GoldStatus.OPEN,
    (GoldStatus.OPEN, "close"): GoldStatus.ADJUDICATING,
    (GoldStatus.ADJUDICATING, "adjudicate"): GoldStatus.ADJUDICATING,
    (GoldStatus.ADJUDICATING, "withdraw"): GoldStatus.ADJUDICATING,
    (GoldStatus.ADJUDICATING, "reply"): GoldStatus.ADJUDICATING,
    (GoldStatus.ADJUDICATING, "freeze"): GoldStatus.FROZEN,
    (GoldStatus.FROZEN, "withdraw"): GoldStatus.FROZEN,
    (GoldStatus.FROZEN, "reply"): GoldStatus.FROZEN,
}


def next_status(status: str, step: str) -> str | None:
    return STEPS.get((status, step))


def may_take(wanted: int, held: Collection[str], mine: str, *, mixed: bool) -> bool:
    """Whether a reader of profession `mine` fits on a chart that readers of the professions `held` have.

    With mixed readers a chart of two or more readings gets both professions: the last places are kept for
    those that are missing.
    """
    left = wanted - len(held)
    if left <= 0:
        return False
    if not mixed or wanted < len(Profession.values):
        return True
    missing = set(Profession.values) - {*held, mine}
    return left - 1 >= len(missing)


def drawn(seed: int, what: str, share: float) -> bool:
    """By a stable hash: the same for everyone, always, and independent of order."""
    digest = hashlib.sha256(f"{seed}:{what}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


# --- What an adjudicator sees --------------------------------------------------------------------------------

CONFLICT, ONE_SIDED, DRAWN, AGREED = "conflict", "one_sided", "drawn", "agreed"
# In the order of the page. The last needs no ruling.
ITEM_KINDS: tuple[str, ...] = (CONFLICT, ONE_SIDED, DRAWN, AGREED)
NEEDS_RULING: frozenset[str] = frozenset({CONFLICT, ONE_SIDED, DRAWN})
DRAWN_SHARE = 0.10
# Instead of a verdict: what a reading says of a code that was not among its labels.
ADDED, ABSENT = "added", "absent"


def stance(said: str) -> tuple[str, bool]:
    """What counts as the same: approved, rejected or neither, and whether the evidence stands."""
    if said in (ADDED, ABSENT):
        return (APPROVED if said == ADDED else ABSENT), True
    verdict = BY_ID[said]
    return verdict.paper, verdict.evidence_stands


def item_kind(said: Sequence[str], *, is_drawn: bool) -> str:
    """`said`: one verdict, ADDED or ABSENT a reading. With a single reading there is nothing to compare."""
    if ABSENT in said:
        return ONE_SIDED
    if len({stance(each) for each in said}) > 1:
        return CONFLICT
    return DRAWN if is_drawn and len(said) > 1 else AGREED


RULED: dict[str, GoldLabelStatus] = {
    Ruling.KEEP: GoldLabelStatus.ACCEPTED,
    Ruling.OUT: GoldLabelStatus.REJECTED,
    Ruling.UNDECIDABLE: GoldLabelStatus.UNDECIDED,
}
_BY_STANCE: dict[str, GoldLabelStatus] = {v.paper: v.status for v in BY_ID.values()} | {
    ABSENT: GoldLabelStatus.REJECTED
}


def outcome(said: Sequence[str], ruling: str) -> GoldLabelStatus | None:
    """What becomes of a code: by the ruling, else by what all readings say; None where neither settles it."""
    if ruling in RULED:
        return RULED[ruling]
    words = {stance(each)[0] for each in said}
    return _BY_STANCE[words.pop()] if len(words) == 1 else None


class Ruled(Protocol):
    """A ruling as it is stored."""

    @property
    def number(self) -> int: ...
    @property
    def system(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def ruling(self) -> str: ...


R = TypeVar("R", bound=Ruled)


def acts(rulings: Sequence[R]) -> list[R]:
    """Of an adjudication's rulings, by number, the acts that stand: the last is what undo takes back.

    Undo writes "none", and directly behind it the ruling before on that code again where there was one: neither is an
    act of its own.
    """
    stack: list[R] = []
    undone: R | None = None
    for ruling in rulings:
        again = undone is not None and (ruling.number, ruling.system, ruling.code, ruling.ruling) == (
            undone.number + 1,
            undone.system,
            undone.code,
            next((a.ruling for a in reversed(stack) if _same_code(a, undone)), ""),
        )
        undone = None
        if again:
            continue
        if ruling.ruling != Ruling.NONE:
            stack.append(ruling)
            continue
        undone = ruling
        last = next((at for at in reversed(range(len(stack))) if _same_code(stack[at], ruling)), None)
        if last is not None:
            del stack[last]
    return stack


def _same_code(one: Ruled, other: Ruled) -> bool:
    return (one.system, one.code) == (other.system, other.code)


def overruled(said: str, ruling: str) -> bool:
    """Whether a ruling went against what a reading said."""
    return ruling in RULED and RULED[ruling] != _BY_STANCE[stance(said)[0]]
