"""The hash of an override, kept in its audit events: the row can be compared with what was written."""

from __future__ import annotations

from coding_review.decision_hash import columns_hash
from coding_review.models import FindingOverride

# A column added later is not hashed for the rows written before: a new list needs a new name in the event.
HASHED = (
    "id", "code_set_id", "check_id", "codes", "entries", "severity", "outcome", "outcomes_edition",
    "checks_edition", "user_id", "at", "carried_from_id",
)  # fmt: skip
# What its withdrawal adds.
WITHDRAWN = (*HASHED, "withdrawn_at", "withdrawn_by_id")


def override_hash(override: FindingOverride) -> str:
    """SHA-256 over every column that stays from the first writing on."""
    return columns_hash(override, HASHED)


def withdrawn_hash(override: FindingOverride) -> str:
    """SHA-256 over every column, of an override that was withdrawn."""
    return columns_hash(override, WITHDRAWN)
