"""The signed code set as a download: POST only, hash in the header, 404 and 403 where they belong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Release
from coding_review.actions.sign_off import sign_off
from coding_review.models import AuditEvent, CodeEntry, CodeSet, Encounter, Reading


@pytest.fixture
def signed(icd10cm: Release, make_encounter: Callable[..., Encounter], coder: User) -> CodeSet:
    code_set = make_encounter(status="in_review", owner=coder).code_sets.get()
    CodeEntry.objects.create(
        reading=Reading.objects.create(code_set=code_set), origin="added", state="added", code="I10",
        role="principal", poa="Y", sequence=1,
    )  # fmt: skip
    return sign_off(coder, code_set.pk)


@pytest.mark.parametrize(("format", "type_"), [("csv", "text/csv"), ("jsonl", "application/jsonl")])
def test_download(client: Client, signed: CodeSet, coder: User, format: str, type_: str) -> None:
    client.force_login(coder)
    address = reverse("web:code-set-export", args=[signed.pk, format])
    assert address == f"/code-sets/{signed.pk}/export.{format}"
    assert client.get(address).status_code == 405
    response = client.post(address)
    data = b"".join(response.streaming_content)
    assert (response.status_code, response["Content-Type"]) == (200, f"{type_}; charset=utf-8")
    assert response["Content-Disposition"] == f'attachment; filename="code-set-{signed.pk}-v1.{format}"'
    assert b"I10" in data
    event = AuditEvent.objects.get(type="codeset.exported")
    assert response["X-Content-SHA256"] == hashlib.sha256(data).hexdigest() == event.data["sha256"]


@pytest.mark.parametrize(
    ("name", "format", "status"),
    [("outsider", "csv", 404), ("expert", "csv", 403), ("admin", "jsonl", 403), ("coder", "xlsx", 404)],
)
def test_refused(
    client: Client, signed: CodeSet, request: pytest.FixtureRequest, name: str, format: str, status: int
) -> None:
    client.force_login(request.getfixturevalue(name))
    assert client.post(reverse("web:code-set-export", args=[signed.pk, format])).status_code == status
    assert not AuditEvent.objects.filter(type="codeset.exported").exists()


def test_not_signed_yet(client: Client, make_encounter: Callable[..., Encounter], coder: User) -> None:
    client.force_login(coder)
    code_set = make_encounter(on=None).code_sets.get()
    response = client.post(reverse("web:code-set-export", args=[code_set.pk, "csv"]))
    assert response.status_code == 409
    assert "not signed off yet" in response.content.decode()
