"""Code sets: suggestions, decisions, lines; adding a code, undo and redo, signing off and reopening."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from coding_review.actions.add_code import Selection, add_code
from coding_review.actions.record_exposure import record_exposure
from coding_review.actions.reopen import reopen
from coding_review.actions.sign_off import sign_off
from coding_review.actions.undo import redo, undo
from coding_review.api import reads as rows
from coding_review.api.base import ReviewView, reads, writes
from coding_review.api.encounter_views import PAGE_PARAMETERS
from coding_review.api.inputs import ActIn, AddCodeIn, ReopenIn, SignOffIn
from coding_review.api.paging import ByNumber
from coding_review.api.serializers import (
    ChangedSerializer,
    CodeSetDetailSerializer,
    CodeSetSerializer,
    DecisionPageSerializer,
    SignedCodeSetSerializer,
    SuggestionsSerializer,
)
from coding_review.blocking import blockers_of
from coding_review.choices import Assistance, CodeSetStatus, DecisionAction, EncounterStatus, ReadingKind
from coding_review.errors import InvalidEvidence, WrongStatus
from coding_review.models import CodeEntry, CodeSet, Decision, DocumentVersion, Exposure, Reading
from coding_review.places import utf16_column
from coding_review.rules.permissions import CODE_ENCOUNTER, REOPEN, SIGN_OFF, VIEW_HISTORY, VIEW_WORKLIST
from coding_review.web.getters import get_code_set_for


def is_with(user: Any, code_set: CodeSet) -> bool:
    """Whether this user is coding it now."""
    encounter = code_set.encounter
    return (
        code_set.status == CodeSetStatus.OPEN
        and encounter.status == EncounterStatus.IN_REVIEW
        and encounter.owner_id == user.pk
    )


def remember_shown(user: Any, code_set: CodeSet, entry_ids: list[int]) -> None:
    """Who codes it was shown these entries: stored with the decisions that follow (assistance)."""
    if not is_with(user, code_set):
        return
    known = Exposure.objects.filter(user=user, entry__in=entry_ids).values_list("entry", flat=True)
    new = set(entry_ids) - set(known)
    if not new:
        return
    reading = Reading.objects.filter(code_set=code_set, kind=ReadingKind.CODING).first()
    after = reading is not None and reading.assistance == Assistance.AFTER_FIRST_READ
    record_exposure(user, code_set.pk, shown=new, after_first_read=after)


class CodeSetView(ReviewView):
    @extend_schema(
        operation_id="code_sets_read",
        summary="Read a code set",
        tags=["Code sets"],
        responses=reads(CodeSetDetailSerializer),
    )
    def get(self, request: Request, code_set_id: int) -> Response:
        """Status, release, revision, and what keeps it from being signed off."""
        code_set = get_code_set_for(request.user, code_set_id, VIEW_WORKLIST)
        is_open = code_set.status == CodeSetStatus.OPEN
        found = blockers_of(code_set) if is_open else []
        # Drawn from two sources, so put together here.
        code_set.blockers = found  # type: ignore[attr-defined]  # read by the serializer only
        return self.show(CodeSetDetailSerializer, code_set)


class SuggestionsView(ReviewView):
    @extend_schema(
        operation_id="code_sets_suggestions",
        summary="Read the suggestions and added codes",
        tags=["Code sets"],
        responses=reads(SuggestionsSerializer),
    )
    def get(self, request: Request, code_set_id: int) -> Response:
        """In document order, with evidence, state and version. Needs the right to see an encounter's history;
        quotes and rationales are null without the right to read documents. For who codes the encounter it is
        stored that they were shown.
        """
        code_set = get_code_set_for(request.user, code_set_id, VIEW_HISTORY)
        entries = rows.shown_entries(code_set)
        remember_shown(request.user, code_set, [e.pk for e in entries])
        return self.show(SuggestionsSerializer, {"code_set": code_set, "entries": entries})


class DecisionsView(ReviewView):
    @extend_schema(
        operation_id="code_sets_decisions",
        summary="Read the decisions",
        tags=["Code sets"],
        parameters=PAGE_PARAMETERS,
        responses=reads(DecisionPageSerializer),
    )
    def get(self, request: Request, code_set_id: int) -> Response:
        """In the order they were made; the latest of an entry stands."""
        code_set = get_code_set_for(request.user, code_set_id, VIEW_HISTORY)
        found = Decision.objects.filter(
            reading__code_set=code_set, reading__kind=ReadingKind.CODING
        ).select_related("actor", "payload")
        pages = ByNumber()
        page = {
            "results": pages.paginate_queryset(found, request, view=self),
            "next": pages.get_next_link(),
            "previous": pages.get_previous_link(),
        }
        return self.show(DecisionPageSerializer, page)


class LinesView(ReviewView):
    @extend_schema(
        operation_id="code_sets_lines",
        summary="Read the signed lines",
        tags=["Code sets"],
        responses=reads(SignedCodeSetSerializer, 409),
    )
    def get(self, request: Request, code_set_id: int) -> Response:
        """As they were signed off, in billing order, with the editions used. 409 while it is not signed."""
        code_set = get_code_set_for(request.user, code_set_id, VIEW_HISTORY)
        if code_set.signed_at is None:
            raise WrongStatus("The code set is not signed off.", status=str(code_set.status))
        signed = CodeSet.objects.prefetch_related("lines").select_related("release", "signed_by")
        return self.show(SignedCodeSetSerializer, signed.get(pk=code_set.pk))


class _CodeSetActView(ReviewView):
    def changed(self, code_set: CodeSet, entries: Iterable[CodeEntry]) -> Response:
        fresh = CodeSet.objects.get(pk=code_set.pk)
        found = rows.entries_of(fresh, [e.pk for e in entries])
        return self.show(ChangedSerializer, {"code_set": fresh, "entries": found})


class AddCodeView(_CodeSetActView):
    @extend_schema(
        operation_id="code_sets_add",
        summary="Add a code that was missed",
        tags=["Code sets"],
        request=AddCodeIn,
        responses=writes({200: ChangedSerializer}, 409, 422),
    )
    def post(self, request: Request, code_set_id: int) -> Response:
        """A diagnosis needs evidence from the newest version of a document of the encounter. A code that stands
        suggested gets no second entry: its own is accepted, with this evidence added.
        """
        code_set = get_code_set_for(request.user, code_set_id, CODE_ENCOUNTER)
        given = self.read(AddCodeIn)
        rows.refuse_reused(request.user, code_set, given.get("act"), Q(action=DecisionAction.ADD))
        entry = add_code(
            request.user,
            code_set.pk,
            code=given["code"],
            system=given["system"],
            selections=selections(code_set, given.get("evidence", [])),
            comment=given["comment"],
            batch=given.get("act"),
        )
        return self.changed(code_set, [entry])


def selections(code_set: CodeSet, evidence: Iterable[dict[str, Any]]) -> tuple[Selection, ...]:
    """Code points as the API has them to what the action takes. Raises InvalidEvidence."""
    return tuple(_selection(code_set, place) for place in evidence)


def _selection(code_set: CodeSet, place: dict[str, Any]) -> Selection:
    version_id, first, last = place["document_version"], place["line_start"], place["line_end"]
    if "quote" not in place:
        return Selection(version_id, first, last)
    version = DocumentVersion.objects.filter(
        pk=version_id, document__encounter_id=code_set.encounter_id
    ).first()
    if version is None:
        raise InvalidEvidence("The document does not belong to this encounter.")
    lines = version.lines
    if not 1 <= first <= last <= len(lines):
        raise InvalidEvidence(f"The document has no lines {first} to {last}; it has {len(lines)}.")
    start, end = place["col_start"], place["col_end"]
    if start > len(lines[first - 1]) or end > len(lines[last - 1]):
        raise InvalidEvidence(f"The columns lie outside lines {first} to {last}.")
    if not place["quote"].strip():
        raise InvalidEvidence("Nothing but white space is selected.")
    return Selection(
        version_id,
        first,
        last,
        utf16_start=utf16_column(lines[first - 1], start),
        utf16_end=utf16_column(lines[last - 1], end),
        selected=place["quote"],
    )


class _TurnView(_CodeSetActView):
    def turn(self, code_set_id: int, act: Callable[..., list[CodeEntry]], same: Q) -> Response:
        code_set = get_code_set_for(self.request.user, code_set_id, CODE_ENCOUNTER)
        batch = self.read(ActIn).get("act")
        rows.refuse_reused(self.request.user, code_set, batch, same)
        return self.changed(code_set, act(self.request.user, code_set.pk, batch=batch))


class UndoView(_TurnView):
    @extend_schema(
        operation_id="code_sets_undo",
        summary="Undo your latest act",
        tags=["Code sets"],
        request=ActIn,
        responses=writes({200: ChangedSerializer}, 409),
    )
    def post(self, request: Request, code_set_id: int) -> Response:
        """409 when nothing is left, or the latest act is someone else's."""
        return self.turn(code_set_id, undo, Q(undoes__isnull=False))


