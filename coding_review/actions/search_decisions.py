"""Look for decisions: searching the log is itself told to the log."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.decision_search import DecisionFilters, count_up_to, find_decisions
from coding_review.rules.permissions import SEARCH_AUDIT

# Beyond this the number is told as "more than".
COUNTED = 10_000


@transaction.atomic
def search_decisions(actor: Any, filters: DecisionFilters, *, again: bool = False) -> int:
    """How many match (COUNTED + 1: more than COUNTED). `again`: another page of a search already told.

    Raises NotAllowed.
    """
    require(actor, SEARCH_AUDIT)
    rows = count_up_to(find_decisions(filters, for_user=actor), COUNTED)
    if not again:
        audit.record("audit.searched", actor=actor, data={"filters": filters.told(), "rows": rows})
    return rows
