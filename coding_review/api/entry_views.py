"""One code under review: deciding on it, and what its line carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from coding_review.actions.accept import accept
from coding_review.actions.dismiss import dismiss
from coding_review.actions.hold_entry import hold_entry
from coding_review.actions.modify import modify
from coding_review.actions.reject import reject
from coding_review.actions.set_line import ProcedureDetails, set_poa, set_procedure, set_role
from coding_review.actions.set_sequence import move_line
from coding_review.actions.withdraw import withdraw
from coding_review.api import reads as rows
from coding_review.api.base import writes
from coding_review.api.code_set_views import _CodeSetActView, remember_shown
from coding_review.api.inputs import LINE_CHANGES, DecideIn, LineIn
from coding_review.api.serializers import ChangedSerializer
from coding_review.choices import DecisionAction
from coding_review.models import CodeEntry
from coding_review.rules.permissions import CODE_ENCOUNTER
from coding_review.web.getters import get_entry_for

Act = Callable[[Any, CodeEntry, dict[str, Any], dict[str, Any]], list[CodeEntry]]


def _accept(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    return [accept(user, entry.reading.code_set_id, entry.pk, poa=given.get("poa", ""), **common)]


def _reject(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    words = {"reason": given["reason"], "comment": given["comment"]}
    return [reject(user, entry.reading.code_set_id, entry.pk, **words, **common)]


def _modify(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    words = {name: given[name] for name in ("code", "reason", "comment")}
    return [modify(user, entry.reading.code_set_id, entry.pk, **words, **common)]


def _dismiss(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    return [dismiss(user, entry.reading.code_set_id, entry.pk, **common)]


def _hold(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    return [hold_entry(user, entry.reading.code_set_id, entry.pk, comment=given["comment"], **common)]


def _withdraw(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    return [withdraw(user, entry.reading.code_set_id, entry.pk, **common)]


DECISIONS: dict[str, Act] = {
    DecisionAction.ACCEPT: _accept,
    DecisionAction.REJECT: _reject,
    DecisionAction.MODIFY: _modify,
    DecisionAction.DISMISS: _dismiss,
    DecisionAction.HOLD: _hold,
    DecisionAction.WITHDRAW: _withdraw,
}


def _role(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    return set_role(user, entry.reading.code_set_id, entry.pk, role=given["role"], **common)


def _poa(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    return [set_poa(user, entry.reading.code_set_id, entry.pk, poa=given["poa"], **common)]


def _move(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    return move_line(user, entry.reading.code_set_id, entry.pk, by=given["move"], **common)


def _procedure(user: Any, entry: CodeEntry, given: dict[str, Any], common: dict[str, Any]) -> list[CodeEntry]:
    sent = given["procedure"]
    details = ProcedureDetails(
        modifiers=tuple(sent["modifiers"]),
        units=sent["units"],
        service_date=sent["service_date"],
        rendering_provider=sent["rendering_provider"],
        diagnosis_pointers=tuple(sent["diagnosis_pointers"]),
    )
    return [set_procedure(user, entry.reading.code_set_id, entry.pk, details=details, **common)]


CHANGES: dict[str, tuple[str, Act]] = {
    "role": (DecisionAction.SET_ROLE, _role),
    "poa": (DecisionAction.SET_POA, _poa),
    "move": (DecisionAction.SET_SEQUENCE, _move),
    "procedure": (DecisionAction.SET_PROCEDURE, _procedure),
}


class _EntryActView(_CodeSetActView):
    def perform(self, entry: CodeEntry, act: Act, action: str, given: dict[str, Any]) -> Response:
        code_set = entry.reading.code_set
        batch = given.get("act")
        rows.refuse_reused(self.request.user, code_set, batch, Q(entry=entry, action=action))
        common = {"seen_version": given["version"], "batch": batch}
        return self.changed(code_set, [entry, *act(self.request.user, entry, given, common)])


class DecideView(_EntryActView):
    @extend_schema(
        operation_id="entries_decide",
        summary="Decide on a code",
        tags=["Entries"],
        request=DecideIn,
        responses=writes({200: ChangedSerializer}, 409, 422),
    )
    def post(self, request: Request, entry_id: int) -> Response:
        """Accept, reject with a reason, modify to another code, dismiss a LOW one, hold for a query, or withdraw
        what was decided. 409 `stale_page` names the state that stands when the version is not the entry's.
        """
        entry = get_entry_for(request.user, entry_id, CODE_ENCOUNTER)
        given = self.read(DecideIn)
        # Who decides on a code was shown it.
        remember_shown(request.user, entry.reading.code_set, [entry.pk])
        return self.perform(entry, DECISIONS[given["action"]], given["action"], given)


class LineView(_EntryActView):
    @extend_schema(
        operation_id="entries_line",
        summary="Change a code's line",
        tags=["Entries"],
        request=LineIn,
        responses=writes({200: ChangedSerializer}, 409, 422),
    )
    def post(self, request: Request, entry_id: int) -> Response:
        """Its role, POA, place in the order, or a procedure's details: one a request. The answer has every line
        that changed, also the one that lost a role only one can have.
        """
        entry = get_entry_for(request.user, entry_id, CODE_ENCOUNTER)
        given = self.read(LineIn)
        action, act = CHANGES[next(name for name in LINE_CHANGES if name in given)]
        return self.perform(entry, act, action, given)
