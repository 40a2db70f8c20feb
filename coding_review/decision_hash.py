"""The hash of a decision, kept in its audit event: the row can be compared with what was written."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from coding_review.audit import canonical
from coding_review.models import Decision

# A column added later is not hashed for the rows written before: a new list needs a new name in the event.
HASHED = (
    "id", "entry_id", "reading_id", "number", "batch", "action", "actor_id", "at", "undoes_id", "redoes_id",
    "system", "code_before", "code_after", "reason", "reasons_edition", "before", "after", "assistance",
    "rank_shown", "band_shown", "confidence_shown", "first_shown_at", "evidence_opened", "engine",
    "model_version", "release_name", "evidence_place",
)  # fmt: skip


def decision_hash(decision: Decision) -> str:
    """SHA-256 over every column."""
    values = [_plain(getattr(decision, name)) for name in HASHED]
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
