"""Every form of every page sent twice and out of order: never a fault of the server, and the audit log still verifies.

Table-driven over the URL configuration by EXPECTED of test_access.py, so that a new form is among them.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coding_review.audit_check import verify
from coding_review.models import Decision, Encounter, Hold, RoleAssignment
from coding_review.rules.permissions import permissions_of
from tests.coding_review.address_ids import ids
from tests.coding_review.api_cases import Case, case
from tests.coding_review.test_access import EXPECTED, PUBLIC, SIGNED_IN, Expected

__all__ = ["case", "ids"]
pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# Whose forms they are, the first that may.
PERSONAS = ("coder", "lead", "admin", "adjudicator", "auditor", "expert", "privacy_officer")
# Another person signs in or out with them, which ends the walk.
SESSIONS = frozenset({"web:sign-in", "web:sign-out"})
FORMS: dict[str, Expected] = {
    name: each
    for name, all_expected in EXPECTED.items()
    for each in all_expected
    if each.method == "POST" and name not in SESSIONS
}
AWAY = sorted(name for name in FORMS if name.startswith("web:encounter-") or name == "web:next")
# They carry the version or revision of the page, or the same act by its content: the second is the first again,
# or is refused.
ONCE = frozenset(
    name for name in FORMS if name.startswith(("web:entry-", "web:code-set-dismiss", "web:code-set-sign"))
)


def rights_of(user: User) -> frozenset[str]:
    roles = RoleAssignment.objects.filter(user=user).values_list("role", flat=True)
    return permissions_of(frozenset(roles))


@pytest.fixture
def who(request: pytest.FixtureRequest) -> Callable[[Expected], str]:
    rights = {name: rights_of(request.getfixturevalue(name)) for name in PERSONAS}

    def choose(expected: Expected) -> str:
        if expected.only is not None:
            return next((name for name in PERSONAS if name in expected.only), "coder")
        open_to_all = expected.right in {PUBLIC, SIGNED_IN}
        return next(name for name in PERSONAS if open_to_all or expected.right in rights[name])

    return choose


@pytest.fixture
def clients(request: pytest.FixtureRequest) -> dict[str, Client]:
    found = {name: Client() for name in PERSONAS}
    for name, client in found.items():
        client.force_login(request.getfixturevalue(name))
    return found


def post(client: Client, name: str, ids: dict[str, Any], headers: dict[str, str]) -> HttpResponse:
    expected = FORMS[name]
    kwargs = {argument: ids[source or argument] for argument, source in expected.kwargs.items()}
    body = {n: v.format(**ids) if isinstance(v, str) else v for n, v in expected.body.items()}
    response = client.post(reverse(name, kwargs=kwargs), body, headers=headers)
    if response.streaming:
        b"".join(response.streaming_content)
    return response


@pytest.mark.parametrize("name", sorted(FORMS))
def test_sent_twice(
    ids: dict[str, Any], who: Callable[[Expected], str], clients: dict[str, Client], name: str
) -> None:
    client = clients[who(FORMS[name])]
    for headers in ({}, {"HX-Request": "true"}):
        with transaction.atomic():
            first = post(client, name, ids, headers)
            decided = Decision.objects.count()
            second = post(client, name, ids, headers)
            assert (first.status_code < 500, second.status_code < 500) == (True, True)
            if name in ONCE:
                assert Decision.objects.count() == decided
            assert list(verify()) == []
            transaction.set_rollback(True)


@pytest.mark.parametrize("seed", [20261121, 20261122])
def test_out_of_order(
    ids: dict[str, Any],
    who: Callable[[Expected], str],
    clients: dict[str, Client],
    case: Case,
    coder: User,
    seed: int,
) -> None:
    chance = random.Random(seed)
    staying = sorted(FORMS.keys() - set(AWAY))
    statuses: dict[int, int] = {}
    for step in range(400):
        # After what takes the encounter away little else is possible, so that comes last and the way back at once.
        name = chance.choice(AWAY if step % 50 > 45 else staying)
        if step % 50 == 0:
            Encounter.objects.filter(pk=ids["encounter"]).update(status="in_review", owner=coder)
            Hold.objects.filter(encounter=ids["encounter"], ended_at=None).update(ended_at=timezone.now())
        # Mostly who may; now and then anybody.
        person = chance.choice(PERSONAS) if chance.random() < 0.2 else who(FORMS[name])
        headers = {"HX-Request": "true"} if chance.random() < 0.5 else {}
        status = post(clients[person], name, ids, headers).status_code
        assert status < 500, (name, person)
        statuses[status // 100] = statuses.get(status // 100, 0) + 1
    assert list(verify()) == []
    # Each entry is what the latest decision on it left.
    latest = Decision.objects.order_by("entry_id", "-number").distinct("entry_id").select_related("entry")
    stands = {d.entry_id: (d.entry.state, d.entry.code, d.entry.role, d.entry.poa) for d in latest}
    assert stands == {d.entry_id: tuple(d.after[n] for n in ("state", "code", "role", "poa")) for d in latest}
    assert Decision.objects.count() >= 5
    assert min(statuses.get(family, 0) for family in (2, 4)) > 25
