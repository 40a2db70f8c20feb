"""The status machine of an encounter: (status, action) -> status. What is not in the table is refused."""

from __future__ import annotations

from coding_review.choices import EncounterStatus as S

TRANSITIONS: dict[tuple[str, str], str] = {
    (S.RECEIVED, "queue"): S.QUEUED,
    (S.READY, "queue"): S.QUEUED,
    (S.FAILED, "queue"): S.QUEUED,
    # A worker that died leaves "predicting" behind; the sweeper queues it again.
    (S.PREDICTING, "queue"): S.QUEUED,
    (S.QUEUED, "start"): S.PREDICTING,
    (S.PREDICTING, "start"): S.PREDICTING,
    (S.PREDICTING, "finish"): S.READY,
    (S.QUEUED, "fail"): S.FAILED,
    (S.PREDICTING, "fail"): S.FAILED,
    (S.READY, "claim"): S.IN_REVIEW,
    (S.RETURNED, "claim"): S.IN_REVIEW,
    (S.IN_REVIEW, "skip"): S.READY,
    (S.IN_REVIEW, "hold"): S.ON_HOLD,
    (S.ON_HOLD, "resume"): S.IN_REVIEW,
    (S.IN_REVIEW, "sign_off"): S.SIGNED_OFF,
    (S.SIGNED_OFF, "reopen"): S.IN_REVIEW,
    (S.SIGNED_OFF, "return"): S.RETURNED,
    (S.IN_REVIEW, "return"): S.RETURNED,
}


def next_status(status: str, action: str) -> str | None:
    """The status after `action`, or None where the table has no such row."""
    return TRANSITIONS.get((status, action))


def actions_from(status: str) -> set[str]:
    return {action for (before, action) in TRANSITIONS if before == status}
