"""Cancelling: what waits is not begun, what is at work writes nothing more, and it may be asked again."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from coding_review import heartbeat as beating
from coding_review.actions.cancel_prediction import cancel_prediction
from coding_review.actions.record_prediction import record_prediction
from coding_review.actions.retry_prediction import retry_prediction
from coding_review.actions.start_prediction import start_prediction
from coding_review.actions.sweep_predictions import put_back_lost_runs
from coding_review.choices import EncounterStatus, RunStatus
from coding_review.errors import NotAllowed, WrongStatus
from coding_review.models import AuditEvent, CodeEntry, PredictionRun
from coding_review.prediction import predict_run
from modelops.engines.registry import get_engine
from tests.coding_review.api_cases import client_of
from tests.prediction_steps import SUMMARY, predicted, queue, taken_by

pytestmark = pytest.mark.django_db
CANCELLED = "The prediction was cancelled."


@pytest.fixture
def encounter(icd10cm, served_engine, make_encounter):
    return make_encounter({"discharge summary": SUMMARY}, status=EncounterStatus.RECEIVED)


def facts(encounter):
    encounter.refresh_from_db()
    run = PredictionRun.objects.get()
    return encounter.status, encounter.status_reason, run.status, run.error_code, run.error


def test_a_run_that_waits_is_never_begun(encounter, lead):
    (run,) = queue(encounter)

    assert cancel_prediction(lead, encounter.pk) == [run]

    assert facts(encounter) == (
        EncounterStatus.FAILED, CANCELLED, RunStatus.CANCELLED, "cancelled", CANCELLED,
    )  # fmt: skip
    event = AuditEvent.objects.get(type="prediction.cancelled")
    assert (event.actor, event.data) == (lead, {"run_ids": [run.pk], "engine": "served"})
    assert start_prediction(run.pk) is None
    assert predict_run(run.pk) is False
    assert PredictionRun.objects.get().status == RunStatus.CANCELLED
    assert not CodeEntry.objects.exists()


def test_an_answer_that_comes_later_is_not_written(encounter, lead):
    (run,) = queue(encounter)
    attempt = start_prediction(run.pk)
    engine = get_engine("served")
    result = engine.predict_until(attempt.chart, attempt.release_id, lambda: False)
    cancel_prediction(lead, encounter.pk)
    events = AuditEvent.objects.count()

    assert record_prediction(run.pk, attempt.number, result, engine.info, seconds=1.0) is False

    assert facts(encounter)[2:] == (RunStatus.CANCELLED, "cancelled", CANCELLED)
    assert not CodeEntry.objects.exists()
    assert AuditEvent.objects.count() == events


def test_the_sweep_leaves_it_cancelled(encounter, lead):
    (run,) = queue(encounter)
    start_prediction(run.pk)
    cancel_prediction(lead, encounter.pk)
    PredictionRun.objects.filter(pk=run.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert put_back_lost_runs() == []
    assert PredictionRun.objects.get().status == RunStatus.CANCELLED


def test_the_same_question_may_be_asked_again(encounter, lead):
    (run,) = queue(encounter)
    cancel_prediction(lead, encounter.pk)

    (again,) = retry_prediction(lead, encounter.pk)

    assert again.pk != run.pk
    assert again.question_hash == run.question_hash
    assert predict_run(again.pk)
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.READY


def test_beside_a_coders_work_the_status_stays(encounter, lead, coder):
    predicted(encounter)
    taken_by(encounter, coder)
    PredictionRun.objects.update(status=RunStatus.RUNNING)
    cancel_prediction(lead, encounter.pk)
    encounter.refresh_from_db()
    assert (encounter.status, encounter.owner) == (EncounterStatus.IN_REVIEW, coder)


def test_nothing_open_is_refused(encounter, lead):
    predicted(encounter)
    events = AuditEvent.objects.count()
    with pytest.raises(WrongStatus):
        cancel_prediction(lead, encounter.pk)
    assert PredictionRun.objects.get().status == RunStatus.DONE
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("who", ["coder", "expert", "auditor", "outsider"])
def test_who_may_not_queue_may_not_cancel(encounter, request, who):
    queue(encounter)
    events = AuditEvent.objects.count()
    with pytest.raises(NotAllowed):
        cancel_prediction(request.getfixturevalue(who), encounter.pk)
    assert PredictionRun.objects.get().status == RunStatus.QUEUED
    assert AuditEvent.objects.count() == events


def test_by_the_page(encounter, lead, coder):
    (run,) = queue(encounter)
    address = f"/encounters/{encounter.pk}/cancel/"
    url = f"/encounters/{encounter.pk}/review/facility_inpatient/"
    assert f'action="{address}"' not in page(coder, url)
    assert f'action="{address}"' in page(lead, url)
    client = Client()
    client.force_login(lead)

    assert client.post(address).status_code == 302

    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    after = page(lead, url)
    assert CANCELLED in after
    assert "<h2>The prediction was cancelled</h2>" in after
    assert "failed" not in after.lower()
    assert "A lead or administrator can have it predicted again." in after
    assert f'action="/encounters/{encounter.pk}/retry/"' in after
    assert f'action="{address}"' not in after


def page(user, url):
    client = Client()
    client.force_login(user)
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_by_the_api(encounter, lead):
    (run,) = queue(encounter)
    api = client_of(lead)

    answer = api.post(f"/api/encounters/{encounter.pk}/cancel-prediction/", {}, format="json")

    said = answer.json()
    assert (answer.status_code, said["status"], said["status_words"]) == (200, "failed", "Cancelled")
    row = api.get(f"/api/encounters/{encounter.pk}/").json()
    assert (row["status_words"], row["status_reason"]) == ("Cancelled", CANCELLED)
    run.refresh_from_db()
    assert run.status == RunStatus.CANCELLED
    again = api.post(f"/api/encounters/{encounter.pk}/predict/", {}, format="json")
    assert (again.status_code, again.json()["status"]) == (200, "queued")
    assert PredictionRun.objects.filter(status=RunStatus.QUEUED).count() == 1


def test_the_worklist_says_cancelled_of_what_a_person_stopped_and_failed_of_the_rest(
    encounter, make_encounter, lead
):
    make_encounter(status=EncounterStatus.FAILED, status_reason="Broken.")
    queue(encounter)
    cancel_prediction(lead, encounter.pk)
    client = Client()
    client.force_login(lead)
    rows = client.get("/").context["page"].rows
    assert sorted((row.status_label, row.note) for row in rows) == [
        ("Cancelled", CANCELLED), ("Failed", "Broken."),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_an_engine_that_hangs_is_told_to_stop_within_seconds(
    icd10cm, served_engine, make_encounter, lead, monkeypatch
):
    monkeypatch.setattr(beating, "LOOK_SECONDS", 0.2)
    encounter = make_encounter({"note": "[hang]"}, status=EncounterStatus.RECEIVED)
    (run,) = queue(encounter)
    wrote = []

    def work():
        try:
            wrote.append(predict_run(run.pk))
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    while PredictionRun.objects.get().status != RunStatus.RUNNING:
        time.sleep(0.05)

    cancel_prediction(lead, encounter.pk)
    worker.join(60)

    assert not worker.is_alive()
    assert wrote == [False]
    assert PredictionRun.objects.get().status == RunStatus.CANCELLED
