"""Lay a run's suggestions over the entries of a reading, so that a re-run shows only what changed.

What a person decided stands. A code rejected or dismissed before comes back only with a quote that was
not there before, and says so; changes of state that nobody made are decisions of the system (carried over).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from catalog.choices import ClaimType, PresentOnAdmission
from catalog.poa import is_poa_exempt
from coding_review.choices import CODED_STATES, DecisionAction, EntryNote, EntryOrigin, EntryState
from coding_review.counters import refresh_counters
from coding_review.deciding import REPEATING_ROLES, Act, begin_for_system, snapshot
from coding_review.locks import LockedSet
from coding_review.models import (
    CodeEntry,
    CodeSet,
    EntryEvidence,
    Exposure,
    Suggestion,
    SuggestionEvidence,
)
from coding_review.rules.line_roles import plain_role
from coding_review.run_status import is_touched

# A person said no; only evidence that was not there then brings these back.
_REFUSED = frozenset({EntryState.REJECTED, EntryState.DISMISSED})
_KEPT = CODED_STATES | {EntryState.HELD}

_PLACE = ("document_version_id", "line_start", "line_end", "col_start", "col_end")

Key = tuple[str, str]
# Document and words: the same words in another version of the document are the same quote.
Quote = tuple[int, str]


@dataclass(slots=True)
class Merged:
    """How many entries came, changed (state, note, evidence or band) and are no longer suggested."""

    new: int = 0
    changed: int = 0
    gone: int = 0


@dataclass(slots=True)
class _Merge:
    act: Act
    inpatient: bool
    # Someone has seen or decided entries of this reading: "new" then means something to them.
    looked_at: bool
    shown: set[int]
    evidence: dict[int, list[EntryEvidence]]
    offered: dict[int, list[SuggestionEvidence]]
    # What earlier runs of the code set cited, also where an entry has lost it since.
    quoted_before: dict[Key, set[Quote]]
    done: Merged = field(default_factory=Merged)


def merge_suggestions(locked: LockedSet, suggestions: list[Suggestion]) -> Merged:
    """Encounter, code set and reading are locked; called in the transaction that wrote the suggestions."""
    entries = locked.entries()
    merge = _Merge(
        act=begin_for_system(locked),
        inpatient=locked.code_set.claim_type == ClaimType.FACILITY_INPATIENT,
        looked_at=is_touched(locked.encounter)
        or Exposure.objects.filter(entry__reading=locked.reading).exists(),
        shown=set(Exposure.objects.filter(entry__in=entries).values_list("entry_id", flat=True)),
        evidence=_by_entry(entries),
        offered=_by_suggestion(suggestions),
        quoted_before=_quoted_before(locked.code_set, suggestions),
    )
    suggested = {_key(e.system, e.suggested_code): e for e in entries if e.origin == EntryOrigin.SUGGESTED}
    standing = _standing(entries)
    fresh: list[tuple[CodeEntry, Suggestion]] = []
    confirmed: set[int] = set()
    for suggestion in suggestions:
        key = _key(suggestion.system, suggestion.code)
        own, coded = suggested.get(key), standing.get(key)
        if coded is not None and coded is not own:
            # The coder got there by another way (added by hand, or modified another suggestion to it).
            _attach(merge, coded, suggestion)
            confirmed.add(coded.pk)
        if own is not None:
            _refresh(merge, own, suggestion, may_return=coded is None)
            confirmed.add(own.pk)
        elif coded is None:
            fresh.append((_new_entry(merge, suggestion), suggestion))
    for entry in suggested.values():
        if entry.pk not in confirmed:
            _no_longer_suggested(merge, entry)
    _create(merge, fresh)
    done = merge.done
    if done.new or done.changed or done.gone:
        locked.code_set.revision += 1
        locked.code_set.save(update_fields=["revision"])
    refresh_counters(locked.encounter)
    return done


def _key(system: str, code: str) -> Key:
    return (system, code)


def _standing(entries: list[CodeEntry]) -> dict[Key, CodeEntry]:
    """What would be billed, by code; of a code that stands twice the line that is not a mere repetition."""
    coded = [e for e in entries if e.state in CODED_STATES]
    coded.sort(key=lambda e: e.role not in REPEATING_ROLES)
    return {_key(e.system, e.code): e for e in coded}


def _by_entry(entries: list[CodeEntry]) -> dict[int, list[EntryEvidence]]:
    found: dict[int, list[EntryEvidence]] = defaultdict(list)
    for e in EntryEvidence.objects.filter(entry__in=entries).select_related("document_version"):
        found[e.entry_id].append(e)
    return found


def _by_suggestion(suggestions: list[Suggestion]) -> dict[int, list[SuggestionEvidence]]:
    found: dict[int, list[SuggestionEvidence]] = defaultdict(list)
    for e in SuggestionEvidence.objects.filter(suggestion__in=suggestions).select_related("document_version"):
        found[e.suggestion_id].append(e)
    return found


def _quoted_before(code_set: CodeSet, suggestions: list[Suggestion]) -> dict[Key, set[Quote]]:
    found: dict[Key, set[Quote]] = defaultdict(set)
    earlier = SuggestionEvidence.objects.filter(suggestion__run__code_set=code_set)
    for system, code, document_id, quote in earlier.exclude(suggestion__in=suggestions).values_list(
        "suggestion__system", "suggestion__code", "document_version__document_id", "quote"
    ):
        found[_key(system, code)].add((document_id, quote))
    return found


def _new_entry(merge: _Merge, suggestion: Suggestion) -> CodeEntry:
    exempt = merge.inpatient and is_poa_exempt(suggestion.code)
    return CodeEntry(
        reading=merge.act.locked.reading,
        origin=EntryOrigin.SUGGESTED,
        suggestion=suggestion,
        system=suggestion.system,
        suggested_code=suggestion.code,
        code=suggestion.code,
        title=suggestion.title,
        role=plain_role(suggestion.system),
        poa=PresentOnAdmission.EXEMPT if exempt else "",
        note=EntryNote.NEW if merge.looked_at else EntryNote.NONE,
        rank=suggestion.rank,
        band=suggestion.band,
        confidence=suggestion.confidence,
        rationale=suggestion.rationale,
        context=suggestion.context,
    )


def _create(merge: _Merge, fresh: list[tuple[CodeEntry, Suggestion]]) -> None:
    CodeEntry.objects.bulk_create([entry for entry, _ in fresh])
    EntryEvidence.objects.bulk_create(
        _copied(entry, e, order)
        for entry, suggestion in fresh
        for order, e in enumerate(merge.offered[suggestion.pk])
    )
    merge.done.new += len(fresh)


def _refresh(merge: _Merge, entry: CodeEntry, suggestion: Suggestion, *, may_return: bool) -> None:
    """The suggestion's own entry: pointer and figures renewed, evidence merged, state as the rules have it."""
    before, note = snapshot(entry), entry.note
    returns = entry.state == EntryState.WITHDRAWN
    replace = entry.state in (EntryState.UNDECIDED, EntryState.WITHDRAWN)
    new_quotes, changed = _merge_evidence(merge, entry, suggestion, replace=replace)
    changed = _take_figures(entry, suggestion) or changed
    _clear_note(entry)
    if returns:
        entry.note = EntryNote.NEW if merge.looked_at else EntryNote.NONE
    elif new_quotes and entry.state in _REFUSED and may_return:
        returns = True
        entry.note = EntryNote.NEW_EVIDENCE_AFTER_REJECTION
    elif new_quotes and (entry.state in _KEPT or (replace and entry.pk in merge.shown)):
        entry.note = EntryNote.NEW_EVIDENCE
    if returns:
        entry.state, entry.reason = EntryState.UNDECIDED, ""
        entry.code, entry.title = suggestion.code, suggestion.title
        merge.act.write(entry, DecisionAction.CARRY_OVER, before)
        merge.done.changed += 1
    else:
        _save(merge, entry, changed=changed or note != entry.note)


