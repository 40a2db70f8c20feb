"""The whole job with a marker in every place that may hold words of a record, and then: where is it found?

Only where it belongs: in the rows of texts, evidence, payloads and identities, and on pages of those who may read.
Not in any log, in the broker, in data of the audit log, in sessions and cookies, on error pages, in exports that
did not ask for words, or before those who may not read documents.
"""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from coding_review.choices import EncounterStatus, RunStatus
from coding_review.models import AuditEvent, CodeEntry, CodeSet, Encounter, Patient, PredictionRun
from tests.coding_review.api_cases import client_of
from tests.coding_review.test_log_lines import lines
from tests.faults.conftest import Broker, wait_until

__all__ = ["lines"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]


@pytest.fixture
def marker() -> str:
    """In capitals, as a code or a name would be searched."""
    return f"ZQ{uuid.uuid4().hex[:10].upper()}"


def held_by(broker: Broker) -> str:
    """Every key with everything in it."""
    client: Any = broker.client()
    readers = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    return repr({key: readers[client.type(key)](key) for key in client.scan_iter()})


def logs_of_servers() -> Iterator[str]:
    for path in Path(settings.VAR_DIR).rglob("*.log"):
        yield path.read_text(encoding="utf-8", errors="replace")


def encounter_of(marker: str, number: int, text: str) -> dict[str, Any]:
    return {
        "id": f"E{number}",
        "source": "ehr",
        "facility": "TVMC",
        "work_group": "inpatient",
        "setting": "inpatient",
        "discharge_date": "2026-06-09",
        "patient_id": f"P{number}",
        "patient_name": f"{marker}, Maria",
        "record_number": f"MRN-{marker}",
        "account_number": f"A-{marker}",
        "text": text,
    }


def failing_pages(client: Client, encounter: Encounter, entry: CodeEntry, marker: str) -> Iterator[Any]:
    """What is answered with a refusal, each with the marker in what is sent."""
    code_set = entry.reading.code_set_id
    htmx = {"HX-Request": "true"}
    for headers in ({}, htmx):
        yield client.get(f"/none/{encounter.pk}/", headers=headers)
        yield client.post(f"/code-sets/{code_set}/sign-off/", {"revision": "0", "x": marker}, headers=headers)
        yield client.post(
            f"/encounters/{encounter.pk}/hold/", {"reason": "no", "comment": marker}, headers=headers
        )
        yield client.post(
            f"/code-sets/{code_set}/add/",
            {
                "code": "icd10cm:I10",
                "document": "1",
                "line_start": "1",
                "col_start": "0",
                "col_end": "3",
                "quote": marker,
            },
            headers=headers,
        )
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.cookies = client.cookies
    yield strict.post(f"/entries/{entry.pk}/decide/", {"action": "reject", "comment": marker})


def failing_requests(api: Any, entry: CodeEntry, marker: str) -> Iterator[Any]:
    url = f"/api/entries/{entry.pk}/decide/"
    yield api.post(url, {"action": "reject", "version": "x", "comment": marker}, format="json")
    yield api.post(
        url, {"action": "reject", "version": 99, "comment": marker, "reason": "other"}, format="json"
    )
    yield api.post(url, f'{{"comment": "{marker}", "', content_type="application/json")
    yield api.post(url, f"comment={marker}", content_type="text/plain")


def test_words_are_found_only_where_they_belong(
    icd10cm: Any, marked_engine: Any, broker: Broker, start_worker: Any, lines: io.StringIO, marker: str,
    coder: Any, lead: Any, auditor: Any,
) -> None:  # fmt: skip
    note = f"NOTE {marker}\nHypertension {marker}. [I10 0.95]\nAnemia. [D64.9 0.70]"
    sent = client_of(lead).post(
        "/api/encounters/",
        [encounter_of(marker, 1, note), encounter_of(marker, 2, f"[crash] {marker}"),
         encounter_of(marker, 3, f"{marker}\x00"), encounter_of(marker, 4, marker) | {"age": marker}],
        format="json",
    )  # fmt: skip
    assert (sent.status_code, sent.json()["created"], sent.json()["refused"]) == (207, 2, 2)
    assert marker not in sent.content.decode()
    waiting = held_by(broker)
    assert "coding_review.tasks.predict" in waiting

    worker = start_worker()
    runs = PredictionRun.objects
    wait_until(lambda: runs.filter(status=RunStatus.DONE).count() == 1, seconds=300)
    wait_until(lambda: runs.filter(error_code="crashed").count() == 1, seconds=300)
    wait_until(lambda: "PredictionCrashed" in worker.log.read_text(), seconds=300)

    encounter = Encounter.objects.get(source_id="E1")
    entry = CodeEntry.objects.get(code="I10")
    client = Client()
    client.force_login(coder)
    client.post(f"/encounters/{encounter.pk}/take/")
    page = client.get(f"/encounters/{encounter.pk}/review/facility_inpatient/")
    # Here it belongs.
    assert page.content.decode().count(marker) >= 3
    rejected = {
        "action": "reject",
        "reason": "other",
        "comment": f"see {marker}",
        "version": str(entry.version),
    }
    assert client.post(f"/entries/{entry.pk}/decide/", rejected).status_code == 302
    assert client.post("/worklist/search/", {"q": marker}).status_code == 200
    for response in failing_pages(client, encounter, entry, marker):
        assert 400 <= response.status_code < 500
        assert marker not in response.content.decode().replace(page.content.decode(), "")
    for response in failing_requests(client_of(coder), entry, marker):
        assert 400 <= response.status_code < 500
        assert marker not in response.content.decode()
    Patient.objects.create(source="ehr", pseudonym=marker)
    with pytest.raises(IntegrityError, match=marker), transaction.atomic():
        Patient.objects.create(source="ehr", pseudonym=marker)

    # Who may not read documents meets it nowhere.
    other = Client()
    other.force_login(auditor)
    code_set = CodeSet.objects.get(encounter=encounter)
    reader = client_of(auditor)
    seen = [
        other.get("/"),
        other.get("/audit/"),
        other.get(f"/encounters/{encounter.pk}/history/"),
        reader.get("/api/encounters/"),
        reader.get(f"/api/encounters/{encounter.pk}/"),
        reader.get(f"/api/code-sets/{code_set.pk}/suggestions/"),
        reader.get(f"/api/code-sets/{code_set.pk}/decisions/"),
    ]
    for response in seen:
        assert response.status_code == 200
        assert marker not in response.content.decode()
    exported = other.post("/audit/export/", {"format": "jsonl"})
    archive = zipfile.ZipFile(io.BytesIO(b"".join(exported.streaming_content)))
    decided = archive.read(archive.namelist()[0]).decode()
    assert json.loads(decided.splitlines()[0])["action"] == "reject"
    out = io.StringIO()
    call_command("verify_audit_log", "--texts", stdout=out)

    assert encounter.status != EncounterStatus.FAILED
    places = {
        "the decisions' export": decided,
        "the check of the log": out.getvalue(),
        "the web server's log": lines.getvalue(),
        "the worker's log": worker.log.read_text(),
        "the broker, tasks waiting": waiting,
        "the broker, afterwards": held_by(broker),
        "the servers' logs": "".join(logs_of_servers()),
        "data of the audit log": repr(list(AuditEvent.objects.values())),
        "sessions": repr([session.get_decoded() for session in Session.objects.all()]),
        "cookies": repr([*client.cookies.values(), *other.cookies.values()]),
    }
    assert [place for place, words in places.items() if marker in words] == []
    assert "Forbidden (CSRF" in places["the web server's log"]
    assert "[crash]" not in places["the worker's log"]
