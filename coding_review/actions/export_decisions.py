"""Export decisions to a file: written first, then told to the audit log with the file's hash."""

from __future__ import annotations

from typing import Any, BinaryIO

from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.decision_search import DecisionFilters, count_up_to, find_decisions
from coding_review.errors import NotAllowed, TooManyRows
from coding_review.exports import decisions
from coding_review.exports.files import Written, write_rows
from coding_review.rules.permissions import EXPORT_DECISIONS, EXPORT_PHI


@transaction.atomic
def export_decisions(
    actor: Any,
    filters: DecisionFilters,
    *,
    format: str,
    out: BinaryIO,
    with_text: bool = False,
    at_most: int | None = None,
) -> Written:
    """Write what `filters` find among the encounters that `actor` may see, newest first.

    `actor` None is the operator at the server's command line: all encounters, never with text.
    Raises NotAllowed; TooManyRows where more than `at_most` match.
    """
    if actor is not None:
        require(actor, EXPORT_DECISIONS)
    if with_text:
        if actor is None:
            raise NotAllowed("Text is exported for a named user only.", permission=EXPORT_PHI)
        require(actor, EXPORT_PHI)
    found = find_decisions(filters, for_user=actor)
    if at_most is not None and count_up_to(found, at_most) > at_most:
        raise TooManyRows(
            f"More than {at_most:,} decisions match. Narrow the search, or have them exported by "
            "manage.py export_decisions, which has no limit.",
            at_most=at_most,
        )
    written = write_rows(
        out, format, decisions.columns(with_text=with_text), decisions.rows(found, with_text=with_text)
    )
    audit.record(
        "audit.exported",
        actor=actor,
        data={
            "filters": filters.told(),
            "format": format,
            "rows": written.rows,
            "sha256": written.sha256,
            "with_text": with_text,
        },
    )
    return written
