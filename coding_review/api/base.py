"""What all views of the API share: strict bodies, who may read text, answers and their description."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from coding_review.api.errors import CONTENT_TYPE
from coding_review.api.parsers import StrictJSONParser
from coding_review.api.serializers import READS_TEXT, ProblemSerializer
from coding_review.auth import RoleBackend
from coding_review.rules.permissions import READ_DOCUMENTS

_READ = (400, 401, 403, 404, 406, 429)
_WRITE = (400, 401, 403, 404, 406, 413, 415, 429)
_WORDS: dict[int, str] = {
    400: "The request is not valid; `errors` names the fields. Also an address or a cookie with a NUL character",
    401: "Not signed in",
    403: "The right is missing, or a session's request came without its CSRF token",
    404: "Not there, or not open to you",
    406: "Only application/json is given",
    409: "Not possible in this state; `code` says why, `data` what stands",
    413: "The body is too large",
    415: "Only application/json is taken",
    422: "Complete, but against a rule; `code` says which",
    429: "Too many requests; Retry-After says in how many seconds to ask again",
}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    return {(status, CONTENT_TYPE): OpenApiResponse(ProblemSerializer, _WORDS[status]) for status in statuses}


def reads(answer: Any, *more: int) -> dict[Any, Any]:
    """The responses of a GET, for extend_schema."""
    return {200: answer} | problems(*_READ, *more)


def writes(answers: dict[int, Any], *more: int) -> dict[Any, Any]:
    """The responses of a POST, for extend_schema."""
    return answers | problems(*_WRITE, *more)


class ReviewView(APIView):
    """Adapters: getter, input, action, answer."""

    parser_classes = (StrictJSONParser,)

    def read(self, input_class: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """The body, valid. Raises ValidationError (400 with the fields)."""
        given = input_class(data=self.request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def show(
        self,
        answer_class: type[serializers.Serializer[Any]],
        instance: Any,
        *,
        status: int = 200,
        many: bool = False,
    ) -> Response:
        reads_text = RoleBackend().has_perm(self.request.user, READ_DOCUMENTS)
        context = {READS_TEXT: reads_text}
        return Response(answer_class(instance, many=many, context=context).data, status=status)
