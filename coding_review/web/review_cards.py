"""The right side of the review page: cards, bands, the lines of the code set, progress."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, ClaimType, CodeRole, CodeSystem
from catalog.choices import PresentOnAdmission as Poa
from coding_review.actions.set_line import ROLES_BY_CLAIM_TYPE
from coding_review.actions.undo import Turnable, turnable
from coding_review.choices import (
    CODED_STATES,
    CodeSetStatus,
    DecisionAction,
    EntryNote,
    EntryState,
)
from coding_review.models import CodeEntry, CodeSet, EntryEvidence, Reading
from coding_review.queries import Listed
from coding_review.rules import reasons
from coding_review.rules.line_order import line_order
from coding_review.rules.procedure_codes import BY_UNIT
from coding_review.rules.signoff import POA_ROLES
from coding_review.rules.signoff import Blocker as FoundBlocker
from coding_review.web import words
from coding_review.web.finding import Finding
from coding_review.web.review_page import (
    BandCount,
    Blocker,
    Card,
    CodeSetPanel,
    Option,
    Place,
    Progress,
    SetLine,
)
from modelops.choices import Band, ContextTag

SET_ASIDE = frozenset({EntryState.REJECTED, EntryState.DISMISSED})
PLAIN_ROLES = frozenset({"", CodeRole.SECONDARY})
# Where on the page each blocker is mended.
_PANEL_OF = {
    "undecided": "suggestions",
    "held": "suggestions",
    "no_codes": "suggestions",
    "no_principal": "codes",
    "many_principal": "codes",
    "no_first_listed": "codes",
    "many_first_listed": "codes",
    "poa": "codes",
    "invalid": "codes",
    "findings": "findings",
}


def options(choices: Sequence[tuple[str, str]], selected: str) -> tuple[Option, ...]:
    return tuple(Option(str(value), str(label), str(value) == str(selected)) for value, label in choices)


def role_options(entry: CodeEntry, claim_type: str) -> tuple[Option, ...]:
    if entry.system != CodeSystem.ICD10CM or entry.state not in CODED_STATES:
        return ()
    return options([(r.value, r.label) for r in ROLES_BY_CLAIM_TYPE[claim_type]], entry.role)


def carries_poa(entry: CodeEntry, claim_type: str) -> bool:
    return (
        claim_type == ClaimType.FACILITY_INPATIENT
        and entry.system == CodeSystem.ICD10CM
        and entry.role in POA_ROLES
    )


# The letters as on the claim: the words would be cut off in the narrow lists.
_POA_LETTERS = [("", "?"), *((p.value, "exempt" if p == Poa.EXEMPT else p.value) for p in Poa)]
# By what is chosen; a page has hundreds of these.
_POA_OPTIONS: dict[str, tuple[Option, ...]] = {
    chosen: options(_POA_LETTERS, chosen) for chosen in ("", *Poa.values)
}


def poa_options(entry: CodeEntry, claim_type: str) -> tuple[Option, ...]:
    return _POA_OPTIONS[entry.poa] if carries_poa(entry, claim_type) else ()


def card(
    entry: CodeEntry,
    code_set: CodeSet,
    *,
    shown: int | None,
    labels: Mapping[int, str],
    selected: bool = False,
    findings: tuple[Finding, ...] = (),
    made: str = "",
) -> Card:
    """`shown` is the document version on screen; `labels` names the versions that quotes elsewhere come from."""
    return Card(
        id=entry.pk,
        code=entry.code,
        system=entry.system,
        system_label=entry.get_system_display(),
        title=entry.title,
        band=entry.band,
        confidence="" if entry.confidence is None else f"{entry.confidence:.2f}",
        state=entry.state,
        version=entry.version,
        places=tuple(_place(e, shown, labels) for e in entry.evidence.all()),
        rationale=entry.rationale,
        made=made,
        context=tuple(ContextTag(tag).label for tag in entry.context),
        suggested_code=entry.suggested_code,
        outcome=outcome(entry),
        note=EntryNote(entry.note).label if entry.note else "",
        poa_options=poa_options(entry, code_set.claim_type),
        role_options=role_options(entry, code_set.claim_type),
        findings=findings,
        selected=selected,
    )


def outcome(entry: CodeEntry) -> str:
    if entry.state == EntryState.REJECTED:
        return reasons.label(entry.reason).lower()
    parts = []
    if entry.state == EntryState.MODIFIED:
        parts.append(f"was {entry.suggested_code}")
    if entry.state in CODED_STATES:
        if entry.role not in PLAIN_ROLES:
            parts.append(entry.get_role_display().lower())
        if entry.poa:
            parts.append("POA exempt" if entry.poa == Poa.EXEMPT else f"POA {entry.poa}")
    return ", ".join(parts)


def _place(e: EntryEvidence, shown: int | None, labels: Mapping[int, str]) -> Place:
    lines = f"L{e.line_start}" if e.line_start == e.line_end else f"L{e.line_start}–{e.line_end}"
    return Place(
        document=e.document_version_id,
        line=e.line_start,
        label=lines,
        quote=" ".join(e.quote.split()),
        document_label=""
        if e.document_version_id == shown
        else labels.get(e.document_version_id, "Document"),
        lost=not e.stands,
        id=e.pk,
    )


def bands(entries: Sequence[Listed]) -> tuple[BandCount, ...]:
    counts = Counter(e.band for e in entries)
    return tuple(BandCount(b.value, str(b.label), counts[b.value]) for b in Band)


def code_set_panel(
    code_set: CodeSet,
    entries: Sequence[CodeEntry],
    beside: Mapping[int, tuple[Finding, ...]],
    refused: Mapping[int, str],
) -> CodeSetPanel:
    coded = sorted((e for e in entries if e.state in CODED_STATES), key=line_order)
    claim_type = code_set.claim_type
    release = code_set.release
    note = ""
    if release is None:
        on = code_set.encounter.date_for(claim_type)
        note = (
            f"No loaded ICD-10-CM release covers {words.day(on, year=True)}"
            if on
            else "The encounter has no date"
        )
    elif code_set.release_stands_in:
        note = "The latest loaded release stands in: none covers the date"
    return CodeSetPanel(
        lines=tuple(
            replace(
                _set_line(e, number, claim_type, first=number == 1, last=number == len(coded)),
                findings=beside.get(e.pk, ()),
                refused=refused.get(e.pk, ""),
            )
            for number, e in enumerate(coded, start=1)
        ),
        procedure_systems=tuple(
            Option(s, CodeSystem(s).label)
            for s in SYSTEMS_BY_CLAIM_TYPE[claim_type]
            if s != CodeSystem.ICD10CM
        ),
        by_unit=not BY_UNIT.isdisjoint(SYSTEMS_BY_CLAIM_TYPE[claim_type]),
        release_id=release.pk if release else None,
        release=str(release) if release else "",
        release_note=note,
        exports=code_set.status == CodeSetStatus.SIGNED,
    )


def _set_line(entry: CodeEntry, number: int, claim_type: str, *, first: bool, last: bool) -> SetLine:
    procedure = entry.system != CodeSystem.ICD10CM
    poa = poa_options(entry, claim_type)
    return SetLine(
        entry=entry.pk,
        version=entry.version,
        sequence=number,
        system=entry.system,
        system_label=entry.get_system_display(),
        code=entry.code,
        title=entry.title,
        role_label="" if procedure else entry.get_role_display(),
        role_options=role_options(entry, claim_type),
        poa_label=entry.get_poa_display() if entry.poa else "",
        poa_options=poa,
        poa_missing=bool(poa) and not entry.poa,
        procedure=procedure,
        by_unit=entry.system in BY_UNIT
        or bool(entry.modifiers or entry.diagnosis_pointers)
        or entry.units != 1,
        modifiers=" ".join(entry.modifiers),
        units=entry.units,
        service_date=entry.service_date.isoformat() if entry.service_date else "",
        pointers=" ".join(str(p) for p in entry.diagnosis_pointers),
        provider=entry.rendering_provider,
        first=first,
        last=last,
    )


def progress(
    entries: Sequence[Listed], reading: Reading | None, found: Sequence[FoundBlocker], *, editable: bool
) -> Progress:
    states = Counter(e.state for e in entries)
    coded = sum(states[s] for s in CODED_STATES)
    undone = states[EntryState.UNDECIDED] + states[EntryState.HELD]
    undo, redo = turnable(reading) if reading is not None and editable else (None, None)
    return Progress(
        decided=len(entries) - undone,
        total=len(entries),
        coded=coded,
        rejected=states[EntryState.REJECTED] + states[EntryState.DISMISSED],
        low=sum(e.state == EntryState.UNDECIDED and e.band == Band.LOW for e in entries),
        blockers=tuple(Blocker(b.message, _PANEL_OF.get(b.id, "")) for b in found),
        can_undo=_in_words(undo),
        can_redo=_in_words(redo),
    )


def _in_words(act: Turnable | None) -> str:
    return f"{DecisionAction(act.action).label}: {act.code}" if act else ""
