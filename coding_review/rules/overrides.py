"""Why a finding of a code edit is let stand: stable ids, chosen by digit. Never offered: what no reason can heal."""

from __future__ import annotations

from dataclasses import dataclass

EDITION = "2026-1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`checks`: where the outcome is offered at all; empty for every check."""

    id: str
    label: str
    comment_required: bool = False
    checks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """An outcome as one finding offers it: `key` is its digit there."""

    key: str
    id: str
    label: str
    comment_required: bool


EXCLUDES1 = frozenset({"excludes1"})

OUTCOMES: tuple[Outcome, ...] = (
    # Guideline I.A.12.a: the exception to an Excludes1 note, so what makes them unrelated has to be told.
    Outcome("unrelated", "The two conditions are unrelated to each other", True, EXCLUDES1),
    Outcome("documented", "The documentation supports the codes as they stand"),
    Outcome("not_applicable", "The rule does not apply to this encounter", True),
    Outcome("payer_policy", "A payer's or the facility's written policy differs", True),
    Outcome("answered_query", "Answered by the provider on query"),
    Outcome("table_error", "The table or note is wrong or outdated", True),
    Outcome("other", "Other", True),
)

LABELS: dict[str, str] = {outcome.id: outcome.label for outcome in OUTCOMES}
COMMENT_REQUIRED: frozenset[str] = frozenset(o.id for o in OUTCOMES if o.comment_required)


def choices_for(check: str) -> tuple[Choice, ...]:
    """What can be said to a finding of this check, in the order of its digits."""
    offered = [o for o in OUTCOMES if not o.checks or check in o.checks]
    return tuple(Choice(str(n), o.id, o.label, o.comment_required) for n, o in enumerate(offered, start=1))


def label(outcome: str) -> str:
    """An outcome that the table no longer has is told by its id."""
    return LABELS.get(outcome, outcome)
