"""Export signed code sets to a file, as they were signed; told to the log of each encounter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO

from django.db import transaction

from coding_review import audit
from coding_review.actions.sign_off import hash_of
from coding_review.auth import require
from coding_review.choices import CodeSetStatus
from coding_review.errors import Altered, NotAllowed, WrongStatus
from coding_review.exports import code_sets
from coding_review.exports.files import Written, write_rows
from coding_review.models import CodeSet, Encounter
from coding_review.rules.permissions import EXPORT_CODE_SETS


@transaction.atomic
def export_code_sets(actor: Any, code_set_ids: Sequence[int], *, format: str, out: BinaryIO) -> Written:
    """One row a code line, in the order of the ids. Superseded versions stay exportable: they were signed too.

    Raises NotAllowed, WrongStatus (not signed yet), Altered (the lines are not those that were signed).
    """
    require(actor, EXPORT_CODE_SETS)
    found = (
        CodeSet.objects.filter(pk__in=code_set_ids, encounter__in=Encounter.objects.visible_to(actor))
        .select_related("encounter", "release", "signed_by__reviewer")
        .prefetch_related("lines")
        .in_bulk()
    )
    if set(code_set_ids) - set(found):
        raise NotAllowed("This encounter is not among those you may open.")
    wanted = [found[pk] for pk in code_set_ids]
    for code_set in wanted:
        if code_set.status == CodeSetStatus.OPEN or code_set.signed_at is None:
            raise WrongStatus(
                "This code set is not signed off yet; only signed code sets are exported.",
                code_set_id=code_set.pk,
            )
        if hash_of(code_set, list(code_set.lines.all())) != code_set.sha256:
            raise Altered(
                "The lines of this code set are not those that were signed. Run manage.py verify_audit_log.",
                code_set_id=code_set.pk,
            )
    written = write_rows(out, format, code_sets.columns(), code_sets.rows(wanted))
    for code_set in wanted:
        audit.record(
            "codeset.exported",
            actor=actor,
            encounter=code_set.encounter,
            data={
                "code_set_ids": list(code_set_ids),
                "format": format,
                "sha256": written.sha256,
                "rows": written.rows,
            },
        )
    return written
