"""Reading suggestions and deciding on them by the API: the same acts, locks and rules as the page."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from coding_review.models import AuditEvent, CodeEntry, CodeSet, Decision, Exposure
from tests.coding_review.api_cases import SECRETS, Case, case, client_of, everything, refused
from tests.coding_review.entries import CKD, DM, HF, SOB, suggest

__all__ = ["case"]
pytestmark = pytest.mark.django_db


def decide(client: Any, entry: CodeEntry, action: str, version: int = 0, **more: Any) -> Any:
    return client.post(
        f"/api/entries/{entry.pk}/decide/", {"action": action, "version": version, **more}, format="json"
    )


def line(client: Any, entry: CodeEntry, version: int, **change: Any) -> Any:
    return client.post(f"/api/entries/{entry.pk}/line/", {"version": version, **change}, format="json")


def post(client: Any, case: Case, what: str, body: Any = None) -> Any:
    return client.post(f"/api/code-sets/{case.code_set.pk}/{what}/", body or {}, format="json")


def test_suggestions_carry_evidence_state_and_version(case: Case, coder: Any) -> None:
    body = client_of(coder).get(case.url("/api/code-sets/{code_set}/suggestions/")).json()
    assert body["code_set"]["revision"] == 0
    assert [e["code"] for e in body["entries"]] == [HF[0], DM[0], CKD[0], SOB[0]]
    first = body["entries"][0]
    assert (first["id"], first["state"], first["version"], first["band"]) == (
        case.entries[HF[0]].pk,
        "undecided",
        0,
        "high",
    )
    assert (first["confidence"], first["rationale"], first["engine"]) == (0.93, "Stated.", "embedded")
    assert first["evidence"] == [
        {
            "document": case.version.document_id,
            "document_version": case.version.pk,
            "version": 1,
            "line_start": 3,
            "line_end": 3,
            "col_start": 0,
            "col_end": len(HF[2]),
            "quote": HF[2],
            "by_reviewer": False,
            "stands": True,
        }
    ]


def test_reading_takes_the_same_queries_however_many_codes(
    case: Case, coder: Any, auditor: Any, make_encounter: Any
) -> None:
    small = make_encounter(status="in_review", owner=coder).code_sets.get()
    suggest(small, HF)

    def queries(user: Any, code_set: CodeSet) -> int:
        with CaptureQueriesContext(connection) as found:
            response = client_of(user).get(f"/api/code-sets/{code_set.pk}/suggestions/")
        assert response.status_code == 200
        return len(found)

    # The first look also stores what was shown; only then are the two the same.
    for user in (coder, auditor):
        queries(user, small), queries(user, case.code_set)
        assert queries(user, small) == queries(user, case.code_set)


def test_quotes_rationales_and_comments_are_for_readers_only(case: Case, coder: Any, auditor: Any) -> None:
    decide(client_of(coder), case.entries[HF[0]], "reject", reason="other", comment="furosemide alone")
    client = client_of(auditor)
    suggestions = client.get(case.url("/api/code-sets/{code_set}/suggestions/"))
    first = suggestions.json()["entries"][0]
    assert (first["state"], first["rationale"], first["evidence"][0]["quote"]) == ("rejected", None, None)
    assert first["evidence"][0]["line_start"] == 3
    decisions = client.get(case.url("/api/code-sets/{code_set}/decisions/"))
    assert [(d["reason"], d["comment"]) for d in decisions.json()["results"]] == [("other", None)]
    for answer in (suggestions, decisions):
        assert [word for word in SECRETS if word in answer.content.decode()] == []


def test_what_the_coder_was_shown_is_stored_and_others_leave_no_trace(
    case: Case, coder: Any, other_coder: Any
) -> None:
    url = case.url("/api/code-sets/{code_set}/suggestions/")
    client_of(other_coder).get(url)
    assert Exposure.objects.count() == 0
    client_of(coder).get(url)
    assert Exposure.objects.filter(user=coder, assistance="full").count() == 4
    decide(client_of(coder), case.entries[HF[0]], "accept")
    decision = Decision.objects.get()
    assert (decision.assistance, decision.rank_shown, decision.band_shown) == ("full", 1, "high")


def test_a_code_of_the_coders_own_was_shown_at_no_rank(case: Case, coder: Any) -> None:
    client = client_of(coder)
    evidence = [{"document_version": case.version.pk, "line_start": 5, "line_end": 5}]
    body = post(client, case, "codes", {"code": "I10", "evidence": evidence}).json()
    entry = CodeEntry.objects.get(pk=body["entries"][0]["id"])
    client.get(case.url("/api/code-sets/{code_set}/suggestions/"))
    assert Exposure.objects.filter(user=coder, entry=entry).exists()
    assert line(client, entry, entry.version, poa="Y").status_code == 200
    assert [(d.rank_shown, d.band_shown) for d in Decision.objects.filter(entry=entry)] == [
        (None, ""),
        (None, ""),
    ]


def test_accept_answers_with_the_entry_as_it_stands(case: Case, coder: Any) -> None:
    body = decide(client_of(coder), case.entries[HF[0]], "accept", poa="Y").json()
    assert body["code_set"] == {
        "id": case.code_set.pk,
        "claim_type": "facility_inpatient",
        "version": 1,
        "status": "open",
        "revision": 1,
    }
    entry = body["entries"][0]
    assert (entry["state"], entry["code"], entry["version"], entry["poa"], entry["sequence"]) == (
        "accepted",
        "I50.23",
        1,
        "Y",
        1,
    )
    event = AuditEvent.objects.get(type="decision")
    assert (event.actor, event.data["action"], event.data["code_after"]) == (coder, "accept", "I50.23")


@pytest.mark.parametrize(
    ("code", "action", "more", "state", "code_after"),
    [
        (HF[0], "reject", {"reason": "negated"}, "rejected", "I50.23"),
        (HF[0], "modify", {"code": "I50.22", "reason": "not_specific"}, "modified", "I50.22"),
        (SOB[0], "dismiss", {}, "dismissed", "R06.02"),
        (HF[0], "hold", {"comment": "which type"}, "held", "I50.23"),
    ],
)
def test_each_decision(
    case: Case, coder: Any, code: str, action: str, more: dict[str, Any], state: str, code_after: str
) -> None:
    response = decide(client_of(coder), case.entries[code], action, **more)
    entry = response.json()["entries"][0]
    assert (response.status_code, entry["state"], entry["code"], entry["version"]) == (
        200,
        state,
        code_after,
        1,
    )
    assert list(Decision.objects.values_list("action", "actor")) == [(action, coder.pk)]


def test_withdraw_takes_a_decision_back(case: Case, coder: Any) -> None:
    client, entry = client_of(coder), case.entries[HF[0]]
    decide(client, entry, "modify", code="I50.22")
    body = decide(client, entry, "withdraw", version=1).json()
    assert (body["entries"][0]["state"], body["entries"][0]["code"]) == ("undecided", "I50.23")


@pytest.mark.parametrize(
    ("code", "sent", "status", "problem"),
    [
        (HF[0], {"action": "accept"}, 400, "invalid"),
        (HF[0], {"action": "approve", "version": 0}, 400, "invalid"),
        (HF[0], {"action": "accept", "version": -1}, 400, "invalid"),
        (HF[0], {"action": "accept", "version": 0, "act": "7"}, 400, "invalid"),
        (HF[0], {"action": "modify", "version": 0}, 400, "invalid"),
        (HF[0], {"action": "accept", "version": 0, "bulk": True}, 400, "invalid"),
        (HF[0], {"action": "accept", "version": 3}, 409, "stale_page"),
        (HF[0], {"action": "reject", "version": 0}, 422, "invalid_decision"),
        (HF[0], {"action": "reject", "version": 0, "reason": "other"}, 422, "invalid_decision"),
        (HF[0], {"action": "reject", "version": 0, "reason": "mood"}, 422, "invalid_decision"),
        (HF[0], {"action": "dismiss", "version": 0}, 422, "invalid_decision"),
        (HF[0], {"action": "withdraw", "version": 0}, 422, "invalid_decision"),
        (HF[0], {"action": "modify", "version": 0, "code": "I50.2"}, 422, "invalid_code"),
        (HF[0], {"action": "modify", "version": 0, "code": "X"}, 422, "invalid_code"),
    ],
)
def test_a_decision_that_is_refused_changes_nothing(
    case: Case, coder: Any, code: str, sent: dict[str, Any], status: int, problem: str
) -> None:
    client = client_of(coder)
    client.get(case.url("/api/code-sets/{code_set}/suggestions/"))
    before = everything()
    response = client.post(f"/api/entries/{case.entries[code].pk}/decide/", sent, format="json")
    refused(response, status, problem)
    assert everything() == before


def test_a_stale_version_tells_the_state_that_stands(case: Case, coder: Any) -> None:
    client, entry = client_of(coder), case.entries[HF[0]]
    decide(client, entry, "reject", reason="historical")
    body = refused(decide(client, entry, "accept", version=0), 409, "stale_page")
    assert body["data"] == {
        "entry_id": entry.pk,
        "seen_version": 0,
        "version": 1,
        "state": "rejected",
        "code": "I50.23",
    }
    assert Decision.objects.count() == 1


def test_the_same_act_sent_again_is_done_once(case: Case, coder: Any) -> None:
    client, entry, act = client_of(coder), case.entries[HF[0]], str(uuid.uuid4())
    first = decide(client, entry, "accept", act=act)
    again = decide(client, entry, "accept", act=act)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert [str(b) for b in Decision.objects.values_list("batch", flat=True)] == [act]


def test_an_act_id_names_one_act_only(case: Case, coder: Any) -> None:
    client, entry, act = client_of(coder), case.entries[HF[0]], str(uuid.uuid4())
    decide(client, entry, "accept", act=act)
    client.get(case.url("/api/code-sets/{code_set}/suggestions/"))
    before = everything()
    for response in (
        decide(client, entry, "reject", version=1, reason="negated", act=act),
        decide(client, case.entries[DM[0]], "accept", act=act),
        line(client, entry, 1, role="principal", act=act),
        post(client, case, "undo", {"act": act}),
        post(client, case, "redo", {"act": act}),
    ):
        assert refused(response, 409, "act_reused")["data"] == {"act": act}
    assert everything() == before


def test_undo_and_redo(case: Case, coder: Any, other_coder: Any) -> None:
    client, entry = client_of(coder), case.entries[HF[0]]
    refused(post(client, case, "undo"), 409, "nothing_to_undo")
    decide(client, entry, "accept")
    act = str(uuid.uuid4())
    undone = post(client, case, "undo", {"act": act})
    assert undone.json() == post(client, case, "undo", {"act": act}).json() | {
        "entries": undone.json()["entries"]
    }
    assert [(e["id"], e["state"]) for e in undone.json()["entries"]] == [(entry.pk, "undecided")]
    refused(post(client, case, "undo"), 409, "nothing_to_undo")
    redone = post(client, case, "redo").json()
    assert [(e["id"], e["state"]) for e in redone["entries"]] == [(entry.pk, "accepted")]
    assert list(Decision.objects.values_list("number", "action")) == [
        (1, "accept"),
        (2, "withdraw"),
        (3, "accept"),
    ]


# --- Adding -------------------------------------------------------------------------------------------


def test_a_missed_code_is_added_on_whole_lines(case: Case, coder: Any) -> None:
    evidence = [{"document_version": case.version.pk, "line_start": 5, "line_end": 5}]
    body = post(client_of(coder), case, "codes", {"code": "I10", "evidence": evidence}).json()
    entry = body["entries"][0]
    assert (entry["code"], entry["state"], entry["origin"], entry["role"]) == (
        "I10",
        "added",
        "added",
        "secondary",
    )
    assert [(e["line_start"], e["quote"], e["by_reviewer"]) for e in entry["evidence"]] == [
        (5, "No evidence of pneumonia.", True)
    ]


def test_adding_a_suggested_code_answers_with_its_own_entry(case: Case, coder: Any) -> None:
    evidence = [{"document_version": case.version.pk, "line_start": 5, "line_end": 5}]
    count = CodeEntry.objects.count()
    body = post(client_of(coder), case, "codes", {"code": CKD[0], "evidence": evidence}).json()
    (entry,) = body["entries"]
    assert (entry["id"], entry["state"], entry["origin"], entry["version"]) == (
        case.entries[CKD[0]].pk,
        "accepted",
        "suggested",
        1,
    )
    assert [(e["quote"], e["by_reviewer"]) for e in entry["evidence"]] == [
        (CKD[2], False),
        ("No evidence of pneumonia.", True),
    ]
    assert CodeEntry.objects.count() == count
    assert Decision.objects.get().action == "add"
    refused(
        post(client_of(coder), case, "codes", {"code": CKD[0], "evidence": evidence}), 422, "invalid_decision"
    )
    assert (CodeEntry.objects.count(), Decision.objects.count()) == (count, 1)


def test_a_missed_code_is_added_on_columns_counted_in_code_points(
    case: Case, coder: Any, make_encounter: Any
) -> None:
    text = "Pain 👍🏽 chronic, essential hypertension noted."
    encounter = make_encounter({"clinic note": text}, status="in_review", owner=coder)
    code_set = encounter.code_sets.get()
    version = encounter.documents.get().versions.get()
    start = text.index("essential")
    place = {"document_version": version.pk, "line_start": 1, "line_end": 1}
    exact = place | {"col_start": start, "col_end": start + 22, "quote": "essential hypertension"}
    client, url = client_of(coder), f"/api/code-sets/{code_set.pk}/codes/"
    shifted = exact | {"col_start": start + 2, "col_end": start + 24}
    before = everything()
    refused(client.post(url, {"code": "I10", "evidence": [shifted]}, format="json"), 422, "invalid_evidence")
    assert everything() == before
    added = client.post(url, {"code": "I10", "evidence": [exact]}, format="json").json()["entries"][0]
    assert [(e["col_start"], e["col_end"], e["quote"]) for e in added["evidence"]] == [
        (start, start + 22, "essential hypertension")
    ]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"code": "I10", "evidence": [{"line_start": 1}]}, 400, "invalid"),
        ({"code": "I10", "system": "snomed"}, 400, "invalid"),
        ({"code": "I10", "evidence": [{"col_start": 1}]}, 400, "invalid"),
        ({"code": "I10"}, 422, "invalid_evidence"),
        ({"code": "I10", "evidence": [{"line_start": 5, "line_end": 99}]}, 422, "invalid_evidence"),
        ({"code": "I10", "evidence": [{"line_start": 5, "line_end": 4}]}, 422, "invalid_evidence"),
        ({"code": "I10", "evidence": [{"document_version": 1, "line_start": 1, "line_end": 1}]}, 422, "*"),
        (
            {
                "code": "I10",
                "evidence": [
                    {"line_start": 1, "line_end": 1, "col_start": 0, "col_end": 999, "quote": "DISCHARGE"}
                ],
            },
            422,
            "invalid_evidence",
        ),
        ({"code": "I50", "evidence": [{"line_start": 3, "line_end": 3}]}, 422, "invalid_code"),
        ({"code": "99213", "system": "cpt"}, 422, "invalid_code"),
        ({"code": "0QS7", "system": "icd10pcs"}, 422, "invalid_code"),
    ],
)
def test_a_code_that_cannot_be_added_changes_nothing(
    case: Case, coder: Any, sent: dict[str, Any], status: int, code: str
) -> None:
    for place in sent.get("evidence", []):
        if "line_end" in place:
            place.setdefault("document_version", case.version.pk)
    before = everything()
    refused(post(client_of(coder), case, "codes", sent), status, "invalid_evidence" if code == "*" else code)
    assert everything() == before


# --- Lines --------------------------------------------------------------------------------------------


def test_role_poa_and_place_of_a_line(case: Case, coder: Any) -> None:
    client, hf, dm = client_of(coder), case.entries[HF[0]], case.entries[DM[0]]
    decide(client, hf, "accept")
    decide(client, dm, "accept")
    assert line(client, hf, 1, role="principal").json()["entries"][0]["role"] == "principal"
    both = line(client, dm, 1, role="principal").json()["entries"]
    assert [(e["code"], e["role"], e["version"]) for e in both] == [
        (HF[0], "secondary", 3),
        (DM[0], "principal", 2),
    ]
    assert line(client, hf, 3, poa="W").json()["entries"][0]["poa"] == "W"
    assert line(client, hf, 4, poa="").json()["entries"][0]["poa"] == ""
    line(client, dm, 2, role="secondary")
    moved = line(client, dm, 3, move=-1).json()["entries"]
    assert [(e["code"], e["sequence"]) for e in moved] == [(HF[0], 2), (DM[0], 1)]


def test_procedure_details(case: Case, coder: Any) -> None:
    client = client_of(coder)
    entry = post(client, case, "codes", {"code": "0QS606Z", "system": "icd10pcs"}).json()["entries"][0]
    assert entry["role"] == ""
    details = {"service_date": "2026-06-03", "rendering_provider": "Dr. Varga"}
    response = client.post(
        f"/api/entries/{entry['id']}/line/", {"version": 1, "procedure": details}, format="json"
    )
    changed = response.json()["entries"][0]
    assert (changed["units"], changed["service_date"], changed["rendering_provider"]) == (
        1,
        "2026-06-03",
        "Dr. Varga",
    )


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"role": "principal", "poa": "Y"}, 400, "invalid"),
        ({"role": "chief"}, 400, "invalid"),
        ({"poa": "X"}, 400, "invalid"),
        ({"procedure": {"units": 0}}, 400, "invalid"),
        ({"procedure": {"modifiers": ["1", "2", "3", "4", "5"]}}, 400, "invalid"),
        ({"procedure": {"units": 2}}, 422, "invalid_decision"),
        ({"role": "first_listed"}, 422, "invalid_decision"),
        ({"role": "principal", "version": 0}, 409, "stale_page"),
    ],
)
def test_a_line_that_is_refused_changes_nothing(
    case: Case, coder: Any, change: dict[str, Any], status: int, code: str
) -> None:
    client, entry = client_of(coder), case.entries[HF[0]]
    decide(client, entry, "accept")
    before = everything()
    response = client.post(f"/api/entries/{entry.pk}/line/", {"version": 1, **change}, format="json")
    refused(response, status, code)
    assert everything() == before


# --- The whole job ------------------------------------------------------------------------------------


def test_from_suggestions_to_signed_lines_and_reopened(case: Case, coder: Any) -> None:
    client = client_of(coder)
    url = case.url("/api/code-sets/{code_set}/")
    refused(client.get(f"{url}lines/"), 409, "wrong_status")
    blocked = refused(post(client, case, "sign-off", {"revision": 0}), 409, "sign_off_blocked")
    assert [b["id"] for b in blocked["data"]["blockers"]] == ["undecided", "no_codes"]
    assert client.get(url).json()["blockers"] == blocked["data"]["blockers"]
    for code in (HF[0], DM[0], CKD[0]):
        decide(client, case.entries[code], "accept", poa="Y")
    line(client, case.entries[HF[0]], 1, role="principal")
    revision = client.get(url).json()["revision"]
    refused(post(client, case, "sign-off", {"revision": revision - 1}), 409, "stale_page")
    signed = post(client, case, "sign-off", {"revision": revision})
    assert (signed.status_code, signed.json()["status"], signed.json()["signed_by"]) == (
        200,
        "signed",
        "coder",
    )
    lines = client.get(f"{url}lines/").json()
    assert [(x["sequence"], x["code"], x["role"], x["poa"]) for x in lines["lines"]] == [
        (1, "I50.23", "principal", "Y"),
        (2, "E11.22", "secondary", "Y"),
        (3, "N18.32", "secondary", "Y"),
    ]
    assert (lines["sha256"], lines["credential"]) == (signed.json()["sha256"], "CCS")
    assert len(lines["sha256"]) == 64
    before = everything()
    refused(decide(client, case.entries[SOB[0]], "dismiss"), 409, "frozen")
    assert everything() == before

    reopened = post(client, case, "reopen", {"reason": "denial"})
    body = reopened.json()
    assert (reopened.status_code, body["version"], body["status"], body["reopened_from"]) == (
        201,
        2,
        "open",
        case.code_set.pk,
    )
    assert client.get(f"{url}lines/").json()["lines"] == lines["lines"]
    assert CodeSet.objects.get(pk=case.code_set.pk).status == "superseded"


def test_decisions_come_in_order_and_in_pages(case: Case, coder: Any) -> None:
    client = client_of(coder)
    decide(client, case.entries[HF[0]], "accept")
    decide(client, case.entries[DM[0]], "reject", reason="historical", comment="years ago")
    post(client, case, "undo")
    first = client.get(case.url("/api/code-sets/{code_set}/decisions/?limit=2")).json()
    second = client.get(first["next"]).json()
    shown = [
        (d["number"], d["action"], d["actor"], d["comment"]) for d in first["results"] + second["results"]
    ]
    assert shown == [
        (1, "accept", "coder", ""),
        (2, "reject", "coder", "years ago"),
        (3, "withdraw", "coder", ""),
    ]
    assert second["results"][0]["undoes"] == first["results"][1]["id"]
    assert first["results"][0]["evidence_place"]["line_start"] == 3
    assert (second["next"], len(second["results"])) == (None, 1)
