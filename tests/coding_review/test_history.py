"""The history of an encounter: events in words, their chain verified, words of a record for readers only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from coding_review import audit
from coding_review.models import AuditEvent, Encounter
from coding_review.rules.events import EVENTS
from coding_review.web.event_words import DETAILS, event_words
from coding_review.web.history import PAGE_SIZE

MakeEncounter = Callable[..., Encounter]
COMMENT, QUOTE = "the consult says otherwise", "Acute on chronic systolic heart failure"


@pytest.fixture(autouse=True)
def plain_static(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture
def encounter(make_encounter: MakeEncounter, coder: User, lead: User) -> Encounter:
    encounter = make_encounter(on=None)
    with transaction.atomic():
        audit.record("encounter.claimed", actor=coder, encounter=encounter, data={"via": "next"})
        audit.record(
            "decision",
            actor=coder,
            encounter=encounter,
            data={
                "decision_id": 77, "action": "reject", "code_before": "I50.22", "code_after": "I50.22",
                "reason": "negated",
            },
            payload={"comment": COMMENT, "quotes": [QUOTE]},
        )  # fmt: skip
        audit.record(
            "encounter.reassigned",
            actor=lead,
            encounter=encounter,
            data={"owner_before": coder.pk, "owner_after": lead.pk},
        )
    return encounter


def history(client: Client, encounter: Encounter, query: str = "", **headers: str) -> tuple[int, str]:
    response = client.get(reverse("web:encounter-history", args=[encounter.pk]) + query, headers=headers)
    return response.status_code, response.content.decode()


def test_events_newest_first_in_words(client: Client, encounter: Encounter, coder: User) -> None:
    client.force_login(coder)
    status, page = history(client, encounter)
    assert status == 200
    said = [
        "Given to another coder",
        "coder → lead",
        "Rejected I50.22",
        "context: negated",
        "Taken",
        "by next",
    ]
    places = [page.index(words) for words in said]
    assert places == sorted(places)
    assert "✓ The chain verifies.</b> 3 events, none altered" in page
    assert 'id="d77"' in page


def test_the_order_is_told_where_somebody_moved_a_line(
    client: Client, encounter: Encounter, coder: User
) -> None:
    with transaction.atomic():
        for action, before, after in (("accept", 0, 1), ("move", 2, 1), ("withdraw", 1, 0)):
            data = {"decision_id": 78, "action": action, "code_before": "I10", "code_after": "I10"}
            order = {"field": "sequence", "value_before": before, "value_after": after}
            audit.record("decision", actor=coder, encounter=encounter, data=data | order)
    client.force_login(coder)
    _, page = history(client, encounter)
    assert "Accepted I10" in page
    assert re.findall(r"order \d+ → \d+", page) == ["order 2 → 1"]


def test_comment_and_quotes_for_readers_of_documents_only(
    client: Client, encounter: Encounter, coder: User, auditor: User
) -> None:
    client.force_login(coder)
    _, page = history(client, encounter)
    assert COMMENT in page
    assert f'<q class="event-quote">{QUOTE}</q>' in page
    client.force_login(auditor)
    status, page = history(client, encounter)
    assert (status, COMMENT in page, QUOTE in page) == (200, False, False)
    assert "Comments and quotes are shown to those who may read documents." in page
    assert "Rejected I50.22" in page


def test_no_patient_on_the_page(client: Client, encounter: Encounter, coder: User) -> None:
    client.force_login(coder)
    _, page = history(client, encounter)
    for secret in ("Quintero", "MRN-", encounter.account_number):
        assert secret not in page


def test_a_purge_is_shown(client: Client, encounter: Encounter, coder: User) -> None:
    event = AuditEvent.objects.get(type="encounter.reassigned")
    with transaction.atomic():
        worded = audit.record(
            "encounter.skipped", actor=coder, encounter=encounter, data={"reason": "needs_lead"},
            payload={"comment": COMMENT + " again"},
        )  # fmt: skip
    audit.purge_payload(worded.pk, actor=coder)
    client.force_login(coder)
    _, page = history(client, encounter)
    assert COMMENT + " again" not in page
    assert page.count("Comment and quotes were purged.") == 1
    assert "the words of 1 were purged" in page
    assert event.pk < worded.pk


def test_a_broken_chain_is_said(client: Client, encounter: Encounter, auditor: User) -> None:
    event = AuditEvent.objects.get(type="encounter.claimed")
    table = AuditEvent._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(f"""UPDATE {table} SET data = '{{"via": "opened"}}' WHERE id = %s""", [event.pk])
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    client.force_login(auditor)
    status, page = history(client, encounter)
    assert status == 200
    assert "✕ The chain does not verify." in page
    assert f"encounter:{encounter.pk} #1 (event {event.pk}): row altered" in page
    assert "The chain verifies" not in page


def test_looking_is_told_once_a_session(client: Client, encounter: Encounter, auditor: User) -> None:
    client.force_login(auditor)
    for _ in range(2):
        history(client, encounter)
    looks = AuditEvent.objects.filter(type="encounter.history_opened")
    assert [(e.actor, e.encounter, e.encounter_number) for e in looks] == [(auditor, encounter, 4)]


def test_a_fragment_is_the_events_alone(client: Client, encounter: Encounter, coder: User) -> None:
    client.force_login(coder)
    status, part = history(client, encounter, **{"HX-Request": "true"})
    assert (status, part.strip()[:21]) == (200, '<section id="events" ')
    assert "Rejected I50.22" in part
    assert "<html" not in part


@pytest.mark.parametrize(
    ("name", "status"), [("outsider", 404), ("admin", 403), ("expert", 200), ("auditor", 200)]
)
def test_who_may_look(
    client: Client, encounter: Encounter, request: pytest.FixtureRequest, name: str, status: int
) -> None:
    client.force_login(request.getfixturevalue(name))
    code, page = history(client, encounter)
    assert code == status
    assert ("Rejected I50.22" in page) == (status == 200)
    assert AuditEvent.objects.filter(type="encounter.history_opened").exists() == (status == 200)


def test_a_label_above_the_ceiling_is_not_there(
    client: Client, make_encounter: MakeEncounter, coder: User
) -> None:
    client.force_login(coder)
    assert history(client, make_encounter(on=None, confidentiality="restricted"))[0] == 404


def test_an_encounter_without_events(client: Client, make_encounter: MakeEncounter, coder: User) -> None:
    client.force_login(coder)
    status, page = history(client, make_encounter(on=None))
    assert status == 200
    assert "Nothing is recorded yet" in page


def test_long_histories_come_in_pages_and_a_decision_is_found(
    client: Client, make_encounter: MakeEncounter, coder: User
) -> None:
    encounter = make_encounter(on=None)
    with transaction.atomic():
        for number in range(1, PAGE_SIZE + 101):
            audit.record(
                "decision", actor=coder, encounter=encounter,
                data={"decision_id": number, "action": "accept", "code_after": f"T{number}"},
            )  # fmt: skip
    client.force_login(coder)
    _, page = history(client, encounter)
    assert (page.count("<li id="), 'id="d300"' in page, 'id="d101"' in page) == (PAGE_SIZE, True, True)
    assert 'href="?before=101" rel="next"' in page
    _, page = history(client, encounter, "?before=101")
    assert (page.count("<li id="), 'id="d100"' in page, 'rel="next"' in page) == (100, True, False)
    _, page = history(client, encounter, "?decision=42")
    assert '<li id="d42" class="sel">' in page
    _, page = history(client, encounter, "?before=x&decision=-1")
    assert 'id="d300"' in page


# --- Words ---------------------------------------------------------------------------------------------------


def test_every_event_type_has_words() -> None:
    assert set(DETAILS) | {"decision"} == set(EVENTS)
    for type_ in EVENTS:
        assert event_words(type_, {}, {}).detail.count("None") == 0


@pytest.mark.parametrize(
    ("type_", "data", "what", "detail"),
    [
        (
            "decision",
            {"action": "modify", "code_before": "E11.9", "code_after": "E11.22", "reason": "criteria_insufficient"},
            "Modified E11.22",
            "was E11.9, criteria insufficient",
        ),
        (
            "decision",
            {"action": "set_role", "code_after": "I10", "field": "role", "value_before": "secondary",
             "value_after": "principal"},
            "Role set I10",
            "role secondary → principal",
        ),
        (
            "decision",
            {"action": "set_poa", "code_after": "I10", "field": "poa", "value_before": "", "value_after": "Y"},
            "POA set I10",
            "POA none → Y",
        ),
        ("decision", {"action": "accept", "code_after": "I10", "redoes": 4}, "Accepted again I10", ""),
        (
            "encounter.label_raised",
            {"value_before": "normal", "value_after": "very_restricted", "via": "api"},
            "Confidentiality raised",
            "normal → very restricted, by api",
        ),
        ("encounter.received", {"documents": [3, 4], "via": "api"}, "Received", "2 documents, by api"),
        (
            "prediction.finished",
            {"suggestions": 12, "new": 2, "changed": 0, "gone": 1, "discarded": 3, "engine": "embedded",
             "model_version": "1", "release": "ICD-10-CM FY2026"},
            "Predicted",
            "12 suggestions, 2 new, 1 no longer suggested, 3 discarded, embedded, 1, ICD-10-CM FY2026",
        ),
        (
            "codeset.signed",
            {"claim_type": "facility_inpatient", "version": 1, "lines": ["icd10cm:I10"], "credential": "CCS",
             "sha256": "ab", "release_stands_in": True},
            "Signed off",
            "facility inpatient, version 1, 1 line, CCS, another release stands in, SHA-256 ab",
        ),
        (
            "codeset.reopened",
            {"claim_type": "professional", "version": 2, "reason": "late_document"},
            "Reopened",
            "professional, version 2, late document",
        ),
        ("encounter.parked", {"owner_id": 5}, "Lease ran out", "kept for Ana"),
        ("encounter.reassigned", {"owner_before": None, "owner_after": 6}, "Given to another coder", "nobody → user 6"),
        (
            "audit.exported",
            {"format": "csv", "filters": {"from": "2026-06-01", "code": "E11"}, "rows": 1, "with_text": True,
             "sha256": "ab"},
            "Decisions exported",
            "CSV, from 2026-06-01; code E11, 1 decision, with text, SHA-256 ab",
        ),
    ],
)  # fmt: skip
def test_words(type_: str, data: dict[str, Any], what: str, detail: str) -> None:
    said = event_words(type_, data, {5: "Ana"})
    assert (said.what, said.detail) == (what, detail)
