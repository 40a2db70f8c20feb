"""Tokens, sessions with CSRF, the schema and the page that shows it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.utils import timezone
from django.utils.html import escape
from drf_spectacular.generators import SchemaGenerator
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from coding_review.actions.api_token import whole
from coding_review.api.docs import sections_of
from coding_review.models import AuditEvent
from tests.coding_review.api_cases import Case, case, client_of, everything, refused

__all__ = ["case"]
pytestmark = pytest.mark.django_db
PASSWORD = "a-test-Passw0rd"


def ask(**sent: str) -> Any:
    return APIClient().post("/api/token/", sent, format="json")


def test_a_token_is_given_for_a_password_and_opens_the_api(coder: Any) -> None:
    response = ask(username="coder", password=PASSWORD)
    token = response.json()["token"]
    assert (response.status_code, token) == (200, whole(Token.objects.get(user=coder).key))
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.get("/api/encounters/").status_code == 200
    again = ask(username="coder", password=PASSWORD).json()
    assert again == response.json()
    created = Token.objects.get(user=coder).created
    assert datetime.fromisoformat(again["expires_at"]) == created + timedelta(days=90)
    events = AuditEvent.objects.filter(type="token.issued")
    assert [(e.actor, e.data) for e in events] == [(coder, {})]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"username": "coder", "password": "wrong"}, 401, "authentication_failed"),
        ({"username": "nobody", "password": PASSWORD}, 401, "authentication_failed"),
        ({"username": "coder", "password": f" {PASSWORD}"}, 401, "authentication_failed"),
        ({"username": "coder"}, 400, "invalid"),
        ({"username": "coder", "password": PASSWORD, "next": "x"}, 400, "invalid"),
    ],
)
def test_no_token_without_the_password(coder: Any, sent: dict[str, str], status: int, code: str) -> None:
    response = ask(**sent)
    refused(response, status, code)
    assert Token.objects.count() == 0
    assert PASSWORD not in response.content.decode()


def test_a_closed_account_gets_no_token_and_its_token_opens_nothing(coder: Any) -> None:
    client = client_of(coder)
    coder.is_active = False
    coder.save()
    refused(ask(username="coder", password=PASSWORD), 401, "authentication_failed")
    refused(client.get("/api/encounters/"), 401, "authentication_failed")


def test_revoking_ends_the_token(coder: Any) -> None:
    client = client_of(coder)
    assert client.delete("/api/token/").status_code == 204
    refused(client.get("/api/encounters/"), 401, "authentication_failed")
    assert AuditEvent.objects.filter(type="token.revoked", actor=coder).count() == 1
    refused(APIClient().delete("/api/token/"), 401, "not_authenticated")


def test_what_the_database_keeps_opens_nothing(coder: Any, settings: Any) -> None:
    """Nor a token with another half, nor any token once the site has another key."""
    token = ask(username="coder", password=PASSWORD).json()["token"]
    (kept,) = Token.objects.values_list("key", flat=True)
    assert (token.startswith(kept), len(kept), len(token)) == (True, 40, 104)
    client = APIClient()
    for sent in (kept, kept + "0" * 64, token[:-1], token + "0", token.upper(), "é" * 104):
        client.credentials(HTTP_AUTHORIZATION=f"Token {sent}")
        refused(client.get("/api/encounters/"), 401, "authentication_failed")
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.get("/api/encounters/").status_code == 200
    settings.SECRET_KEY = "another-key-of-the-site"
    refused(client.get("/api/encounters/"), 401, "authentication_failed")


def aged(user: Any, **age: int) -> None:
    Token.objects.filter(user=user).update(created=timezone.now() - timedelta(**age))


def test_a_token_expires_and_the_password_gives_another(coder: Any, settings: Any) -> None:
    client = client_of(coder)
    old = whole(Token.objects.get(user=coder).key)
    aged(coder, days=89, hours=23)
    assert client.get("/api/encounters/").status_code == 200
    aged(coder, days=90)
    refused(client.get("/api/encounters/"), 401, "token_expired")
    refused(client.delete("/api/token/"), 401, "token_expired")
    new = ask(username="coder", password=PASSWORD).json()["token"]
    assert (new == old, whole(Token.objects.get(user=coder).key)) == (False, new)
    assert AuditEvent.objects.filter(type="token.issued", actor=coder).count() == 1
    refused(client.get("/api/encounters/"), 401, "authentication_failed")
    client.credentials(HTTP_AUTHORIZATION=f"Token {new}")
    assert client.get("/api/encounters/").status_code == 200


def test_a_site_may_shorten_the_life_of_tokens_or_leave_it_open(coder: Any, settings: Any) -> None:
    client = client_of(coder)
    aged(coder, days=8)
    settings.API_TOKEN_DAYS = 7
    refused(client.get("/api/encounters/"), 401, "token_expired")
    settings.API_TOKEN_DAYS = 0
    assert client.get("/api/encounters/").status_code == 200
    assert ask(username="coder", password=PASSWORD).json()["expires_at"] is None


def test_a_user_may_ask_so_often_and_others_still(
    coder: Any, other_coder: Any, case: Case, settings: Any
) -> None:
    settings.API_RATE = "3/hour"
    cache.delete_many([f"throttle_user_{user.pk}" for user in (coder, other_coder)])
    client = client_of(coder)
    assert [client.get("/api/encounters/").status_code for _ in range(3)] == [200] * 3
    before = everything()
    url = case.url("/api/entries/{entry}/decide/")
    response = client.post(url, {"action": "accept", "version": 0}, format="json")
    refused(response, 429, "throttled")
    assert 1 <= int(response["Retry-After"]) <= 3600
    assert everything() == before
    assert client_of(other_coder).get("/api/encounters/").status_code == 200
    settings.API_RATE = ""
    assert client.get("/api/encounters/").status_code == 200


def test_an_address_may_try_so_many_passwords(coder: Any, settings: Any) -> None:
    settings.API_SIGN_IN_RATE = "2/hour"
    cache.delete("throttle_sign-in_127.0.0.1")
    for name in ("coder", "nobody"):
        refused(ask(username=name, password="wrong"), 401, "authentication_failed")
    refused(ask(username="coder", password=PASSWORD), 429, "throttled")
    signed_in = client_of(coder)
    sent = {"username": "coder", "password": "wrong"}
    refused(signed_in.post("/api/token/", sent, format="json"), 429, "throttled")
    # What a client says of itself does not make another address of it.
    elsewhere = {"X-Forwarded-For": "203.0.113.9"}
    refused(APIClient().post("/api/token/", sent, format="json", headers=elsewhere), 429, "throttled")
    assert signed_in.get("/api/encounters/").status_code == 200


def test_without_redis_nothing_is_counted(coder: Any, settings: Any) -> None:
    settings.API_RATE = "1/minute"
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}}
    client = client_of(coder)
    assert [client.get("/api/encounters/").status_code for _ in range(2)] == [200, 200]


def test_a_session_works_with_its_csrf_token_only(case: Case, coder: Any) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.login(username="coder", password=PASSWORD)
    assert client.get("/api/encounters/").status_code == 200
    url = case.url("/api/entries/{entry}/decide/")
    before = everything()
    body = refused(
        client.post(url, {"action": "accept", "version": 0}, format="json"), 403, "permission_denied"
    )
    assert body["detail"].startswith("CSRF Failed")
    assert everything() == before
    client.get("/sign-in/")
    client.get("/api/docs/")
    token = client.cookies["csrftoken"].value
    response = client.post(
        url, {"action": "accept", "version": 0}, format="json", headers={"X-CSRFToken": token}
    )
    assert response.status_code == 200


def test_nothing_of_the_api_is_stored_on_the_way(case: Case, coder: Any) -> None:
    response = client_of(coder).get(case.url("/api/encounters/{encounter}/documents/{version}/"))
    assert response["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers
    assert response.cookies == {}


def test_the_schema_is_complete_and_without_warnings() -> None:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", "--format", "openapi-json", stdout=out)
    schema = json.loads(out.getvalue())
    operations = [
        (path, method) for path, item in schema["paths"].items() for method in item if method != "parameters"
    ]
    assert len(operations) == 32
    for path, method in operations:
        answers = schema["paths"][path][method]["responses"]
        assert "401" in answers, (path, method)
        for status, answer in answers.items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (path, method, status)


def test_the_schema_is_for_those_signed_in(coder: Any) -> None:
    refused(APIClient().get("/api/schema/"), 401, "not_authenticated")
    response = client_of(coder).get("/api/schema/?format=json")
    assert (response.status_code, response.json()["info"]["title"]) == (200, "Coding review")


def test_the_page_lists_every_operation_with_an_example(client: Any, coder: Any, settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    assert client.get("/api/docs/").status_code == 302
    client.force_login(coder)
    response = client.get("/api/docs/")
    page = response.content.decode()
    schema = client_of(coder).get("/api/schema/?format=json").json()
    for path, item in schema["paths"].items():
        for operation in item.values():
            assert f'id="{operation["operationId"]}"' in page
            assert f"{escape(operation['summary'])}</h3>" in page
        assert f"http://testserver{path}" in page
    assert "curl -X POST &#x27;http://testserver/api/encounters/{encounter_id}/take/&#x27;" in page
    assert "<script>" not in page
    assert "style=" not in page


def test_the_examples_are_requests_that_work(case: Case, coder: Any, lead: Any) -> None:
    """Those whose body is whole as shown; ids in addresses are the reader's own."""
    generated = SchemaGenerator().get_schema(request=None, public=True)
    operations = {o.id: o for s in sections_of(generated, "http://testserver") for o in s.operations}
    assert len(operations) == 32
    for name, user, status in (
        ("encounters_send", lead, 201),
        ("entries_decide", coder, 200),
        ("encounters_hold", coder, 200),
    ):
        operation = operations[name]
        body = operation.curl.split("-d '")[1].removesuffix("'")
        url = operation.path.format(encounter_id=case.encounter.pk, entry_id=case.entries["I50.23"].pk)
        response = client_of(user).post(url, body, content_type="application/json")
        assert response.status_code == status, response.content
