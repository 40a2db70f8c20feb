"""The figures of an encounter that the worklist shows, counted from its entries."""

from __future__ import annotations

from django.db.models import Count, Q

from coding_review.choices import CODED_STATES, EntryOrigin, EntryState, ReadingKind
from coding_review.models import CodeEntry, CodeSet, Encounter
from modelops.choices import Band

# What a coder still has to come back to; a held suggestion is not decided.
_OPEN_STATES = (EntryState.UNDECIDED, EntryState.HELD)

COUNTED = ("high_count", "medium_count", "low_count", "decided_count", "coded_count")


def refresh_counters(encounter: Encounter, *, also: tuple[str, ...] = ()) -> None:
    """Count again and save, over the coding readings of all current code sets; one query each way.

    high, medium and low count the suggestions by band, decided or not; decided_count how many of
    them are decided; coded_count the codes that would be billed. To be called by every action that
    changes entries, with the encounter locked; `also` names changed fields to save with them.
    """
    suggested = Q(origin=EntryOrigin.SUGGESTED)
    entries = CodeEntry.objects.on_list().filter(
        reading__kind=ReadingKind.CODING,
        reading__code_set__in=CodeSet.objects.current().filter(encounter=encounter),
    )
    figures = entries.order_by().aggregate(
        high_count=Count("pk", filter=suggested & Q(band=Band.HIGH)),
        medium_count=Count("pk", filter=suggested & Q(band=Band.MEDIUM)),
        low_count=Count("pk", filter=suggested & Q(band=Band.LOW)),
        decided_count=Count("pk", filter=suggested & ~Q(state__in=_OPEN_STATES)),
        coded_count=Count("pk", filter=Q(state__in=CODED_STATES)),
    )
    for name in COUNTED:
        setattr(encounter, name, figures[name])
    encounter.save(update_fields=(*COUNTED, *also))
