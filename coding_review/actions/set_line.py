"""Role, POA and procedure details of a code line; each change is a decision of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog.choices import ClaimType, CodeRole, CodeSystem
from catalog.choices import PresentOnAdmission as Poa
from coding_review.choices import CODED_STATES, DecisionAction
from coding_review.deciding import Act, begin_on, snapshot
from coding_review.errors import InvalidDecision
from coding_review.models import CodeEntry
from coding_review.rules.procedure_codes import MODIFIER

# Of these a claim has one: marking another takes it from the first.
SINGLE_ROLES = frozenset({CodeRole.PRINCIPAL, CodeRole.FIRST_LISTED, CodeRole.ADMITTING})
ROLES_BY_CLAIM_TYPE: dict[str, tuple[CodeRole, ...]] = {
    ClaimType.FACILITY_INPATIENT: (
        CodeRole.PRINCIPAL,
        CodeRole.SECONDARY,
        CodeRole.ADMITTING,
        CodeRole.EXTERNAL_CAUSE,
    ),
    ClaimType.FACILITY_OUTPATIENT: (
        CodeRole.FIRST_LISTED,
        CodeRole.SECONDARY,
        CodeRole.REASON_FOR_VISIT,
        CodeRole.EXTERNAL_CAUSE,
    ),
    ClaimType.PROFESSIONAL: (CodeRole.FIRST_LISTED, CodeRole.SECONDARY, CodeRole.EXTERNAL_CAUSE),
}


def _on_line(
    actor: Any, code_set_id: int, entry_id: int, seen_version: int | None, batch: UUID | None
) -> tuple[Act, CodeEntry]:
    """Raises InvalidDecision where the code is not in the code set."""
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch)
    if not act.repeated and entry.state not in CODED_STATES:
        raise InvalidDecision(
            "Only codes in the code set have this. Accept the code first.", entry_id=entry_id
        )
    return act, entry


@transaction.atomic
def set_role(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    role: str,
    seen_version: int | None = None,
    batch: UUID | None = None,
) -> list[CodeEntry]:
    """The entries changed: the one marked, and the one that lost a role only one can have."""
    act, entry = _on_line(actor, code_set_id, entry_id, seen_version, batch)
    if act.repeated:
        return []
    if entry.system != CodeSystem.ICD10CM or role not in ROLES_BY_CLAIM_TYPE[act.code_set.claim_type]:
        raise InvalidDecision("This role does not go with this line on this claim type.", role=role)
    changed = []
    if role in SINGLE_ROLES:
        for other in act.locked.entries():
            if other.pk != entry.pk and other.role == role and other.state in CODED_STATES:
                before = snapshot(other)
                other.role = CodeRole.SECONDARY
                act.write(other, DecisionAction.SET_ROLE, before)
                changed.append(other)
    if entry.role != role:
        before = snapshot(entry)
        entry.role = role
        act.write(entry, DecisionAction.SET_ROLE, before)
        changed.append(entry)
    act.finish()
    return changed


@transaction.atomic
def set_poa(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    poa: str,
    seen_version: int | None = None,
    batch: UUID | None = None,
) -> CodeEntry:
    act, entry = _on_line(actor, code_set_id, entry_id, seen_version, batch)
    if act.repeated:
        return entry
    if act.code_set.claim_type != ClaimType.FACILITY_INPATIENT or entry.system != CodeSystem.ICD10CM:
        raise InvalidDecision("Present on admission is for diagnoses on facility inpatient claims.")
    if poa not in ("", *Poa.values):
        raise InvalidDecision("POA is Y, N, U, W or exempt.", poa=poa)
    if entry.poa != poa:
        before = snapshot(entry)
        entry.poa = poa
        act.write(entry, DecisionAction.SET_POA, before)
        act.finish()
    return entry


@dataclass(frozen=True, slots=True)
class ProcedureDetails:
    modifiers: tuple[str, ...] = ()
    units: int = 1
    service_date: date | None = None
    rendering_provider: str = ""
    diagnosis_pointers: tuple[int, ...] = ()


@transaction.atomic
def set_procedure(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    details: ProcedureDetails,
    seen_version: int | None = None,
    batch: UUID | None = None,
) -> CodeEntry:
    """Raises InvalidDecision (not a procedure, more than four modifiers, units below 1, pointer to no diagnosis),
    InvalidCode (the release of the new service date does not have the code)."""
    act, entry = _on_line(actor, code_set_id, entry_id, seen_version, batch)
    if act.repeated:
        return entry
    if entry.system == CodeSystem.ICD10CM:
        raise InvalidDecision("A diagnosis has no modifiers or units.", entry_id=entry_id)
    modifiers = [m.strip().upper() for m in details.modifiers if m.strip()]
    if len(modifiers) > 4 or not all(MODIFIER.fullmatch(m) for m in modifiers):
        raise InvalidDecision("Up to four modifiers of two characters each.", field="modifiers")
    if not 1 <= details.units <= 9999:
        raise InvalidDecision("Units are a number from 1 to 9999.", field="units")
    if any(not 1 <= p <= 12 for p in details.diagnosis_pointers) or len(details.diagnosis_pointers) > 12:
        raise InvalidDecision("Diagnosis pointers are line numbers from 1 to 12.", field="diagnosis_pointers")
    before = snapshot(entry)
    if details.service_date != entry.service_date:
        # Another day may mean another release, and the code must be in that one.
        entry.service_date = details.service_date
        entry.code, entry.title = act.coded(entry, entry.code)
    entry.modifiers, entry.units = modifiers, details.units
    entry.service_date, entry.rendering_provider = details.service_date, details.rendering_provider.strip()
    entry.diagnosis_pointers = list(dict.fromkeys(details.diagnosis_pointers))
    if snapshot(entry) != before:
        act.write(entry, DecisionAction.SET_PROCEDURE, before)
        act.finish()
    return entry
