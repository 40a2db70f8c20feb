"""The OpenAPI schema, the page that shows it, and the answer to addresses that do not exist."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.exceptions import NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from coding_review.api import schema

# Imported for drf-spectacular, which finds its extensions by their classes.
EXTENSIONS = (schema.ClosedInput,)
METHODS = ("get", "post", "put", "patch", "delete")
TAGS = ("Token", "Encounters", "Documents", "Code sets", "Entries", "Evaluation", "Monitoring")


class SchemaView(SpectacularAPIView):
    """YAML, or JSON with ?format=json."""

    permission_classes = (IsAuthenticated,)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        if response.status_code >= 400:
            # A problem is JSON, also where YAML was asked for.
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


@extend_schema(exclude=True)
class NoSuchAddress(APIView):
    """401 or 404 as problem+json, whatever the method."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("The API has no such address; addresses end with a slash.")


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: str
    type: str
    required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    required: bool
    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    status: str
    words: str
    shape: str


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    summary: str
    words: str
    parameters: tuple[Parameter, ...]
    fields: tuple[Field, ...]
    answers: tuple[Answer, ...]
    curl: str


@dataclass(frozen=True, slots=True)
class Section:
    id: str
    name: str
    operations: tuple[Operation, ...]


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """Everything the API can do, from its schema; no script is needed to read it."""
    generated = SchemaGenerator().get_schema(request=None, public=True)
    base = request.build_absolute_uri("/").rstrip("/")
    context = {"sections": sections_of(generated, base), "base": base, "schema_url": reverse("api:schema")}
    return render(request, "coding_review/api_docs.html", context)


def sections_of(api: dict[str, Any], base: str) -> tuple[Section, ...]:
    """The schema's operations by tag, in the order of TAGS."""
    by_tag: dict[str, list[Operation]] = {tag: [] for tag in TAGS}
    for path, item in api["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                by_tag[operation["tags"][0]].append(_operation(api, base, method, path, operation))
    return tuple(
        Section(tag.lower().replace(" ", "-"), tag, tuple(operations))
        for tag, operations in by_tag.items()
        if operations
    )


def _operation(api: dict[str, Any], base: str, method: str, path: str, raw: dict[str, Any]) -> Operation:
    body = raw.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    fields = _fields(api, body) if body else ()
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        path=path,
        summary=raw["summary"],
        words=" ".join(raw.get("description", "").split()),
        parameters=tuple(
            Parameter(
                p["name"],
                p["in"],
                _type(api, p["schema"]),
                p.get("required", False),
                p.get("description", ""),
            )
            for p in raw.get("parameters", ())
        ),
        fields=fields,
        answers=tuple(_answer(status, answer) for status, answer in sorted(raw["responses"].items())),
        curl=_curl(base, method, path, fields, open_to_all="security" not in raw),
    )


def _resolved(api: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """The node itself, behind a reference or the first of several forms."""
    while True:
        if "$ref" in node:
            node = api["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]]
        elif len(node.get("allOf", ())) == 1:
            node = node["allOf"][0]
        elif "oneOf" in node and "properties" not in node:
            node = node["oneOf"][0]
        else:
            return node


def _fields(api: dict[str, Any], node: dict[str, Any]) -> tuple[Field, ...]:
    found = _resolved(api, node)
    required = set(found.get("required", ()))
    return tuple(
        Field(name, _type(api, each), name in required, each.get("description", ""))
        for name, each in found.get("properties", {}).items()
    )


def _type(api: dict[str, Any], node: dict[str, Any]) -> str:
    found = _resolved(api, node)
    if "enum" in found:
        return ", ".join(str(value) for value in found["enum"])
    if found.get("type") == "array":
        return f"list of {_type(api, found['items'])}"
    if found.get("type") == "object" and found.get("properties"):
        return f"object: {', '.join(found['properties'])}"
    return str(found.get("format") or found.get("type") or "any")


def _answer(status: str, raw: dict[str, Any]) -> Answer:
    shape = ""
    for content in raw.get("content", {}).values():
        node = content["schema"]
        reference = node.get("$ref") or node.get("items", {}).get("$ref", "")
        shape = reference.rsplit("/", 1)[-1]
    return Answer(status, raw.get("description") or HTTPStatus(int(status)).phrase, shape)


# What a first call needs; fields with a choice show their first value.
_SAMPLES: dict[str, Any] = {
    "id": "encounter-1",
    "text": "DISCHARGE SUMMARY\nType 2 diabetes mellitus.",
    "facility": "TVMC",
    "work_group": "inpatient",
    "username": "coder",
    "password": "…",
    "action": "accept",
    "version": 0,
    "revision": 7,
    "code": "E11.9",
    "evidence": [{"document_version": 12, "line_start": 3, "line_end": 3}],
}
_SHOWN_THOUGH_OPTIONAL = frozenset({"text", "evidence", "role"})


def _curl(base: str, method: str, path: str, fields: tuple[Field, ...], *, open_to_all: bool) -> str:
    parts = [f"curl {'' if method == 'get' else f'-X {method.upper()} '}'{base}{path}'"]
    if not open_to_all:
        parts.append("-H 'Authorization: Token <token>'")
    if fields:
        sample = {
            f.name: _SAMPLES.get(f.name, f.type.split(", ")[0])
            for f in fields
            if f.required or (f.name in _SHOWN_THOUGH_OPTIONAL)
        }
        parts += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(sample, ensure_ascii=False)}'"]
    return " \\\n  ".join(parts)
