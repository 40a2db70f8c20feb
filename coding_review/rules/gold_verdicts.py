"""What a verdict on a label means: to the gold set, to its evidence, and in the words of the paper."""

from __future__ import annotations

from dataclasses import dataclass

from coding_review.choices import GoldLabelStatus, GoldVerdict

EDITION = "2026-1"
# The paper's two. A label that cannot be decided is neither, and is counted apart.
APPROVED, REJECTED = "approved", "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`paper` is empty for what the paper does not have."""

    id: str
    key: str
    label: str
    paper: str
    status: GoldLabelStatus
    evidence_stands: bool = True
    reason_required: bool = False


VERDICTS: tuple[Verdict, ...] = (
    Verdict(GoldVerdict.APPROVE, "1", "Approve", APPROVED, GoldLabelStatus.ACCEPTED),
    Verdict(
        GoldVerdict.EVIDENCE_WRONG,
        "2",
        "Approve, evidence wrong",
        APPROVED,
        GoldLabelStatus.ACCEPTED,
        evidence_stands=False,
    ),
    Verdict(
        GoldVerdict.MORE_SPECIFIC, "3", "Approve, more specific exists", APPROVED, GoldLabelStatus.ACCEPTED
    ),
    Verdict(GoldVerdict.REJECT, "4", "Reject", REJECTED, GoldLabelStatus.REJECTED, reason_required=True),
    Verdict(GoldVerdict.UNDECIDABLE, "5", "Cannot be decided (would query)", "", GoldLabelStatus.UNDECIDED),
)
BY_ID: dict[str, Verdict] = {str(v.id): v for v in VERDICTS}
BY_KEY: dict[str, Verdict] = {v.key: v for v in VERDICTS}


def paper_word(verdict: str) -> str:
    """ "approved", "rejected", or empty for what is neither."""
    return BY_ID[verdict].paper
