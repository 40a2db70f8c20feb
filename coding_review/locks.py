"""Row locks in one order, so that two acts never wait for each other: encounter, code set, reading, entries.

All of them leave the key alone (FOR NO KEY UPDATE): they exclude each other, and a row written meanwhile that
only points to the encounter, such as "opened" in the audit log, does not wait for them. With FOR UPDATE it
would, while it holds the heads of the audit chains that the act needs next: a deadlock.
"""

from __future__ import annotations

from dataclasses import dataclass

from coding_review.choices import CodeSetStatus, ReadingKind
from coding_review.errors import Frozen
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
    encounter = Encounter.objects.select_for_update(of=("self",), no_key=True).get(code_sets=code_set_id)
    code_set = (
        CodeSet.objects.select_for_update(of=("self",), no_key=True)
        .select_related("release")
        .get(pk=code_set_id)
    )
    if code_set.status != CodeSetStatus.OPEN:
        raise Frozen("This code set is signed off. Reopen it to change it.", code_set_id=code_set_id)
    reading, _ = Reading.objects.select_for_update(no_key=True).get_or_create(
        code_set=code_set, kind=ReadingKind.CODING
    )
    # Whoever goes on with one of them finds the locked others, as the act leaves them.
    code_set.encounter, reading.code_set = encounter, code_set
    return LockedSet(encounter, code_set, reading)
