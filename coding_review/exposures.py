"""What a person was shown of a code, kept once for each of them; the reading's assistance rises with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coding_review.choices import Assistance
from coding_review.models import CodeEntry, Exposure, Reading

_ORDER = (Assistance.NONE, Assistance.AFTER_FIRST_READ, Assistance.FULL)


def level_on_card(reading: Reading) -> Assistance:
    """What having a card before one's eyes counts as."""
    read_first = reading.assistance == Assistance.AFTER_FIRST_READ
    return Assistance.AFTER_FIRST_READ if read_first else Assistance.FULL


def keep_exposures(reading: Reading, entries: Sequence[CodeEntry], actor: Any, level: Assistance) -> None:
    """Adds those that are missing; call inside a transaction. `reading` carries its new assistance afterwards."""
    # The reading before the rows that a decision adds under its lock: the other way round each waits for the other.
    if _ORDER.index(Assistance(reading.assistance)) < _ORDER.index(level):
        Reading.objects.filter(pk=reading.pk).update(assistance=level)
        reading.assistance = level
    Exposure.objects.bulk_create(
        [
            Exposure(entry=e, user=actor, assistance=level, rank=e.rank, band=e.band, confidence=e.confidence)
            for e in sorted(entries, key=lambda entry: entry.pk)
        ],
        ignore_conflicts=True,
    )
