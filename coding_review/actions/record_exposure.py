"""What a reviewer was shown, and when; the reading's assistance rises with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review.auth import require
from coding_review.choices import Assistance, CodeSetStatus, ReadingKind
from coding_review.errors import NotAllowed
from coding_review.exposures import keep_exposures
from coding_review.models import CodeEntry, CodeSet, Encounter, Exposure, Reading
from coding_review.rules.permissions import CODE_ENCOUNTER


@transaction.atomic
def record_exposure(
    actor: Any,
    code_set_id: int,
    *,
    shown: Iterable[int] = (),
    opened: Iterable[int] = (),
    after_first_read: bool = False,
) -> int:
    """Entry ids first shown and whose evidence was opened. Ids of other code sets are left out; how many counted."""
    require(actor, CODE_ENCOUNTER)
    code_set = CodeSet.objects.select_related("encounter").get(pk=code_set_id)
    if not Encounter.objects.visible_to(actor).filter(pk=code_set.encounter_id).exists():
        raise NotAllowed("This encounter is not among those you may open.")
    if code_set.status != CodeSetStatus.OPEN:
        return 0
    level = Assistance.AFTER_FIRST_READ if after_first_read else Assistance.FULL
    opened = set(opened)
    wanted = set(shown) | opened
    reading = Reading.objects.filter(code_set=code_set, kind=ReadingKind.CODING).first()
    entries = list(CodeEntry.objects.filter(pk__in=wanted, reading=reading)) if reading else []
    if reading is None or not entries:
        return 0
    keep_exposures(reading, entries, actor, level)
    of_these = [entry.pk for entry in entries if entry.pk in opened]
    Exposure.objects.filter(entry__in=of_these, user=actor, evidence_opened_at__isnull=True).update(
        evidence_opened_at=timezone.now()
    )
    return len(entries)
