"""Take evidence over to a new version of its document: where the quote still stands it moves, else it is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from coding_review.choices import CodeSetStatus, DecisionAction, EntryNote, EntryState, ReadingKind
from coding_review.deciding import begin_for_system, evidence_snapshot, snapshot
from coding_review.locks import LockedSet
from coding_review.models import CodeEntry, CodeSet, DocumentVersion, Encounter, EntryEvidence, Reading
from coding_review.quote_search import QuoteSearch


@dataclass(slots=True)
class CarriedOver:
    """Ids of evidence rows that moved, that were lost, and of entries left without any."""

    moved: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    entries_without: list[int] = field(default_factory=list)


@transaction.atomic
def carry_over(
    encounter: Encounter, old_version: DocumentVersion, new_version: DocumentVersion | None
) -> CarriedOver:
    """For every open code set of the encounter, whose row the caller has locked.

    Evidence on any earlier version of the document is looked for, so that a quote lost in one version and
    back in the next stands again. `new_version` None: the document no longer counts (entered in error), and
    all evidence in it is lost. Signed code sets keep their evidence as it was when they were signed.
    """
    carried = CarriedOver()
    searches: dict[int, QuoteSearch] = {}
    for code_set in (
        CodeSet.objects.select_for_update(no_key=True)
        .filter(encounter=encounter, status=CodeSetStatus.OPEN)
        .order_by("pk")
    ):
        reading = (
            Reading.objects.select_for_update(no_key=True)
            .filter(code_set=code_set, kind=ReadingKind.CODING)
            .first()
        )
        if reading is not None:
            locked = LockedSet(encounter, code_set, reading)
            _carry_reading(locked, old_version, new_version, searches, carried)
    return carried


def catch_up(encounter: Encounter) -> CarriedOver:
    """After a reopening: carry evidence over to every version that came while the code set was signed off."""
    carried = CarriedOver()
    stale = (
        DocumentVersion.objects.filter(
            document__encounter=encounter,
            is_latest=False,
            entryevidence__entry__reading__code_set__status=CodeSetStatus.OPEN,
            entryevidence__stands=True,
        )
        .distinct()
        .order_by("document_id", "version")
    )
    latest = {v.document_id: v for v in DocumentVersion.objects.latest_of(encounter)}
    for version in stale:
        done = carry_over(encounter, version, latest.get(version.document_id))
        carried.moved += done.moved
        carried.lost += done.lost
        carried.entries_without += done.entries_without
    return carried


def _carry_reading(
    locked: LockedSet,
    old_version: DocumentVersion,
    new_version: DocumentVersion | None,
    searches: dict[int, QuoteSearch],
    carried: CarriedOver,
) -> None:
    affected = EntryEvidence.objects.filter(
        entry__reading=locked.reading, document_version__document_id=old_version.document_id
    )
    if new_version is None:
        affected = affected.filter(stands=True)
    else:
        affected = affected.exclude(document_version=new_version)
    by_entry: dict[int, list[EntryEvidence]] = {}
    for evidence in affected.select_related("document_version").order_by("order", "pk"):
        by_entry.setdefault(evidence.entry_id, []).append(evidence)
    if not by_entry:
        return
    act = begin_for_system(locked)
    for entry in CodeEntry.objects.select_for_update(no_key=True).filter(pk__in=by_entry).order_by("pk"):
        before, places = snapshot(entry), evidence_snapshot(entry)
        changed = [_carry(e, new_version, searches, carried) for e in by_entry[entry.pk]]
        if not any(changed):
            continue
        if entry.evidence.filter(stands=True).exists():
            if entry.note == EntryNote.EVIDENCE_LOST:
                entry.note = EntryNote.NONE
        else:
            entry.note = EntryNote.EVIDENCE_LOST
            carried.entries_without.append(entry.pk)
        if entry.state == EntryState.UNDECIDED and not entry.decisions.exists():
            entry.version += 1
            entry.save(update_fields=["note", "version"])
        else:
            act.write(entry, DecisionAction.CARRY_OVER, before, places_before=places)
    if act.written:
        act.finish()
    else:
        locked.code_set.revision += 1
        locked.code_set.save(update_fields=["revision"])


def _carry(
    evidence: EntryEvidence,
    new_version: DocumentVersion | None,
    searches: dict[int, QuoteSearch],
    carried: CarriedOver,
) -> bool:
    """Move one row or mark it lost; whether anything about it changed."""
    place = None
    if new_version is not None:
        old = evidence.document_version
        if old.pk not in searches:
            searches[old.pk] = QuoteSearch(old.lines, new_version.lines)
        place = searches[old.pk].find(evidence)
    if place is None or new_version is None:
        if not evidence.stands:
            return False
        evidence.stands = False
        evidence.save(update_fields=["stands"])
        carried.lost.append(evidence.pk)
        return True
    evidence.document_version = new_version
    evidence.line_start, evidence.line_end = place.line_start, place.line_end
    evidence.col_start, evidence.col_end = place.col_start, place.col_end
    evidence.stands = True
    evidence.save()
    carried.moved.append(evidence.pk)
    return True
