"""Killed workers, a lost broker and double deliveries: every encounter is predicted, each once."""

from __future__ import annotations

import os
import signal
import socket
import time
from datetime import date

import pytest

from coding_review import broker as sending
from coding_review.actions.receive_encounter import Outcome, receive_encounter
from coding_review.choices import EncounterStatus, RunStatus
from coding_review.incoming import IncomingDocument, IncomingEncounter
from coding_review.models import (
    AuditEvent,
    CodeEntry,
    EntryEvidence,
    PredictionRun,
    Suggestion,
)
from coding_review.tasks import predict
from tests.faults.conftest import connect_to, wait_until
from tests.prediction_steps import queue

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CODES = "Hypertension. [I10 0.95]\nAnemia. [D64.9 0.70]"
SLOW = f"[wait 4]\n{CODES}"


@pytest.fixture
def waiting(icd10cm, marked_engine, make_encounter):
    """Makes encounters and queues them."""

    def make(count, text=CODES):
        encounters = [
            make_encounter({"clinic note": text}, status=EncounterStatus.RECEIVED) for _ in range(count)
        ]
        return [queue(encounter)[0] for encounter in encounters]

    return make


def incoming(number):
    return IncomingEncounter(
        source="test",
        source_id=f"late-{number}",
        facility="TVMC",
        work_group="inpatient",
        documents=(IncomingDocument("D1", CODES, "clinic note"),),
        date_of_service=date(2026, 6, 9),
    )


def status_of(run):
    return PredictionRun.objects.values_list("status", flat=True).get(pk=run.pk)


def all_done():
    return not PredictionRun.objects.exclude(status=RunStatus.DONE).exists()


def assert_each_predicted_once(runs):
    assert PredictionRun.objects.count() == len(runs)
    for run in runs:
        run.refresh_from_db()
        encounter = run.code_set.encounter
        assert (run.status, encounter.status) == (RunStatus.DONE, EncounterStatus.READY)
        assert sorted(run.suggestions.values_list("code", flat=True)) == ["D64.9", "I10"]
        entries = CodeEntry.objects.filter(reading__code_set=run.code_set)
        assert sorted(entries.values_list("code", flat=True)) == ["D64.9", "I10"]
        finished = AuditEvent.objects.filter(encounter=encounter, type="prediction.finished")
        assert [e.data["run_id"] for e in finished] == [run.pk]
    assert Suggestion.objects.count() == EntryEvidence.objects.count() == 2 * len(runs)


@pytest.mark.timeout(600)
def test_worker_and_children_killed_in_the_middle(waiting, beat, start_worker):
    runs = waiting(3, SLOW)
    worker = start_worker()
    wait_until(lambda: RunStatus.RUNNING in map(status_of, runs), seconds=300)
    struck = next(run for run in runs if status_of(run) == RunStatus.RUNNING)
    worker.kill()
    assert status_of(struck) == RunStatus.RUNNING

    start_worker()

    took = wait_until(lambda: status_of(struck) == RunStatus.DONE, seconds=300)
    print(f"predicted {took:.1f} s after the new worker was started")  # noqa: T201 (a measure)
    wait_until(all_done, seconds=300)
    struck.refresh_from_db()
    assert struck.attempts == 2
    assert_each_predicted_once(runs)


@pytest.mark.timeout(600)
def test_a_child_killed_in_the_middle(waiting, beat, start_worker):
    (run,) = waiting(1, SLOW)
    worker = start_worker()
    wait_until(lambda: status_of(run) == RunStatus.RUNNING, seconds=300)
    predicting = AuditEvent.objects.count()
    for child in worker.children:
        os.kill(child, signal.SIGKILL)
    wait_until(all_done, seconds=300)
    run.refresh_from_db()
    assert run.attempts == 2
    assert AuditEvent.objects.count() == predicting + 1
    assert_each_predicted_once([run])


@pytest.mark.timeout(600)
def test_broker_emptied_with_rows_queued(waiting, broker, beat, start_worker):
    runs = waiting(5)
    with broker.client() as client:
        assert client.llen("predict") == 5
        client.flushall()
    start_worker()
    wait_until(all_done, seconds=300)
    assert_each_predicted_once(runs)


@pytest.mark.timeout(600)
def test_the_same_task_delivered_twice_at_once(waiting, broker, start_worker):
    (run,) = waiting(1, SLOW)
    predict.delay(run.pk)
    with broker.client() as client:
        assert client.llen("predict") == 2
    start_worker(processes=2)
    wait_until(all_done, seconds=300)
    with broker.client() as client:
        wait_until(lambda: client.llen("predict") == 0, seconds=300)
    run.refresh_from_db()
    assert run.attempts == 1
    assert_each_predicted_once([run])


@pytest.mark.timeout(600)
def test_broker_down_while_encounters_come_in(
    icd10cm, marked_engine, lead, broker, beat, start_worker, caplog
):
    broker.stop()
    begun = time.monotonic()
    receipts = [receive_encounter(lead, incoming(number), via="api") for number in range(20)]
    # After one that waited in vain the next are not tried for a while.
    took = time.monotonic() - begun
    assert 1 <= caplog.text.count("the broker is away") <= 1 + took / sending.PAUSE_SECONDS
    assert {receipt.outcome for receipt in receipts} == {Outcome.CREATED}
    runs = list(PredictionRun.objects.order_by("pk"))
    assert [run.status for run in runs] == [RunStatus.QUEUED] * 20

    broker.start()
    start_worker()
    wait_until(all_done, seconds=300)
    assert_each_predicted_once(runs)


@pytest.mark.timeout(600)
def test_a_broker_that_takes_connections_and_never_answers(waiting, broker):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect_to(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begun = time.monotonic()
        (run,) = waiting(1)
        assert time.monotonic() - begun < 60
    assert status_of(run) == RunStatus.QUEUED
    assert sending._paused_until >= begun + sending.PAUSE_SECONDS


@pytest.mark.timeout(600)
def test_an_engine_that_takes_too_long_is_stopped_and_the_run_fails(
    waiting, environment, start_worker, monkeypatch
):
    # Long enough for a slow machine to come to the engine: only there is it told to the reader.
    environment["PREDICTION_SECONDS"] = "6"
    # A message carries the limits of the process that sent it.
    monkeypatch.setattr(predict, "soft_time_limit", 6)
    monkeypatch.setattr(predict, "_exec_options", None)
    (run,) = waiting(1, f"[wait 60]\n{CODES}")
    start_worker()
    wait_until(lambda: status_of(run) == RunStatus.FAILED, seconds=300)
    run.refresh_from_db()
    assert (run.error_code, run.error) == ("too_slow", "The engine took longer than 6 s.")
    encounter = run.code_set.encounter
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.FAILED, run.error)
    assert run.attempts == 1
    assert not CodeEntry.objects.exists()


@pytest.mark.timeout(600)
def test_a_crash_of_the_engine_is_in_the_log_without_the_words_of_the_chart(waiting, start_worker):
    (run,) = waiting(1, "[crash] Quintero-Vance")
    worker = start_worker()
    wait_until(lambda: PredictionRun.objects.get().error_code == "crashed", seconds=300)
    wait_until(lambda: "PredictionCrashed" in worker.log.read_text(), seconds=300)
    log = worker.log.read_text()
    assert f"run {run.pk}: LookupError at engines.py" in log
    assert "Quintero" not in log
