"""Refusals as pages, as notes for htmx and as problem+json; who is told that something exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.errors import UnknownCode
from coding_review.errors import NotAllowed, SignOffBlocked
from coding_review.models import CodeEntry, CodeSet, Encounter, Reading
from coding_review.rules.permissions import CODE_ENCOUNTER, READ_DOCUMENTS, VIEW_HISTORY
from coding_review.web.getters import get_code_set_for, get_encounter_for, get_entry_for

BLOCKED = SignOffBlocked(
    "Sign-off waits for: 2 undecided", blockers=[{"id": "undecided", "message": "2 undecided", "count": 2}]
)


@login_not_required
def blocked(request: HttpRequest) -> HttpResponse:
    raise BLOCKED


@login_not_required
def unknown_code(request: HttpRequest) -> HttpResponse:
    raise UnknownCode("icd10cm", "FY2026", "E11.99")


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise KeyError("a fault of the server")


class _Line(serializers.Serializer[Any]):
    text = serializers.CharField()


class _Sent(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    documents = _Line(many=True)


ERRORS: dict[str, Exception] = {
    "blocked": BLOCKED,
    "unknown": UnknownCode("icd10cm", "FY2026", "E11.99"),
    "missing": Http404("nothing here"),
    "gone": NotFound(),
}


@login_not_required
@api_view(["GET"])
def signed_in_only(request: Request) -> Response:
    return Response({})


@login_not_required
@api_view(["GET", "POST"])
@permission_classes([])
def api(request: Request, what: str) -> Response:
    if what == "invalid":
        _Sent(data=request.data).is_valid(raise_exception=True)
    raise ERRORS[what]


urlpatterns = [
    path("blocked/", blocked),
    path("unknown/", unknown_code),
    path("broken/", broken),
    path("refusal-api/signed-in/", signed_in_only),
    path("refusal-api/<str:what>/", api),
    path("", include("coding_review.urls")),
]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture(autouse=True)
def plain_static(settings) -> None:  # type: ignore[no-untyped-def]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


def test_a_refusal_is_a_page_with_its_status_and_a_way_back(client: Client, db: None) -> None:
    response = client.post("/blocked/", headers={"Referer": "http://testserver/encounters/7/"})
    page = response.content.decode()
    assert response.status_code == 409
    assert "<h1>Sign-off is blocked</h1>" in page
    assert "<li>2 undecided</li>" in page
    assert "Nothing was changed." in page
    assert '<a class="btn pri" href="http://testserver/encounters/7/">Go back</a>' in page


def test_the_way_back_never_leaves_the_site(client: Client, db: None) -> None:
    page = client.get("/blocked/", headers={"Referer": "https://elsewhere.example/x"}).content.decode()
    assert "elsewhere" not in page
    assert "Go back" not in page
    assert '<a class="btn pri" href="/">Go to the start</a>' in page
    assert "Nothing was changed." not in page


def test_htmx_gets_a_note_for_the_messages_and_no_page(client: Client, db: None) -> None:
    response = client.post("/blocked/", headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Retarget"]) == (409, "#messages")
    assert response.content.decode() == (
        '<div class="note error" role="alert"><b>Sign-off is blocked.</b> Sign-off waits for: 2 undecided</div>'
    )


def test_errors_of_the_catalog_are_mapped_and_faults_are_not(client: Client, db: None) -> None:
    response = client.get("/unknown/")
    assert response.status_code == 404
    assert "Not in the loaded code systems" in response.content.decode()
    with pytest.raises(KeyError):
        client.get("/broken/")


def test_api_refusal_is_problem_json(client: Client, db: None) -> None:
    response = client.post("/refusal-api/blocked/", {}, content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (409, "application/problem+json")
    assert response.json() == {
        "type": "urn:coding-review:problem:sign_off_blocked",
        "title": "Sign-off is blocked",
        "status": 409,
        "detail": "Sign-off waits for: 2 undecided",
        "code": "sign_off_blocked",
        "data": {"blockers": [{"id": "undecided", "message": "2 undecided", "count": 2}]},
    }


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [("unknown", 404, "unknown_code"), ("missing", 404, "not_found"), ("gone", 404, "not_found")],
)
def test_api_codes(client: Client, db: None, what: str, status: int, code: str) -> None:
    response = client.get(f"/refusal-api/{what}/")
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert response["Content-Type"] == "application/problem+json"


def test_api_validation_names_each_field_with_its_path(client: Client, db: None) -> None:
    response = client.post(
        "/refusal-api/invalid/",
        {"id": "x", "documents": [{"text": "ok"}, {}]},
        content_type="application/json",
    )
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "invalid"
    assert [(e["field"], e["code"]) for e in body["errors"]] == [
        ("id", "invalid"),
        ("documents.1.text", "required"),
    ]


def test_api_says_how_to_sign_in(client: Client, db: None) -> None:
    response = client.get("/refusal-api/signed-in/")
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Token"


def test_api_body_that_is_no_json_is_a_problem_too(client: Client, db: None) -> None:
    response = client.post("/refusal-api/invalid/", "{", content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "parse_error")


@pytest.fixture
def rows(make_encounter: Callable[..., Encounter]) -> tuple[Encounter, CodeSet, CodeEntry]:
    encounter = make_encounter(on=None)
    code_set = encounter.code_sets.get()
    reading = Reading.objects.create(code_set=code_set)
    entry = CodeEntry.objects.create(reading=reading, origin="added", code="I10")
    return encounter, code_set, entry


def test_getters_give_what_the_user_may_have(rows: tuple[Encounter, CodeSet, CodeEntry], coder: User) -> None:
    encounter, code_set, entry = rows
    assert get_encounter_for(coder, encounter.pk, CODE_ENCOUNTER) == encounter
    assert get_code_set_for(coder, code_set.pk, CODE_ENCOUNTER) == code_set
    assert get_entry_for(coder, entry.pk, CODE_ENCOUNTER) == entry


def test_getters_hide_from_outsiders_and_refuse_insiders_without_the_right(
    rows: tuple[Encounter, CodeSet, CodeEntry], outsider: User, auditor: User, admin: User
) -> None:
    encounter, code_set, entry = rows
    for getter, row in (
        (get_encounter_for, encounter),
        (get_code_set_for, code_set),
        (get_entry_for, entry),
    ):
        with pytest.raises(Http404):
            getter(outsider, row.pk, READ_DOCUMENTS)
        with pytest.raises(Http404):
            getter(auditor, row.pk + 1000, VIEW_HISTORY)
        with pytest.raises(NotAllowed):
            getter(auditor, row.pk, READ_DOCUMENTS)
        with pytest.raises(NotAllowed):
            getter(admin, row.pk, VIEW_HISTORY)


def test_getters_hide_a_label_above_the_ceiling(
    make_encounter: Callable[..., Encounter], coder: User, lead: User
) -> None:
    encounter = make_encounter(on=None, confidentiality="very_restricted")
    with pytest.raises(Http404):
        get_encounter_for(coder, encounter.pk, CODE_ENCOUNTER)
    assert get_encounter_for(lead, encounter.pk, CODE_ENCOUNTER) == encounter