def _attach(merge: _Merge, entry: CodeEntry, suggestion: Suggestion) -> None:
    """A code that stands already is now suggested too: it gains the evidence, and no second entry is made."""
    note = entry.note
    new_quotes, changed = _merge_evidence(merge, entry, suggestion, replace=False)
    if entry.origin == EntryOrigin.ADDED:
        changed = _take_figures(entry, suggestion) or changed
    _clear_note(entry)
    if new_quotes:
        entry.note = EntryNote.NEW_EVIDENCE
    _save(merge, entry, changed=changed or note != entry.note)


def _clear_note(entry: CodeEntry) -> None:
    """Notes that the new run contradicts."""
    suggested_again = entry.note == EntryNote.NO_LONGER_SUGGESTED
    found_again = entry.note == EntryNote.EVIDENCE_LOST and entry.evidence.filter(stands=True).exists()
    if suggested_again or found_again:
        entry.note = EntryNote.NONE


def _save(merge: _Merge, entry: CodeEntry, *, changed: bool) -> None:
    if changed:
        entry.version += 1
        merge.done.changed += 1
    entry.save()


def _no_longer_suggested(merge: _Merge, entry: CodeEntry) -> None:
    if entry.state == EntryState.UNDECIDED:
        before = snapshot(entry)
        entry.state, entry.note = EntryState.WITHDRAWN, EntryNote.NO_LONGER_SUGGESTED
        merge.act.write(entry, DecisionAction.CARRY_OVER, before)
        merge.done.gone += 1
    elif entry.state in _KEPT and entry.note not in (
        EntryNote.NO_LONGER_SUGGESTED,
        # That its quote is gone says more.
        EntryNote.EVIDENCE_LOST,
    ):
        entry.note = EntryNote.NO_LONGER_SUGGESTED
        entry.version += 1
        entry.save()
        merge.done.gone += 1


