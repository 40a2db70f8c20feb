"""Why a finding of a code edit is let stand: stable ids, chosen by digit.

Which of them a finding offers is said by its check (catalog/edits); a finding that offers none of them can only be
settled by changing the codes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from coding_review.rules.reasons import Reason

EDITION = "2026-1"


@dataclass(frozen=True, slots=True)
class Choice:
    """An outcome as one finding offers it: `key` is its digit there."""

    key: str
    id: str
    label: str
    comment_required: bool


OUTCOMES: tuple[Reason, ...] = (
    # Guideline I.A.12.a: the exception to an Excludes1 note, so what makes them unrelated has to be told.
    Reason("unrelated", "The two conditions are unrelated to each other", True),
    Reason("documented", "The documentation supports the codes as they stand"),
    Reason("not_applicable", "The rule does not apply to this encounter", True),
    Reason("answered_query", "Answered by the provider on query"),
    Reason("payer_policy", "A payer's or the facility's written policy differs", True),
    Reason("table_error", "The table or note is wrong or outdated", True),
    Reason("other", "Other", True),
)
# What a check may name besides: not reasons but acts on the lines concerned, done as decisions.
REMOVE_ONE, QUERY = "remove_one", "query"

LABELS: dict[str, str] = {outcome.id: outcome.label for outcome in OUTCOMES}


def choices_for(offered: Collection[str]) -> tuple[Choice, ...]:
    """The reasons among `offered`, in the order of the table, each with its digit."""
    known = [o for o in OUTCOMES if o.id in offered]
    return tuple(Choice(str(n), o.id, o.label, o.comment_required) for n, o in enumerate(known, start=1))


def label(outcome: str) -> str:
    """An outcome that the table no longer has is told by its id."""
    return LABELS.get(outcome, outcome)
