"""Hashes of judgements and rulings, kept in their audit events: the rows can be compared with what was written."""

from __future__ import annotations

from coding_review.decision_hash import columns_hash
from coding_review.models import GoldJudgement, GoldRuling

# A column added later is not hashed for the rows written before: a new list needs a new name in the event.
JUDGEMENT = (
    "id",
    "reading_id",
    "number",
    "label_id",
    "addition_id",
    "verdict",
    "reason",
    "reasons_edition",
    "at",
)
RULING = ("id", "adjudication_id", "number", "system", "code", "ruling", "evidence", "at")
# Came later: hashed where one of them is said, so that what was written before keeps its hash and nothing can be put
# into these columns, or taken out, unseen.
PLACED = ("role", "poa", "sequence")


def judgement_hash(judgement: GoldJudgement) -> str:
    return columns_hash(judgement, JUDGEMENT)


def ruling_hash(ruling: GoldRuling) -> str:
    said = ruling.role or ruling.poa or ruling.sequence is not None
    return columns_hash(ruling, RULING + PLACED if said else RULING)
