"""Row locks in one order, so that two acts never wait for each other: encounter, code set, reading, entries.

All of them leave the key alone (FOR NO KEY UPDATE): they exclude each other, and a row written meanwhile that
only points to the encounter, such as "opened" in the audit log, does not wait for them. With FOR UPDATE it
would, while it holds the heads of the audit chains that the act needs next: a deadlock.
"""

from __future__ import annotations

from dataclasses import dataclass

from coding_review.choices import CodeSetStatus, ReadingKind
from coding_review.errors import Frozen
from coding_review.kept_reads import KeptModels
from coding_review.models import CodeEntry, CodeSet, Encounter, Reading


def lock_encounter(encounter_id: int) -> Encounter:
    return Encounter.objects.select_for_update(no_key=True).get(pk=encounter_id)


@dataclass(slots=True)
class LockedSet:
    encounter: Encounter
    code_set: CodeSet
    reading: Reading

    def entries(self) -> list[CodeEntry]:
        """All entries of the reading, locked by primary key."""
        rows = list(
            CodeEntry.objects.select_for_update(no_key=True).filter(reading=self.reading).order_by("pk")
        )
        for row in rows:
            row.reading = self.reading
        return rows


def lock_code_set(code_set_id: int) -> LockedSet:
    """The code set with its encounter and coding reading; raises Frozen when it is signed or superseded."""
    # One query, which PostgreSQL locks from in the order of `of`.
    reading = (
        Reading.objects.select_for_update(of=("code_set__encounter", "code_set", "self"), no_key=True)
        .select_related("code_set__encounter", "code_set__release")
        .filter(code_set=code_set_id, kind=ReadingKind.CODING)
        .first()
    )
    return _locked(_begin_reading(code_set_id) if reading is None else reading)


_ENTRIES: KeptModels[CodeEntry] = KeptModels(
    lambda entry_id, code_set_id: (
        CodeEntry.objects.select_for_update(
            of=("reading__code_set__encounter", "reading__code_set", "reading", "self"), no_key=True
        )
        .select_related("reading__code_set__encounter", "reading__code_set__release", "suggestion__run")
        .filter(pk=entry_id, reading__code_set=code_set_id, reading__kind=ReadingKind.CODING)
    ),
    int,
    int,
)


def lock_entry(code_set_id: int, entry_id: int) -> tuple[LockedSet, CodeEntry | None]:
    """As lock_code_set, with one entry of the reading (None where it has no such) and its suggestion's run."""
    entry = _ENTRIES.first(entry_id, code_set_id)
    if entry is None:
        return lock_code_set(code_set_id), None
    return _locked(entry.reading), entry


def _locked(reading: Reading) -> LockedSet:
    code_set = reading.code_set
    if code_set.status != CodeSetStatus.OPEN:
        raise Frozen("This code set is signed off. Reopen it to change it.", code_set_id=code_set.pk)
    # Whoever goes on with one of them finds the locked others, as the act leaves them.
    return LockedSet(code_set.encounter, code_set, reading)


def _begin_reading(code_set_id: int) -> Reading:
    """The coding reading of a code set that had none, locked after its encounter and its code set."""
    encounter = Encounter.objects.select_for_update(of=("self",), no_key=True).get(code_sets=code_set_id)
    code_set = (
        CodeSet.objects.select_for_update(of=("self",), no_key=True)
        .select_related("release")
        .get(pk=code_set_id)
    )
    code_set.encounter = encounter
    if code_set.status != CodeSetStatus.OPEN:
        # Nothing is begun on it: the caller refuses.
        return Reading(code_set=code_set, kind=ReadingKind.CODING)
    reading, _ = Reading.objects.select_for_update(no_key=True).get_or_create(
        code_set=code_set, kind=ReadingKind.CODING
    )
    reading.code_set = code_set
    return reading
