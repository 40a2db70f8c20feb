"""Accept a suggested code as it stands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from catalog.choices import ClaimType
from catalog.choices import PresentOnAdmission as Poa
from catalog.poa import is_poa_exempt
from coding_review.choices import DecisionAction, EntryState
from coding_review.deciding import begin_on, snapshot
from coding_review.errors import InvalidDecision
from coding_review.models import CodeEntry


@transaction.atomic
def accept(
    actor: Any,
    code_set_id: int,
    entry_id: int,
    *,
    poa: str = "",
    seen_version: int | None = None,
    batch: UUID | None = None,
    on_card: bool = False,
) -> CodeEntry:
    """`poa` is taken where the claim type carries it.

    Raises StalePage, InvalidCode (the release does not have it), InvalidDecision (already in the set, unknown POA).
    """
    if poa not in ("", *Poa.values):
        raise InvalidDecision("POA is Y, N, U, W or exempt.", poa=poa)
    act, entry = begin_on(actor, code_set_id, entry_id, seen_version, batch, on_card=on_card)
    if act.repeated:
        return entry
    if not entry.suggested_code:
        raise InvalidDecision("An added code is already in the set.", entry_id=entry_id)
    code, title = act.coded(entry, entry.suggested_code)
    before = snapshot(entry)
    entry.code, entry.title, entry.reason = code, title, ""
    act.refuse_duplicate(entry, entry.system, entry.code)
    entry.state, entry.poa = EntryState.ACCEPTED, poa or entry.poa
    enter_code_set(entry, act.code_set.claim_type, act.next_sequence())
    act.write(entry, DecisionAction.ACCEPT, before)
    act.finish()
    return entry


def enter_code_set(entry: CodeEntry, claim_type: str, next_sequence: int) -> None:
    """What an entry gets when it becomes a code line: a place in the order, and POA exempt where plain."""
    if not entry.sequence:
        entry.sequence = next_sequence
    if claim_type == ClaimType.FACILITY_INPATIENT:
        if is_poa_exempt(entry.code):
            entry.poa = entry.poa or Poa.EXEMPT
        elif entry.poa == Poa.EXEMPT:
            entry.poa = ""
    else:
        entry.poa = ""
