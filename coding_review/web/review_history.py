"""The history tab of the review page; the whole history with its verification is web/history.py."""

from __future__ import annotations

from typing import Any

from coding_review.models import Encounter
from coding_review.web.history import event_rows
from coding_review.web.review_page import HistoryEvent

LIMIT = 500


def history_events(encounter: Encounter, user: Any) -> tuple[HistoryEvent, ...]:
    """Newest first; comments only for those who may read documents."""
    return tuple(
        HistoryEvent(
            when=row.at,
            who=row.who,
            what=row.what,
            detail=" · ".join(p for p in (row.detail, f"“{row.comment}”" if row.comment else "") if p),
        )
        for row in event_rows(encounter, user, limit=LIMIT)
    )
