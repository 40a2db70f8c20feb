"""Signing in and out is told to the audit log; a refused name only as a hash."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from coding_review.audit_check import verify
from coding_review.models import AuditEvent
from coding_review.sign_in_limits import keyed_hash


def told() -> list[tuple[str, User | None, dict[str, str]]]:
    return [(e.type, e.actor, e.data) for e in AuditEvent.objects.order_by("pk")]


def test_signing_in_and_out(client: Client, coder: User) -> None:
    client.post(reverse("web:sign-in"), {"username": "coder", "password": "a-test-Passw0rd"})
    client.post(reverse("web:sign-out"))
    assert told() == [("session.signed_in", coder, {}), ("session.signed_out", coder, {})]
    assert list(verify()) == []


def test_a_refused_sign_in_keeps_no_name(client: Client, coder: User) -> None:
    client.post(reverse("web:sign-in"), {"username": "a-test-Passw0rd", "password": "coder"})
    ((type_, actor, data),) = told()
    assert (type_, actor, data) == (
        "session.refused",
        None,
        {"username_hash": keyed_hash("a-test-Passw0rd"), "address_hash": keyed_hash("127.0.0.1")},
    )
    assert len(data["username_hash"]) == 64
    assert keyed_hash("a-test-Passw0rd") != keyed_hash("coder")
    assert "Passw0rd" not in str(list(AuditEvent.objects.values()))


def test_signing_out_without_being_in_is_nobodys_act(client: Client, db: None) -> None:
    client.logout()
    assert told() == []
