"""Remember which findings were shown to who codes: what the share of overrides is counted against. Not audited."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review.choices import CodeSetStatus, EncounterStatus
from coding_review.code_edits import Findings, Key
from coding_review.kept import Kept
from coding_review.models import CodeSet, FindingShown

# What this process wrote already: an answer mostly shows what the one before it did.
_WRITTEN: Kept[tuple[int, Key], bool] = Kept(20_000)


def record_findings(actor: Any, code_set: CodeSet, found: Findings) -> int:
    """How many were new. Nothing for who only looks on, and nothing on a signed code set."""
    encounter = code_set.encounter
    if (
        code_set.status != CodeSetStatus.OPEN
        or encounter.status != EncounterStatus.IN_REVIEW
        or encounter.owner_id != actor.pk
    ):
        return 0
    new = [one for one in found.failed if _WRITTEN.get((code_set.pk, one.key)) is None]
    if not new:
        return 0
    FindingShown.objects.bulk_create(
        [
            FindingShown(
                code_set=code_set, check_id=one.check, codes=list(one.key[1]), severity=one.finding.severity
            )
            for one in new
        ],
        ignore_conflicts=True,
    )

    def remember() -> None:
        for one in new:
            _WRITTEN.keep((code_set.pk, one.key), True)

    # A transaction that is taken back leaves no row, so nothing may be remembered of it.
    transaction.on_commit(remember)
    return len(new)
