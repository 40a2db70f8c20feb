"""The figures of an encounter that the worklist shows, counted from its entries."""

from __future__ import annotations

from collections import Counter

from coding_review.choices import CODED_STATES, EntryOrigin, EntryState, ReadingKind
from coding_review.kept_reads import KeptValues
from coding_review.kept_writes import KeptUpdate
from coding_review.models import CodeEntry, CodeSet, Encounter

# What a coder still has to come back to; a held suggestion is not decided.
_OPEN_STATES = (EntryState.UNDECIDED, EntryState.HELD)

_ENTRIES = KeptValues(
    lambda encounter: (
        CodeEntry.objects.on_list()
        .filter(
            reading__kind=ReadingKind.CODING,
            reading__code_set__in=CodeSet.objects.current().filter(encounter=encounter),
        )
        .order_by()
        .values_list("origin", "band", "state")
    ),
    int,
)

COUNTED = ("high_count", "medium_count", "low_count", "decided_count", "coded_count")


_FIGURES = KeptUpdate(Encounter, *COUNTED)
_FIGURES_AND_LEASE = KeptUpdate(Encounter, *COUNTED, "lease_until")


def refresh_counters(encounter: Encounter, *, with_lease: bool = False) -> None:
    """Count again and save, over the coding readings of all current code sets; one query each way.

    high, medium and low count the suggestions by band, decided or not; decided_count how many of
    them are decided; coded_count the codes that would be billed. To be called by every action that
    changes entries, with the encounter locked; `with_lease` saves its changed lease with them.
    """
    figures: Counter[str] = Counter()
    # Counted here: five filtered counts cost more to put into SQL than a few hundred narrow rows to read.
    for origin, band, state in _ENTRIES.rows(encounter.pk):
        if origin == EntryOrigin.SUGGESTED:
            figures[f"{band}_count"] += 1
            figures["decided_count"] += state not in _OPEN_STATES
        figures["coded_count"] += state in CODED_STATES
    for name in COUNTED:
        setattr(encounter, name, figures[name])
    (_FIGURES_AND_LEASE if with_lease else _FIGURES).save(encounter)
