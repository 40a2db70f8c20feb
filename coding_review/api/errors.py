"""One mapping from an error to problem+json (RFC 9457).

Every body has type, title, status, detail and code. `data` carries what the rule knows (ids, codes), `errors`
the fields of an invalid request: `{"field": "documents.0.text", "code": "required", "message": …}`.
"""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.http import JsonResponse
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from coding_review.refusals import Refusal, refusal_of

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:coding-review:problem:"
# What Django raises instead of DRF's own classes.
CODE_OF_STATUS = {403: "permission_denied", 404: "not_found"}


def problem_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER. None for what is not a refusal: that is a fault of the server and a 500."""
    refusal = refusal_of(exc)
    if refusal is not None:
        set_rollback()
        return Response(
            body_of(refusal), status=refusal.status, headers=refusal.headers, content_type=CONTENT_TYPE
        )
    response = exception_handler(exc, context)
    if response is None:
        return None
    status = response.status_code
    headers = {
        name: response[name] for name in ("WWW-Authenticate", "Retry-After", "Allow") if name in response
    }
    if isinstance(exc, ValidationError):
        errors = list(_flatten(exc.get_full_details()))
        return _problem(
            status, "invalid", "The request is not valid", "Some fields are not valid.", {"errors": errors}
        )
    code = CODE_OF_STATUS.get(status, "error")
    detail = HTTPStatus(status).phrase
    if isinstance(exc, APIException):
        codes = exc.get_codes()
        code = codes if isinstance(codes, str) else exc.default_code
        detail = str(exc.detail) if isinstance(exc.detail, str) else detail
    return _problem(status, code, HTTPStatus(status).phrase, detail, {}, headers)


def unreadable(detail: str) -> JsonResponse:
    """For what is refused before any view is asked."""
    return JsonResponse(
        _body(400, "unreadable", HTTPStatus.BAD_REQUEST.phrase, detail, {}),
        status=400,
        content_type=CONTENT_TYPE,
    )


def body_of(refusal: Refusal) -> dict[str, Any]:
    extra = {"data": refusal.data} if refusal.data else {}
    return _body(refusal.status, refusal.code, refusal.title, refusal.message, extra)


def _body(status: int, code: str, title: str, detail: str, extra: dict[str, Any]) -> dict[str, Any]:
    return {"type": TYPE + code, "title": title, "status": status, "detail": detail, "code": code, **extra}


def _problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    extra: dict[str, Any],
    headers: dict[str, str] | None = None,
) -> Response:
    body = _body(status, code, title, detail, extra)
    return Response(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def _flatten(details: Any, path: tuple[str, ...] = ()) -> Iterator[dict[str, str]]:
    """DRF's nested details as one list with dotted paths."""
    if isinstance(details, list):
        for index, each in enumerate(details):
            # A list of messages belongs to its field; a list of objects is counted.
            leaf = isinstance(each, dict) and set(each) == {"message", "code"}
            yield from _flatten(each, path if leaf else (*path, str(index)))
    elif (
        isinstance(details, dict) and set(details) == {"message", "code"} and isinstance(details["code"], str)
    ):
        yield {
            "field": ".".join(p for p in path if p != "non_field_errors"),
            "code": details["code"],
            "message": str(details["message"]),
        }
    elif isinstance(details, dict):
        for name, each in details.items():
            yield from _flatten(each, (*path, str(name)))
