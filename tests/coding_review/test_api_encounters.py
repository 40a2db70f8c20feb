"""Sending, listing and reading encounters by the API, and acting on one as a whole."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from coding_review.api.inputs import DocumentIn, EncounterIn
from coding_review.choices import DocumentStatus
from coding_review.intake import jsonl
from coding_review.models import AuditEvent, Encounter, Membership, PatientIdentity
from modelops import interchange
from tests.coding_review.api_cases import SECRETS, Case, case, client_of, everything, refused
from tests.deliveries import row_counts

__all__ = ["case"]
pytestmark = pytest.mark.django_db

CHART = {
    "id": "E-100",
    "source": "ehr",
    "facility": "TVMC",
    "work_group": "inpatient",
    "setting": "inpatient",
    "discharge_date": "2026-06-09",
    "patient_id": "P-7",
    "patient_name": "Okonkwo, Ada",
    "record_number": "MRN-777",
    "documents": [
        {"document_id": "d1", "type": "discharge summary", "text": "Type 2 diabetes mellitus.\r\n"}
    ],
}


def chart(**values: Any) -> dict[str, Any]:
    return {**CHART, **values}


def test_a_new_encounter_is_created_with_its_text_exactly_as_sent(icd10cm: Any, lead: Any) -> None:
    response = client_of(lead).post("/api/encounters/", CHART, format="json")
    encounter = Encounter.objects.get(source="ehr", source_id="E-100")
    version = encounter.documents.get().versions.get()
    assert response.status_code == 201
    assert response.json() == {
        "created": 1,
        "known": 0,
        "refused": 0,
        "results": [
            {
                "index": 0,
                "id": "E-100",
                "status": 201,
                "outcome": "created",
                "encounter": encounter.pk,
                "document_versions": [version.pk],
                "updated": [],
                "kept": [],
                "error": None,
            }
        ],
    }
    assert version.text == "Type 2 diabetes mellitus.\r\n"
    assert encounter.claim_types == ["facility_inpatient"]
    assert PatientIdentity.objects.get(patient=encounter.patient).record_number == "MRN-777"
    event = AuditEvent.objects.get(encounter=encounter, type="encounter.received")
    assert (event.actor, event.data["via"]) == (lead, "api")


def test_the_same_request_again_stores_nothing(icd10cm: Any, lead: Any) -> None:
    client = client_of(lead)
    client.post("/api/encounters/", CHART, format="json")
    before = row_counts()
    response = client.post("/api/encounters/", CHART, format="json")
    assert (response.status_code, response.json()["results"][0]["outcome"]) == (200, "unchanged")
    assert row_counts() == before


def test_another_text_under_the_same_id_is_the_next_version(icd10cm: Any, lead: Any) -> None:
    client = client_of(lead)
    client.post("/api/encounters/", CHART, format="json")
    changed = chart(documents=[{**CHART["documents"][0], "text": "Type 1 diabetes mellitus."}])  # type: ignore[index]
    response = client.post("/api/encounters/", [changed], format="json")
    assert (response.status_code, response.json()["results"][0]["outcome"]) == (200, "new_version")
    versions = Encounter.objects.get(source_id="E-100").documents.get().versions.order_by("version")
    assert [(v.version, v.text) for v in versions] == [
        (1, "Type 2 diabetes mellitus.\r\n"),
        (2, "Type 1 diabetes mellitus."),
    ]


def test_in_a_list_each_object_stands_for_itself(icd10cm: Any, lead: Any, other_work_group: Any) -> None:
    client = client_of(lead)
    sent = [
        chart(id="A"),
        chart(id="B", documents=[]),
        chart(id="A"),
        chart(id="C", facility="CEDAR", work_group="outpatient"),
        "not an object",
        chart(id="D", sexx="F"),
        chart(id="E"),
    ]
    response = client.post("/api/encounters/", sent, format="json")
    body = response.json()
    assert response.status_code == 207
    assert (body["created"], body["known"], body["refused"]) == (2, 0, 5)
    assert [(r["index"], r["id"], r["status"], r["outcome"]) for r in body["results"]] == [
        (0, "A", 201, "created"),
        (1, "B", 422, "refused"),
        (2, "A", 422, "refused"),
        (3, "C", 403, "refused"),
        (4, None, 422, "refused"),
        (5, "D", 422, "refused"),
        (6, "E", 201, "created"),
    ]
    assert [r["error"]["detail"] for r in body["results"] if r["error"]] == [
        "documents: not a list with at least one document",
        "The id is already used by object 0 of this list.",
        "You are not a member of this work group.",
        "Not a JSON object.",
        "'sexx': unknown field",
    ]
    assert sorted(Encounter.objects.values_list("source_id", flat=True)) == ["A", "E"]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"documents": [{"document_id": "d1", "text": "a\x00b"}]}, "NUL"),
        ({"documents": [{"document_id": "d1", "text": "  \n"}]}, "the text is empty"),
        ({"documents": [{"document_id": "d1", "text": "x" * (1024 * 1024 + 1)}]}, "over 1 MiB"),
        ({"documents": [{"document_id": "d1", "text": "x\n" * 20_001}]}, "over 20,000 lines"),
        ({"facility": "NOWHERE"}, "no such facility"),
        ({"facility": None}, "facility is missing"),
        ({"discharge_date": "2026-02-30"}, "discharge_date: not a date"),
    ],
)
def test_a_lone_object_that_is_refused_is_a_problem_and_leaves_nothing(
    icd10cm: Any, lead: Any, change: dict[str, Any], detail: str
) -> None:
    before = row_counts()
    response = client_of(lead).post("/api/encounters/", chart(**change), format="json")
    body = refused(response, 422, "invalid_import")
    assert detail in body["detail"]
    assert row_counts() == before


@pytest.mark.parametrize("sent", [[], [{}] * 501, "text", 7, None])
def test_what_is_no_list_of_up_to_500_is_refused_whole(lead: Any, sent: Any) -> None:
    response = client_of(lead).post("/api/encounters/", json.dumps(sent), content_type="application/json")
    refused(response, 400, "invalid")
    assert Encounter.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "A", "id": "B"}',
        b"[" * 100_000,
        b'{"age": NaN}',
        b'{"id": "\xff"}',
        b'{"age": ' + b"9" * 5000 + b"}",
        b"{",
    ],
    ids=["repeated field", "too deep", "NaN", "not UTF-8", "long number", "cut off"],
)
def test_a_body_that_is_no_strict_json_is_refused(lead: Any, body: bytes) -> None:
    response = client_of(lead).post("/api/encounters/", body, content_type="application/json")
    refused(response, 400, "parse_error")


def test_a_body_without_end_is_refused(lead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coding_review.api.parsers.MAX_BODY_BYTES", 100)
    refused(client_of(lead).post("/api/encounters/", CHART, format="json"), 413, "too_large")
    assert Encounter.objects.count() == 0


def test_what_the_schema_says_may_be_sent_is_what_the_interface_reads() -> None:
    encounter = {*interchange._READERS, *jsonl.ENCOUNTER_FIELDS, "text", "documents"}
    assert set(EncounterIn().fields) == encounter
    document = {*interchange._DOCUMENT_READERS, *jsonl.DOCUMENT_FIELDS, "text"}
    assert set(DocumentIn().fields) == document
    assert set(DocumentIn().fields["status"].choices) == set(DocumentStatus.values)


# --- Listing ------------------------------------------------------------------------------------------


def ids(response: Any) -> list[int]:
    return [row["id"] for row in response.json()["results"]]


def test_filters_choose_rows(make_encounter: Any, coder: Any, facility: Any, other_work_group: Any) -> None:
    Membership.objects.create(user=coder, work_group=other_work_group)
    ready = make_encounter(on=None)
    signed = make_encounter(on=None, status="signed_off", claim_types=("professional", "facility_outpatient"))
    elsewhere = make_encounter(on=None, group=other_work_group)
    old = make_encounter(on=None)
    Encounter.objects.filter(pk=old.pk).update(received_at=datetime(2026, 1, 5, tzinfo=UTC))
    client = client_of(coder)
    assert ids(client.get("/api/encounters/")) == [old.pk, elsewhere.pk, signed.pk, ready.pk]
    assert ids(client.get("/api/encounters/?status=signed_off")) == [signed.pk]
    assert ids(client.get("/api/encounters/?claim_type=facility_outpatient")) == [signed.pk]
    assert ids(client.get("/api/encounters/?facility=CEDAR")) == [elsewhere.pk]
    assert ids(client.get("/api/encounters/?facility=TVMC&status=ready")) == [old.pk, ready.pk]
    assert ids(client.get("/api/encounters/?since=2026-01-06T00:00:00Z")) == [
        elsewhere.pk,
        signed.pk,
        ready.pk,
    ]
    assert ids(client.get("/api/encounters/?since=2026-01-05T00:00:00Z"))[0] == old.pk


@pytest.mark.parametrize(
    ("query", "field"), [("status=open", "status"), ("since=soon", "since"), ("claim_type=x", "claim_type")]
)
def test_a_filter_that_is_none_is_named(coder: Any, query: str, field: str) -> None:
    body = refused(client_of(coder).get(f"/api/encounters/?{query}"), 400, "invalid")
    assert [e["field"] for e in body["errors"]] == [field]


def test_pages_join_to_the_whole_list_while_rows_come_in(make_encounter: Any, coder: Any) -> None:
    made = [make_encounter(on=None).pk for _ in range(5)]
    client = client_of(coder)
    first = client.get("/api/encounters/?limit=2").json()
    make_encounter(on=None)
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()
    seen = [row["id"] for page in (first, second, third) for row in page["results"]]
    assert seen == made[::-1]
    assert (first["previous"], third["next"]) == (None, None)
    assert [r["id"] for r in client.get(second["previous"]).json()["results"]] == made[:2:-1]


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk="])
def test_a_forged_cursor_is_refused(coder: Any, cursor: str) -> None:
    """Not base64; a word; a number that no row can have."""
    refused(client_of(coder).get(f"/api/encounters/?cursor={cursor}"), 404, "not_found")


def test_a_page_of_the_list_takes_the_same_queries_however_long(
    make_encounter: Any, coder: Any, django_assert_num_queries: Any
) -> None:
    client = client_of(coder)
    for _ in range(12):
        make_encounter(on=None)
    # Token, roles, memberships, page, code sets.
    with django_assert_num_queries(5):
        assert len(ids(client.get("/api/encounters/"))) == 12


def test_a_row_holds_no_name_number_or_text(case: Case, coder: Any) -> None:
    answer = client_of(coder).get("/api/encounters/").content.decode()
    assert f'"id":{case.encounter.pk},' in answer
    assert [word for word in (*SECRETS, case.encounter.account_number) if word in answer] == []


# --- Reading ------------------------------------------------------------------------------------------


def test_the_detail_names_the_patient_to_readers_only(
    case: Case, coder: Any, admin: Any, auditor: Any
) -> None:
    url = case.url("/api/encounters/{encounter}/")
    body = client_of(coder).get(url).json()
    identity = PatientIdentity.objects.get(patient=case.encounter.patient)
    assert body["patient"] == {
        "name": identity.name,
        "record_number": identity.record_number,
        "birth_date": None,
    }
    assert body["account_number"] == case.encounter.account_number
    assert (body["status"], body["owner"], body["patient_id"]) == (
        "in_review",
        "coder",
        case.encounter.patient.pseudonym,  # type: ignore[union-attr]
    )
    assert body["code_sets"] == [
        {
            "id": case.code_set.pk,
            "claim_type": "facility_inpatient",
            "version": 1,
            "status": "open",
            "revision": 0,
        }
    ]
    for other in (admin, auditor):
        answer = client_of(other).get(url)
        assert (answer.json()["patient"], answer.json()["account_number"]) == (None, None)
        assert [word for word in SECRETS if word in answer.content.decode()] == []


def test_documents_are_listed_without_text_and_read_with_it(case: Case, coder: Any) -> None:
    client = client_of(coder)
    listed = client.get(case.url("/api/encounters/{encounter}/documents/"))
    version = case.version
    assert listed.json()[0]["type"] == "discharge summary"
    assert listed.json()[0]["versions"][0]["id"] == version.pk
    assert "furosemide" not in listed.content.decode()
    assert not AuditEvent.objects.filter(type="encounter.opened").exists()
    read = client.get(case.url("/api/encounters/{encounter}/documents/{version}/")).json()
    assert read["text"] == version.text
    assert (read["document"], read["sha256"], read["line_count"]) == (version.document_id, version.sha256, 6)
    event = AuditEvent.objects.get(type="encounter.opened")
    assert (event.actor, event.encounter, event.data) == (
        coder,
        case.encounter,
        {"code_set_id": case.code_set.pk, "read_only": False},
    )


def test_a_version_of_another_encounter_is_not_found(case: Case, coder: Any, make_encounter: Any) -> None:
    other = make_encounter()
    url = f"/api/encounters/{other.pk}/documents/{case.version.pk}/"
    refused(client_of(coder).get(url), 404, "not_found")
    assert not AuditEvent.objects.filter(type="encounter.opened").exists()


# --- Acts on an encounter -----------------------------------------------------------------------------


def test_take_hold_resume_skip(case: Case, coder: Any, other_coder: Any) -> None:
    Encounter.objects.filter(pk=case.encounter.pk).update(status="ready", owner=None)
    client, other = client_of(coder), client_of(other_coder)
    url = f"/api/encounters/{case.encounter.pk}"
    taken = client.post(f"{url}/take/").json()
    assert (taken["status"], taken["owner"]) == ("in_review", "coder")
    left = datetime.fromisoformat(taken["lease_until"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    refused(other.post(f"{url}/take/"), 409, "not_yours")

    body = {"reason": "provider_query", "comment": "asked Dr. Varga", "expected_on": "2026-07-01"}
    assert client.post(f"{url}/hold/", body, format="json").json()["status"] == "on_hold"
    held = case.encounter.holds.get()
    assert (held.reason, held.comment, held.expected_on) == (
        "provider_query",
        "asked Dr. Varga",
        date(2026, 7, 1),
    )
    refused(other.post(f"{url}/resume/"), 409, "not_yours")
    assert client.post(f"{url}/resume/").json()["status"] == "in_review"
    skipped = client.post(f"{url}/skip/", {"reason": "needs_lead"}, format="json").json()
    assert (skipped["status"], skipped["owner"], skipped["lease_until"]) == ("ready", None, None)
    assert list(
        AuditEvent.objects.filter(encounter=case.encounter)
        .order_by("encounter_number")
        .values_list("type", flat=True)
    ) == ["encounter.claimed", "encounter.held", "encounter.resumed", "encounter.skipped"]


@pytest.mark.parametrize(
    ("what", "body", "status", "code"),
    [
        ("hold", {"reason": "tired"}, 400, "invalid"),
        ("hold", {}, 400, "invalid"),
        ("hold", {"reason": "other"}, 422, "invalid_decision"),
        ("hold", {"reason": "pending_result", "expected_on": "2026-02-30"}, 400, "invalid"),
        ("skip", {"reason": "other", "comment": "  "}, 422, "invalid_decision"),
        ("skip", {"reason": "needs_lead", "note": "x"}, 400, "invalid"),
        ("take", {"force": True}, 400, "invalid"),
        ("take", [], 400, "invalid"),
    ],
)
def test_an_incomplete_act_changes_nothing(
    case: Case, coder: Any, what: str, body: Any, status: int, code: str
) -> None:
    before = everything()
    response = client_of(coder).post(f"/api/encounters/{case.encounter.pk}/{what}/", body, format="json")
    refused(response, status, code)
    assert everything() == before
