"""Encounters: sending, listing, reading, and what is done with one as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from coding_review.actions.cancel_prediction import cancel_prediction
from coding_review.actions.claim import claim
from coding_review.actions.hold import hold, resume
from coding_review.actions.open_encounter import open_encounter
from coding_review.actions.receive_encounter import Outcome, receive_encounter
from coding_review.actions.retry_prediction import retry_prediction
from coding_review.actions.skip import skip
from coding_review.api import reads as rows
from coding_review.api.base import ReviewView, reads, writes
from coding_review.api.errors import body_of
from coding_review.api.inputs import EncounterFilter, EncounterIn, HoldIn, Input, NothingIn, SkipIn
from coding_review.api.paging import NewestFirst
from coding_review.api.serializers import (
    DocumentSerializer,
    DocumentTextSerializer,
    EncounterPageSerializer,
    EncounterSerializer,
    EncounterStateSerializer,
    ReceiptsSerializer,
)
from coding_review.auth import RoleBackend, require
from coding_review.choices import CodeSetStatus, EncounterStatus
from coding_review.errors import InvalidImport, ReviewError
from coding_review.intake.jsonl import incoming_from_object
from coding_review.models import CodeSet, DocumentVersion, Encounter
from coding_review.refusals import refusal_of
from coding_review.rules.permissions import CODE_ENCOUNTER, IMPORT, QUEUE, READ_DOCUMENTS, VIEW_WORKLIST
from coding_review.web.getters import HIDDEN, get_encounter_for

MAX_OBJECTS = 500
PAGE_PARAMETERS = [
    OpenApiParameter("cursor", str, description="From `next` or `previous` of a page"),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1}, description="Rows a page"),
]


class EncountersView(ReviewView):
    @extend_schema(
        operation_id="encounters_list",
        summary="List encounters, newest first",
        tags=["Encounters"],
        parameters=[EncounterFilter, *PAGE_PARAMETERS],
        responses=reads(EncounterPageSerializer),
    )
    def get(self, request: Request) -> Response:
        """Those of your work groups, up to your confidentiality label. Needs the right to see the worklist."""
        require(request.user, VIEW_WORKLIST)
        filters = EncounterFilter(data=request.query_params)
        filters.is_valid(raise_exception=True)
        pages = NewestFirst()
        found = rows.visible_encounters(request.user, filters.validated_data)
        page = {
            "results": pages.paginate_queryset(found, request, view=self),
            "next": pages.get_next_link(),
            "previous": pages.get_previous_link(),
        }
        return self.show(EncounterPageSerializer, page)

    @extend_schema(
        operation_id="encounters_send",
        summary="Send encounters",
        tags=["Encounters"],
        request=PolymorphicProxySerializer(
            component_name="EncountersIn",
            serializers=[EncounterIn, EncounterIn(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses=writes(
            {201: ReceiptsSerializer, 200: ReceiptsSerializer, 207: ReceiptsSerializer}, 409, 422
        ),
    )
    def post(self, request: Request) -> Response:
        """One object of the batch interface, or a list of up to 500. Needs the right to bring encounters in.

        Idempotent by source and id, and by the hash of each text: the same request sent again stores nothing.
        A known document with another text becomes its next version. 201: at least one encounter was new;
        200: all were known. Of a list each object stands for itself: 207 when any was refused (its `error` says
        why, the others are in); a lone object that is refused is answered with its error alone.
        """
        require(request.user, IMPORT)
        lone = isinstance(request.data, Mapping)
        objects: Any = [request.data] if lone else request.data
        if not isinstance(objects, list) or not 1 <= len(objects) <= MAX_OBJECTS:
            raise ValidationError(f"An object, or a list of 1 to {MAX_OBJECTS}.", code="invalid")
        results: list[dict[str, Any]] = []
        seen: dict[tuple[str, str], int] = {}
        for index, each in enumerate(objects):
            try:
                results.append(self._receive(index, each, seen, bulk=len(objects) > 1))
            except ReviewError as error:
                if lone:
                    raise
                results.append(_refused(index, each, error))
        created = sum(r["status"] == 201 for r in results)
        known = sum(r["status"] == 200 for r in results)
        refused = len(results) - created - known
        answer = {"created": created, "known": known, "refused": refused, "results": results}
        status = 207 if refused else 201 if created else 200
        return self.show(ReceiptsSerializer, answer, status=status)

    def _receive(
        self, index: int, each: Any, seen: dict[tuple[str, str], int], *, bulk: bool
    ) -> dict[str, Any]:
        if not isinstance(each, Mapping):
            raise InvalidImport("Not a JSON object.")
        incoming = incoming_from_object(each)
        first = seen.setdefault((incoming.source, str(each["id"])), index)
        if first != index:
            raise InvalidImport(f"The id is already used by object {first} of this list.", field="id")
        receipt = receive_encounter(self.request.user, incoming, via="api", bulk=bulk)
        return {
            "index": index,
            "id": each["id"],
            "status": 201 if receipt.outcome == Outcome.CREATED else 200,
            "outcome": str(receipt.outcome),
            "encounter": receipt.encounter_id,
            "document_versions": list(receipt.document_version_ids),
            "updated": list(receipt.updated),
            "kept": list(receipt.kept),
            "error": None,
        }


def _refused(index: int, each: Any, error: ReviewError) -> dict[str, Any]:
    given = each.get("id") if isinstance(each, Mapping) else None
    refusal = refusal_of(error)
    return {
        "index": index,
        "id": given[:200] if isinstance(given, str) else None,
        "status": error.status,
        "outcome": "refused",
        "encounter": None,
        "document_versions": [],
        "updated": [],
        "kept": [],
        "error": body_of(refusal) if refusal else None,
    }


class EncounterView(ReviewView):
    @extend_schema(
        operation_id="encounters_read",
        summary="Read an encounter",
        tags=["Encounters"],
        responses=reads(EncounterSerializer),
    )
    def get(self, request: Request, encounter_id: int) -> Response:
        """Name, record and account number are null without the right to read documents."""
        encounter = get_encounter_for(request.user, encounter_id, VIEW_WORKLIST)
        identity = RoleBackend().has_perm(request.user, READ_DOCUMENTS)
        return self.show(EncounterSerializer, rows.with_details(encounter, identity=identity))


class DocumentsView(ReviewView):
    @extend_schema(
        operation_id="documents_list",
        summary="List an encounter's documents",
        tags=["Documents"],
        responses=reads(DocumentSerializer(many=True)),
    )
    def get(self, request: Request, encounter_id: int) -> Response:
        """In reading order, each with its versions and without text. Needs the right to read documents."""
        encounter = get_encounter_for(request.user, encounter_id, READ_DOCUMENTS)
        return self.show(DocumentSerializer, rows.documents_of(encounter), many=True)


class DocumentTextView(ReviewView):
    @extend_schema(
        operation_id="documents_read",
        summary="Read a version of a document",
        tags=["Documents"],
        responses=reads(DocumentTextSerializer),
    )
    def get(self, request: Request, encounter_id: int, version_id: int) -> Response:
        """With its text. Needs the right to read documents; the reading is written to the audit log."""
        encounter = get_encounter_for(request.user, encounter_id, READ_DOCUMENTS)
        version = DocumentVersion.objects.filter(pk=version_id, document__encounter=encounter).first()
        code_set = CodeSet.objects.current().filter(encounter=encounter).order_by("pk").first()
        if version is None or code_set is None:
            raise Http404(HIDDEN)
        coding = encounter.status == EncounterStatus.IN_REVIEW and encounter.owner_id == request.user.pk
        code_set.encounter = encounter
        open_encounter(
            request.user, code_set, read_only=not (coding and code_set.status == CodeSetStatus.OPEN)
        )
        return self.show(DocumentTextSerializer, version)


class _EncounterActView(ReviewView):
    """An act on an encounter, by who codes it unless another right is named."""

    def perform(
        self,
        encounter_id: int,
        act: Callable[..., object],
        takes: type[Input] = NothingIn,
        right: str = CODE_ENCOUNTER,
    ) -> Response:
        """`act` with the fields of `takes`, on an encounter that is open to the user."""
        found = get_encounter_for(self.request.user, encounter_id, right)
        act(self.request.user, found.pk, **self.read(takes))
        encounter = Encounter.objects.select_related("owner").get(pk=found.pk)
        return self.show(EncounterStateSerializer, encounter)


class TakeView(_EncounterActView):
    @extend_schema(
        operation_id="encounters_take",
        summary="Take an encounter",
        tags=["Encounters"],
        request=NothingIn,
        responses=writes({200: EncounterStateSerializer}, 409),
    )
    def post(self, request: Request, encounter_id: int) -> Response:
        """It is yours, with a lease that slides with every decision. 409 when someone else has it."""
        return self.perform(encounter_id, claim)


class HoldView(_EncounterActView):
    @extend_schema(
        operation_id="encounters_hold",
        summary="Put an encounter on hold",
        tags=["Encounters"],
        request=HoldIn,
        responses=writes({200: EncounterStateSerializer}, 409, 422),
    )
    def post(self, request: Request, encounter_id: int) -> Response:
        """It waits with a reason and keeps its owner. The reason "other" needs a comment."""
        return self.perform(encounter_id, hold, HoldIn)


class ResumeView(_EncounterActView):
    @extend_schema(
        operation_id="encounters_resume",
        summary="Resume an encounter on hold",
        tags=["Encounters"],
        request=NothingIn,
        responses=writes({200: EncounterStateSerializer}, 409),
    )
    def post(self, request: Request, encounter_id: int) -> Response:
        """By who put it on hold."""
        return self.perform(encounter_id, resume)


class SkipView(_EncounterActView):
    @extend_schema(
        operation_id="encounters_skip",
        summary="Give an encounter back",
        tags=["Encounters"],
        request=SkipIn,
        responses=writes({200: EncounterStateSerializer}, 409, 422),
    )
    def post(self, request: Request, encounter_id: int) -> Response:
        """With a reason; "next" does not offer it to you again. The reason "other" needs a comment."""
        return self.perform(encounter_id, skip, SkipIn)


class PredictView(_EncounterActView):
    @extend_schema(
        operation_id="encounters_predict",
        summary="Predict again",
        tags=["Encounters"],
        request=NothingIn,
        responses=writes({200: EncounterStateSerializer}, 409),
    )
    def post(self, request: Request, encounter_id: int) -> Response:
        """Where the prediction failed, was cancelled, or another engine stood in. Needs the right to queue."""
        return self.perform(encounter_id, retry_prediction, right=QUEUE)


class CancelPredictionView(_EncounterActView):
    @extend_schema(
        operation_id="encounters_cancel_prediction",
        summary="Cancel the prediction",
        tags=["Encounters"],
        request=NothingIn,
        responses=writes({200: EncounterStateSerializer}, 409),
    )
    def post(self, request: Request, encounter_id: int) -> Response:
        """What waits is not begun, what is at work ends within seconds. Needs the right to queue a prediction."""
        return self.perform(encounter_id, cancel_prediction, right=QUEUE)
