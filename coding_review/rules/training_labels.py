"""What a signed entry says to a model: a table over its state and, of what was rejected, the reason."""

from __future__ import annotations

from coding_review.choices import EntryState

LABEL, NEGATIVE, UNLABELLED, NOTHING = "label", "negative", "unlabelled", "nothing"

BY_STATE: dict[str, str] = {
    EntryState.ACCEPTED: LABEL,
    EntryState.MODIFIED: LABEL,
    EntryState.ADDED: LABEL,
    EntryState.REJECTED: NEGATIVE,
    EntryState.DISMISSED: UNLABELLED,
    EntryState.HELD: UNLABELLED,
    # LOW suggestions may stay undecided: nobody said anything.
    EntryState.UNDECIDED: UNLABELLED,
    EntryState.WITHDRAWN: NOTHING,
}
# A rejection for one of these does not say that the code is wrong for the chart.
BY_REASON: dict[str, str] = {"wrong_evidence": UNLABELLED, "duplicate": NOTHING}


def meaning(state: str, reason: str) -> str:
    told = BY_STATE[state]
    return BY_REASON.get(reason, told) if told == NEGATIVE else told