def _take_figures(entry: CodeEntry, suggestion: Suggestion) -> bool:
    """Whether anything that a coder would notice changed; the rank alone is only the order of the list."""
    changed = (entry.band, entry.rationale, sorted(entry.context)) != (
        suggestion.band,
        suggestion.rationale,
        sorted(suggestion.context),
    )
    entry.suggestion, entry.rank = suggestion, suggestion.rank
    entry.band, entry.confidence = suggestion.band, suggestion.confidence
    entry.rationale, entry.context = suggestion.rationale, suggestion.context
    return changed


def _merge_evidence(
    merge: _Merge, entry: CodeEntry, suggestion: Suggestion, *, replace: bool
) -> tuple[bool, bool]:
    """(a quote came that its document did not give before, rows came or went).

    A quote known already follows its document to the newer version; that is no change to tell of. With
    `replace`, what the engine no longer cites goes; the earlier run keeps it. A reviewer's own evidence
    always stays where it was put.
    """
    left = list(merge.evidence[entry.pk])
    ever = {_quote_key(e) for e in left} | merge.quoted_before[_key(suggestion.system, suggestion.code)]
    added: list[SuggestionEvidence] = []
    pending: list[SuggestionEvidence] = []
    for e in merge.offered[suggestion.pk]:
        same = next((old for old in left if _place(old) == _place(e)), None)
        if same is None:
            pending.append(e)
        else:
            left.remove(same)
            _follow(same, e)
    for e in pending:
        older = next((old for old in left if _is_older_place(old, e)), None)
        if older is None:
            added.append(e)
        else:
            left.remove(older)
            _follow(older, e)
    gone = [old.pk for old in left if not old.by_reviewer] if replace else []
    EntryEvidence.objects.filter(pk__in=gone).delete()
    order = len(merge.evidence[entry.pk])
    EntryEvidence.objects.bulk_create(_copied(entry, e, order + i) for i, e in enumerate(added))
    return any(_quote_key(e) not in ever for e in added), bool(added or gone)


def _quote_key(e: EntryEvidence | SuggestionEvidence) -> Quote:
    return (e.document_version.document_id, e.quote)


def _place(e: EntryEvidence | SuggestionEvidence) -> tuple[int, ...]:
    return tuple(getattr(e, name) for name in _PLACE)


def _is_older_place(old: EntryEvidence, e: SuggestionEvidence) -> bool:
    """The same words in another version of the same document."""
    return (
        not old.by_reviewer
        and old.document_version_id != e.document_version_id
        and _quote_key(old) == _quote_key(e)
    )


def _follow(old: EntryEvidence, e: SuggestionEvidence) -> None:
    if old.stands and _place(old) == _place(e):
        return
    for name in _PLACE:
        setattr(old, name, getattr(e, name))
    old.stands = True
    old.save()


def _copied(entry: CodeEntry, e: SuggestionEvidence, order: int) -> EntryEvidence:
    return EntryEvidence(
        entry=entry,
        document_version=e.document_version,
        order=order,
        line_start=e.line_start,
        line_end=e.line_end,
        col_start=e.col_start,
        col_end=e.col_end,
        quote=e.quote,
    )