class RedoView(_TurnView):
    @extend_schema(
        operation_id="code_sets_redo",
        summary="Redo what was undone last",
        tags=["Code sets"],
        request=ActIn,
        responses=writes({200: ChangedSerializer}, 409),
    )
    def post(self, request: Request, code_set_id: int) -> Response:
        return self.turn(code_set_id, redo, Q(redoes__isnull=False))


class SignOffView(ReviewView):
    @extend_schema(
        operation_id="code_sets_sign_off",
        summary="Sign off a code set",
        tags=["Code sets"],
        request=SignOffIn,
        responses=writes({200: CodeSetSerializer}, 409),
    )
    def post(self, request: Request, code_set_id: int) -> Response:
        """Freezes its lines under your name. 409 names what blocks, or that it changed since that revision."""
        code_set = get_code_set_for(request.user, code_set_id, SIGN_OFF)
        given = self.read(SignOffIn)
        signed = sign_off(request.user, code_set.pk, seen_revision=given["revision"])
        return self.show(CodeSetSerializer, signed)


class ReopenView(ReviewView):
    @extend_schema(
        operation_id="code_sets_reopen",
        summary="Reopen a signed code set",
        tags=["Code sets"],
        request=ReopenIn,
        responses=writes({201: CodeSetSerializer}, 409, 422),
    )
    def post(self, request: Request, code_set_id: int) -> Response:
        """Makes the next version, in your hands, with every decision carried over; the signed one stays."""
        code_set = get_code_set_for(request.user, code_set_id, REOPEN)
        return self.show(
            CodeSetSerializer, reopen(request.user, code_set.pk, **self.read(ReopenIn)), status=201
        )
