"""Add a code by the coder's own search, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, CodeSystem
from coding_review.actions.accept import enter_code_set
from coding_review.choices import CODED_STATES, DecisionAction, EntryOrigin, EntryState
from coding_review.deciding import Act, begin, evidence_snapshot, snapshot
from coding_review.errors import InvalidCode, InvalidEvidence
from coding_review.models import CodeEntry, DocumentVersion, EntryEvidence
from coding_review.places import Place, place_of_selection, quote_at, whole_lines
from coding_review.rules.line_roles import plain_role


@dataclass(frozen=True, slots=True)
class Selection:
    """What a browser or client sends: whole lines when `selected` is empty, else UTF-16 columns and the text."""

    document_version_id: int
    line_start: int
    line_end: int
    utf16_start: int = 0
    utf16_end: int = 0
    selected: str = ""


@transaction.atomic
def add_code(
    actor: Any,
    code_set_id: int,
    *,
    code: str,
    system: str = CodeSystem.ICD10CM,
    selections: tuple[Selection, ...] = (),
    comment: str = "",
    batch: UUID | None = None,
) -> CodeEntry:
    """Diagnoses need evidence; a procedure entered by hand may go without. Where a release of the procedure's
    system covers the day, the code must be in it and gets its title; else its shape is checked.

    A code that stands suggested and is not in the set gets no second entry: its entry is accepted, with the
    selections beside the engine's evidence. The decision is "add" all the same, on an entry of origin
    "suggested": the coder found the code without deciding on the card.

    Raises InvalidCode (not in the release, not billable, system not on this claim type),
    InvalidEvidence (selection does not match the document), InvalidDecision (already in the set).
    """
    act = begin(actor, code_set_id, batch)
    done = CodeEntry.objects.filter(reading=act.locked.reading, decisions__batch=act.batch).first()
    if done is not None:
        return done
    if system not in SYSTEMS_BY_CLAIM_TYPE[act.code_set.claim_type]:
        raise InvalidCode(
            f"{CodeSystem(system).label} does not go on {act.code_set.get_claim_type_display().lower()} claims.",
            code=code,
        )
    code, title = act.coded(CodeEntry(system=system), code)
    if system == CodeSystem.ICD10CM and not selections:
        raise InvalidEvidence("Select the text that supports the code.")
    entry = _suggested(act, system, code)
    if entry is None:
        entry = CodeEntry(
            reading=act.locked.reading,
            origin=EntryOrigin.ADDED,
            system=system,
            code=code,
            title=title,
            role=plain_role(system),
            state=EntryState.WITHDRAWN,
            rank=_rank_beside(act, selections),
        )
        act.refuse_duplicate(entry, system, code)
        entry.save()
        before, places = snapshot(entry), None
        entry.state = EntryState.ADDED
    else:
        act.refuse_duplicate(entry, system, code)
        before, places = snapshot(entry), evidence_snapshot(entry)
        entry.code, entry.title, entry.reason = code, title, ""
        entry.state = EntryState.ACCEPTED
    add_evidence(act, entry, selections)
    enter_code_set(entry, act.code_set.claim_type, act.next_sequence())
    act.write(entry, DecisionAction.ADD, before, comment=comment, places_before=places)
    act.finish()
    return entry


def _suggested(act: Act, system: str, code: str) -> CodeEntry | None:
    """The entry on the list that suggests this code and is not in the set: undecided, rejected, dismissed or held."""
    return (
        CodeEntry.objects.select_for_update(of=("self",))
        .select_related("suggestion__run")
        .filter(reading=act.locked.reading, origin=EntryOrigin.SUGGESTED, system=system, suggested_code=code)
        .exclude(state__in=(*CODED_STATES, EntryState.WITHDRAWN))
        .first()
    )


def add_evidence(act: Act, entry: CodeEntry, selections: tuple[Selection, ...]) -> None:
    """Appends the selections as reviewer's evidence; what is there already is not stored twice.

    Raises InvalidEvidence.
    """
    known = {
        (e.document_version_id, Place(e.line_start, e.line_end, e.col_start, e.col_end))
        for e in entry.evidence.all()
    }
    for selection in selections:
        version = DocumentVersion.objects.filter(
            pk=selection.document_version_id, document__encounter=act.encounter
        ).first()
        if version is None:
            raise InvalidEvidence("The document does not belong to this encounter.")
        if not version.is_latest:
            raise InvalidEvidence("The document has a newer version. Reload the page and select again.")
        place = place_of(version, selection)
        if (version.pk, place) in known:
            continue
        EntryEvidence.objects.create(
            entry=entry,
            document_version=version,
            order=len(known),
            line_start=place.line_start,
            line_end=place.line_end,
            col_start=place.col_start,
            col_end=place.col_end,
            quote=quote_at(version.lines, place),
            by_reviewer=True,
        )
        known.add((version.pk, place))


def place_of(version: DocumentVersion, selection: Selection) -> Place:
    lines = version.lines
    if not selection.selected:
        return whole_lines(lines, selection.line_start, selection.line_end)
    return place_of_selection(
        lines,
        line_start=selection.line_start,
        line_end=selection.line_end,
        utf16_start=selection.utf16_start,
        utf16_end=selection.utf16_end,
        selected=selection.selected,
    )


def _rank_beside(act: Act, selections: tuple[Selection, ...]) -> int:
    """The rank of the last entry whose evidence stands before the selection, so that the list keeps document order."""
    if not selections:
        return 1_000_000
    first = selections[0]
    before = (
        EntryEvidence.objects.filter(
            entry__reading=act.locked.reading,
            document_version_id=first.document_version_id,
            line_start__lte=first.line_start,
        )
        .order_by("-line_start")
        .values_list("entry__rank", flat=True)
        .first()
    )
    return before or 0
