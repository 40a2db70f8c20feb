"""An encounter under review and clients of the API, for the tests of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from coding_review.actions.api_token import whole
from coding_review.models import (
    ActiveTime,
    AuditEvent,
    CodeEntry,
    CodeLine,
    CodeSet,
    Decision,
    Document,
    DocumentVersion,
    Encounter,
    EntryEvidence,
    Exposure,
    Hold,
    Reading,
    Skip,
)
from tests.coding_review.entries import CKD, DM, HF, SOB, suggest

# What the personas' note says and only its readers may see.
SECRETS = ("furosemide", "Acute on chronic systolic heart failure", "Quintero-Vance", "MRN-")


def client_of(user: User | None) -> APIClient:
    """Signed in by token; anonymous for None."""
    client = APIClient()
    if user is not None:
        token, _ = Token.objects.get_or_create(user=user)
        client.credentials(HTTP_AUTHORIZATION=f"Token {whole(token.key)}")
    return client


@dataclass
class Case:
    """A stay with four suggestions (two high, a medium, a low) in its coder's hands."""

    encounter: Encounter
    code_set: CodeSet
    entries: dict[str, CodeEntry]
    version: DocumentVersion

    def entry(self, code: str) -> CodeEntry:
        return CodeEntry.objects.get(pk=self.entries[code].pk)

    def url(self, of: str) -> str:
        """An address by template: {encounter}, {code_set}, {entry} (the first suggestion), {version}."""
        return of.format(
            encounter=self.encounter.pk,
            code_set=self.code_set.pk,
            entry=self.entries[HF[0]].pk,
            version=self.version.pk,
        )


@pytest.fixture
def case(icd10cm: Any, make_encounter: Any, coder: User) -> Case:
    encounter = make_encounter(status="in_review", owner=coder)
    code_set = encounter.code_sets.get()
    entries = suggest(code_set, HF, DM, CKD, SOB)
    version = DocumentVersion.objects.get(document__encounter=encounter)
    return Case(encounter, code_set, {e.suggested_code: e for e in entries}, version)


_TABLES = (
    Encounter,
    Document,
    DocumentVersion,
    CodeSet,
    Reading,
    CodeEntry,
    EntryEvidence,
    Decision,
    CodeLine,
    Hold,
    Skip,
    Exposure,
    ActiveTime,
    AuditEvent,
)


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every row that the API could have changed, to show that it did not."""
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in _TABLES}


def refused(response: Any, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, which is a problem with this status and code."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json"), body
    assert (body["status"], body["code"], body["type"]) == (
        status,
        code,
        f"urn:coding-review:problem:{code}",
    ), body
    return body
