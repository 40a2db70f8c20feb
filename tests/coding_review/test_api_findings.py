"""Findings over the API: read by who may see the history, overridden and withdrawn by who has the encounter."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from coding_review.models import AuditEvent, FindingOverride
from tests.coding_review.api_cases import client_of, refused
from tests.coding_review.finding_cases import DM1, DM2, coded, entry_of

pytestmark = pytest.mark.django_db
SAID = {"check": "excludes1", "codes": ["E11.9", "E10.9"], "outcome": "unrelated", "comment": "Two episodes."}


def excludes1(body: dict[str, Any]) -> dict[str, Any]:
    (found,) = [f for f in body["findings"] if f["check"] == "excludes1"]
    return dict(found)


def test_read_overridden_and_withdrawn(icd10cm: Any, make_encounter: Any, coder: User, auditor: User) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    client, url = client_of(coder), f"/api/code-sets/{code_set.pk}/findings/"
    found = excludes1(client.get(url).json())
    assert found == {
        "check": "excludes1",
        "severity": "warn",
        "result": "fail",
        "title": found["title"],
        "message": found["message"],
        "codes": ["E11.9", "E10.9"],
        "entries": [entry_of(code_set, "E11.9").pk, entry_of(code_set, "E10.9").pk],
        "citation": found["citation"],
        "edition": "FY2026, April release",
        "outcomes": [
            {
                "id": "unrelated",
                "label": "The two conditions are unrelated to each other",
                "comment_required": True,
            }
        ],
        "override": None,
    }
    assert found["citation"].endswith("I.A.12.a")
    for _ in range(2):
        body = client.post(f"{url}override/", SAID, format="json").json()
        assert excludes1(body)["result"] == "overridden"
    override = FindingOverride.objects.get()
    assert (override.user, override.outcome) == (coder, "unrelated")
    assert excludes1(body)["override"]["comment"] == "Two episodes."
    # Who reads no documents reads no comment.
    assert excludes1(client_of(auditor).get(url).json())["override"] == {
        "id": override.pk,
        "outcome": "unrelated",
        "user": "coder",
        "at": excludes1(body)["override"]["at"],
        "carried_from": None,
        "comment": None,
    }
    body = client.post(f"{url}withdraw/", {"override": override.pk}, format="json").json()
    assert (excludes1(body)["result"], excludes1(body)["override"]) == ("fail", None)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"outcome": "other"}, 422, "invalid_decision"),
        ({"comment": " "}, 422, "invalid_decision"),
        ({"codes": ["E11.9"]}, 409, "stale_page"),
        ({"reason": "unrelated"}, 400, "invalid"),
    ],
)
def test_what_is_refused_changes_nothing(
    icd10cm: Any, make_encounter: Any, coder: User, change: dict[str, Any], status: int, code: str
) -> None:
    code_set = coded(make_encounter, coder, DM2, DM1)
    events = AuditEvent.objects.count()
    url = f"/api/code-sets/{code_set.pk}/findings/override/"
    refused(client_of(coder).post(url, SAID | change, format="json"), status, code)
    assert (FindingOverride.objects.count(), AuditEvent.objects.count()) == (0, events)
