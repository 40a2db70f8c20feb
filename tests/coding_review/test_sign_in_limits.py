"""Passwords cannot be tried without end, and nobody is kept out by a stranger's tries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coding_review import audit, sign_in_limits
from coding_review.models import AuditEvent
from coding_review.sign_in_limits import OF_NAME_FROM_ADDRESS, WINDOW, address_of, told_of

PASSWORD = "a-test-Passw0rd"
pytestmark = pytest.mark.django_db


def sign_in(password: str, *, name: str = "coder", address: str = "192.0.2.7") -> tuple[int, bool]:
    """Status, and whether the client is signed in then."""
    client = Client(REMOTE_ADDR=address)
    response = client.post(reverse("web:sign-in"), {"username": name, "password": password})
    return response.status_code, "_auth_user_id" in client.session


def ask_token(password: str, *, address: str = "192.0.2.7") -> Any:
    body = {"username": "coder", "password": password}
    return Client(REMOTE_ADDR=address).post(reverse("api:token"), body, content_type="application/json")


def refusals() -> int:
    return AuditEvent.objects.filter(type="session.refused").count()


def test_after_ten_failures_even_the_right_password_waits(coder: User) -> None:
    for _ in range(OF_NAME_FROM_ADDRESS):
        assert sign_in("wrong") == (200, False)
    assert sign_in(PASSWORD) == (429, False)
    response = ask_token(PASSWORD)
    assert (response.status_code, response.json()["code"]) == (429, "too_many_sign_ins")
    assert 0 < int(response["Retry-After"]) <= WINDOW.total_seconds()
    assert response.json()["data"] == {"retry_after": int(response["Retry-After"])}
    assert refusals() == OF_NAME_FROM_ADDRESS
    # Somebody else there, and the owner of the name elsewhere.
    assert sign_in("wrong", name="other") == (200, False)
    assert sign_in(PASSWORD, address="192.0.2.8") == (302, True)


def test_the_api_counts_with_the_pages(coder: User) -> None:
    for _ in range(OF_NAME_FROM_ADDRESS):
        assert ask_token("wrong").status_code == 401
    assert sign_in(PASSWORD) == (429, False)


def test_the_answer_says_how_long_to_wait(coder: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until so many failures have left the window that the limit is open again, not until the last one has."""
    begun = timezone.now()
    for minutes in (14, 9, 3):
        with monkeypatch.context() as then:
            then.setattr(timezone, "now", lambda ago=minutes: begun - timedelta(minutes=ago))
            assert sign_in("wrong") == (200, False)
    monkeypatch.setattr(sign_in_limits, "OF_NAME_FROM_ADDRESS", 2)
    form = {"username": "coder", "password": PASSWORD}
    monkeypatch.setattr(timezone, "now", lambda: begun)
    response = Client(REMOTE_ADDR="192.0.2.7").post(reverse("web:sign-in"), form)
    assert response.status_code == 429
    # Nine minutes ago and the window of fifteen.
    assert int(response["Retry-After"]) == 360
    assert "Wait 6 minutes, then try again." in response.content.decode()


def test_the_wait_ends(coder: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(OF_NAME_FROM_ADDRESS):
        sign_in("wrong")
    assert sign_in(PASSWORD) == (429, False)
    monkeypatch.setattr(sign_in_limits, "WINDOW", timedelta(0))
    assert sign_in(PASSWORD) == (302, True)


def test_one_password_for_many_names_is_stopped_too(coder: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "FROM_ADDRESS", 3)
    for number in range(3):
        assert sign_in("Spring2026", name=f"person{number}") == (200, False)
    assert sign_in(PASSWORD) == (429, False)
    assert sign_in(PASSWORD, address="192.0.2.8") == (302, True)


def test_one_name_from_many_addresses_is_stopped_too(coder: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "OF_NAME", 3)
    for number in range(3):
        assert sign_in("wrong", address=f"192.0.2.{number}") == (200, False)
    assert sign_in(PASSWORD, address="192.0.2.99") == (429, False)


@pytest.mark.parametrize(("proxy", "address"), [(False, "192.0.2.7"), (True, "198.51.100.4")])
def test_an_address_is_believed_from_the_proxy_only(
    rf: Any, settings: Any, proxy: bool, address: str
) -> None:
    settings.BEHIND_PROXY = proxy
    request = rf.get("/", REMOTE_ADDR="192.0.2.7", headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.4"})
    assert address_of(request) == address
    told = told_of("coder", request)
    assert sorted(told) == ["address_hash", "username_hash"]
    assert address not in str(told)


def test_without_an_address_names_alone_are_counted(coder: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "OF_NAME", 2)
    assert [authenticate(username="coder", password="wrong") for _ in range(2)] == [None, None]
    assert authenticate(username="other_coder", password="wrong") is None
    with pytest.raises(sign_in_limits.TooManySignIns):
        authenticate(username="coder", password=PASSWORD)


def test_what_is_counted_is_written_by_the_audit_log_only(coder: User) -> None:
    with pytest.raises(ValueError, match="may not carry address"):
        audit.record("session.refused", actor=None, data={"address": "192.0.2.7"})


@pytest.mark.parametrize("password", ["Short-1word", "password1234", "123456789012"])
def test_weak_passwords_are_refused(coder: User, password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, coder)
    validate_password("a longer sentence 7", coder)
