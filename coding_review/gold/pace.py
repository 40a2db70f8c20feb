"""How long readings took: the time before each act, as far as it can have been work; seeded checks left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from coding_review.choices import GoldLabelSource
from coding_review.models import GoldJudgement, GoldReading

# A longer time between two acts was not reading.
LONGEST = 120.0


def active_between(before: datetime, after: datetime) -> float:
    """Seconds of work that lie between two acts at most."""
    return min(max((after - before).total_seconds(), 0.0), LONGEST)


def pace_seconds(readings: Sequence[GoldReading]) -> dict[int, float]:
    """By reading; one query for any number."""
    last = {reading.pk: reading.started_at for reading in readings}
    found = dict.fromkeys(last, 0.0)
    acts = GoldJudgement.objects.filter(reading__in=list(last)).order_by("reading_id", "number")
    for reading, at, source in acts.values_list("reading_id", "at", "label__source"):
        if source != GoldLabelSource.SEEDED:
            found[reading] += active_between(last[reading], at)
        last[reading] = at
    return found
