"""The hash of a decision, kept in its audit event: the row can be compared with what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

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
    return columns_hash(decision, HASHED)


def columns_hash(row: Model, columns: Iterable[str]) -> str:
    """SHA-256 over the values of these columns, in this order; times in UTC."""
    values = [_plain(getattr(row, name)) for name in columns]
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return str(value) if isinstance(value, UUID) else value
