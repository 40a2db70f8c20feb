"""Opening a record to read it is itself an event."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.models import AuditEvent, CodeSet
from coding_review.rules.permissions import READ_DOCUMENTS


@transaction.atomic
def open_encounter(actor: Any, code_set: CodeSet, *, read_only: bool) -> AuditEvent:
    require(actor, READ_DOCUMENTS)
    return audit.record(
        "encounter.opened",
        actor=actor,
        encounter=code_set.encounter,
        data={"code_set_id": code_set.pk, "read_only": read_only},
    )
