"""Signing in and out is told to the audit log; a refused name only as a hash."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from coding_review.audit_check import verify
from coding_review.models import AuditEvent, Membership, RoleAssignment
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


@pytest.fixture
def pages(coder: User) -> list[Client]:
    """The same person in two browsers."""
    clients = [Client(), Client()]
    for client in clients:
        sent = {"username": "coder", "password": "a-test-Passw0rd"}
        assert client.post(reverse("web:sign-in"), sent).status_code == 302
        assert client.get(reverse("web:worklist")).status_code == 200
    return clients


def start_of(client: Client) -> tuple[int, str]:
    response = client.get(reverse("web:worklist"))
    return response.status_code, response.headers.get("Location", "")


def test_a_new_password_ends_the_sessions_that_the_old_one_began(coder: User, pages: list[Client]) -> None:
    coder.set_password("another-test-Passw0rd")
    coder.save()
    assert [start_of(client) for client in pages] == [(302, "/sign-in/?next=/")] * 2
    refused = pages[0].post(reverse("web:sign-in"), {"username": "coder", "password": "a-test-Passw0rd"})
    assert (refused.status_code, start_of(pages[0])[0]) == (200, 302)
    pages[0].post(reverse("web:sign-in"), {"username": "coder", "password": "another-test-Passw0rd"})
    assert [start_of(client)[0] for client in pages] == [200, 302]


def test_a_closed_account_ends_its_sessions(coder: User, pages: list[Client]) -> None:
    User.objects.filter(pk=coder.pk).update(is_active=False)
    assert [start_of(client) for client in pages] == [(302, "/sign-in/?next=/")] * 2
    pages[0].post(reverse("web:sign-in"), {"username": "coder", "password": "a-test-Passw0rd"})
    assert start_of(pages[0])[0] == 302


def test_rights_and_groups_that_are_taken_away_end_at_the_next_request(
    coder: User, pages: list[Client], make_encounter: Any
) -> None:
    url = reverse("web:encounter", args=[make_encounter(status="ready").pk])
    assert [client.get(url).status_code for client in pages] == [302, 302]
    Membership.objects.filter(user=coder).delete()
    assert [client.get(url).status_code for client in pages] == [404, 404]
    RoleAssignment.objects.filter(user=coder).delete()
    assert [start_of(client)[0] for client in pages] == [403, 403]
