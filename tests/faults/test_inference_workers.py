"""Workers with threads, whose engine asks a server: killed, cancelled, left alone by the server; each run once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from django.db import connection, transaction

from coding_review.actions.cancel_prediction import cancel_prediction
from coding_review.actions.queue_prediction import queue_prediction
from coding_review.actions.retry_prediction import retry_prediction
from coding_review.choices import EncounterStatus, RunStatus, RunTrigger
from coding_review.locks import lock_encounter
from coding_review.models import AuditEvent, CodeEntry, EntryEvidence, PredictionRun, Suggestion
from coding_review.queues import BATCH, INTERACTIVE, PREDICT
from coding_review.tasks import send_run
from tests.engines import AWAY
from tests.faults.conftest import wait_until
from tests.faults.test_words_stay_inside import held_by

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CODES = "Hypertension. [I10 0.95]\nAnemia. [D64.9 0.70]"
AWAY_WORDS = "The language model's server cannot be reached or fails."
CHARTS = 60


@pytest.fixture
def waiting(icd10cm, inference, make_encounter):
    """Makes encounters and queues them."""

    def make(count, text=CODES, *, bulk=True):
        return [
            queued(make_encounter({"note": text}, status=EncounterStatus.RECEIVED), bulk)
            for _ in range(count)
        ]

    return make


@transaction.atomic
def queued(encounter, bulk):
    return queue_prediction(None, lock_encounter(encounter.pk), RunTrigger.ARRIVAL, bulk=bulk)[0]


def of_status(status):
    return PredictionRun.objects.filter(status=status).count()


def assert_each_answered_once(runs):
    assert PredictionRun.objects.count() == len(runs)
    assert of_status(RunStatus.DONE) == len(runs)
    finished = AuditEvent.objects.filter(type="prediction.finished").values_list("data__run_id", flat=True)
    assert sorted(finished) == [run.pk for run in runs]
    for run in runs:
        assert sorted(run.suggestions.values_list("code", flat=True)) == ["D64.9", "I10"]
        assert run.code_set.encounter.__class__.objects.get(pk=run.code_set.encounter_id).status == "ready"
    assert Suggestion.objects.count() == CodeEntry.objects.count() == 2 * len(runs)
    assert EntryEvidence.objects.count() == 2 * len(runs)


@pytest.mark.timeout(600)
def test_two_workers_one_killed_in_the_middle(waiting, inference, beat, start_worker, start_inference):
    start_worker()
    struck, stays = start_inference(threads=4), start_inference(threads=4)
    # Both are there before the first chart, and all charts come at once: neither worker has them to itself.
    for each in (struck, stays):
        wait_until(lambda log=each.log: " ready." in log.read_text(), seconds=300)
    with transaction.atomic():
        runs = waiting(CHARTS, f"[wait 1]\n{CODES}")
    wait_until(lambda: of_status(RunStatus.DONE) >= CHARTS // 3, seconds=300)
    # The one that is killed has runs in hand, and so has the other.
    wait_until(lambda: of_status(RunStatus.RUNNING) >= 6, seconds=300)
    struck.kill()

    wait_until(lambda: of_status(RunStatus.DONE) == CHARTS, seconds=300)

    assert_each_answered_once(runs)
    assert PredictionRun.objects.filter(attempts=2).count() >= 1
    assert not PredictionRun.objects.filter(attempts__gt=2).exists()
    assert "Traceback" not in stays.log.read_text()


@pytest.mark.timeout(600)
def test_a_run_cancelled_while_its_request_hangs_lets_go_of_the_worker(waiting, start_inference, lead):
    (hanging,) = waiting(1, "[hang]")
    worker = start_inference(threads=1)
    wait_until(lambda: of_status(RunStatus.RUNNING) == 1, seconds=300)
    (other,) = waiting(1)
    time.sleep(1)
    assert of_status(RunStatus.QUEUED) == 1

    cancel_prediction(lead, hanging.code_set.encounter_id)
    wait_until(lambda: of_status(RunStatus.DONE) == 1, seconds=300)

    hanging.refresh_from_db()
    assert (hanging.status, hanging.attempts, hanging.error) == (
        RunStatus.CANCELLED, 1, "The prediction was cancelled.",
    )  # fmt: skip
    other.refresh_from_db()
    assert other.status == RunStatus.DONE
    assert f"run {hanging.pk}, attempt 1: stopped" in worker.log.read_text()
    assert "Traceback" not in worker.log.read_text()


@pytest.mark.timeout(600)
def test_a_server_that_is_down_parks_the_chart_with_a_reason(waiting, inference, start_inference, lead):
    Path(inference[AWAY]).touch()
    (run,) = waiting(1)
    start_inference()
    for number in (1, 2):
        wait_until(
            lambda n=number: PredictionRun.objects.filter(attempts=n, status=RunStatus.QUEUED).exists(),
            seconds=300,
        )
        # The sweep would, after ten and twenty seconds.
        send_run(run.pk, run.queue)
    wait_until(lambda: of_status(RunStatus.FAILED) == 1, seconds=300)
    run.refresh_from_db()
    assert (run.attempts, run.error_code, run.error) == (3, "llm_unavailable", AWAY_WORDS)
    encounter = run.code_set.encounter
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.FAILED, AWAY_WORDS)
    assert not CodeEntry.objects.exists()

    Path(inference[AWAY]).unlink()
    (again,) = retry_prediction(lead, encounter.pk)
    assert again.queue == INTERACTIVE
    wait_until(lambda: of_status(RunStatus.DONE) == 1, seconds=300)
    assert CodeEntry.objects.count() == 2


@pytest.mark.timeout(600)
def test_after_a_long_outage_another_engine_answers_marked(waiting, inference, start_worker, start_inference):
    Path(inference[AWAY]).touch()
    inference["LLM_FALLBACK_AFTER_SECONDS"] = "1"
    (run,) = waiting(1)
    start_inference()
    start_worker()
    wait_until(lambda: PredictionRun.objects.filter(outage_attempts=1).exists(), seconds=300)
    time.sleep(1.1)
    send_run(run.pk, BATCH)
    wait_until(lambda: PredictionRun.objects.filter(queue=PREDICT).exists(), seconds=300)
    send_run(run.pk, PREDICT)
    wait_until(lambda: of_status(RunStatus.DONE) == 1, seconds=300)
    run.refresh_from_db()
    assert (run.fallback_from, run.engine, run.model_version) == ("served", "marked", "marked-1")
    assert [e.data["engine"] for e in AuditEvent.objects.filter(type="prediction.fell_back")] == ["embedded"]
    assert CodeEntry.objects.count() == 2


@pytest.mark.timeout(600)
def test_what_somebody_waits_for_goes_before_imports(waiting, start_inference):
    batch = waiting(6, f"[wait 0.3]\n{CODES}")
    (urgent,) = waiting(1, bulk=False)
    assert ([run.queue for run in batch], urgent.queue) == ([BATCH] * 6, INTERACTIVE)
    start_inference(threads=1)
    wait_until(lambda: of_status(RunStatus.DONE) == 7, seconds=300)
    order = list(PredictionRun.objects.order_by("finished_at").values_list("pk", flat=True))
    assert order == [urgent.pk, *(run.pk for run in batch)]


@pytest.mark.timeout(600)
def test_threads_leave_no_connection_behind(waiting, start_inference):
    runs = waiting(40, f"[wait 0.2]\n{CODES}")
    before = connections_of_others()
    start_inference(threads=8)
    most = 0

    def of_the_worker():
        return [row for row in connections_of_others() if row not in before]

    def all_done():
        nonlocal most
        most = max(most, len(of_the_worker()))
        return of_status(RunStatus.DONE) == len(runs)

    wait_until(all_done, seconds=300)
    # A thread's former connection may still be in the list while it has the next; one a chart would be forty.
    assert 2 <= most <= 2 * 8 + 1
    # A worker that has nothing to do holds none.
    wait_until(lambda: of_the_worker() == [], seconds=300)


def connections_of_others():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, backend_start FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return cursor.fetchall()


@pytest.mark.timeout(600)
def test_no_words_of_a_note_in_broker_log_or_task(waiting, inference, broker, start_inference, lead):
    marker = "ZQQUINTEROVANCE"
    texts = (f"{marker}. [I10 0.95]", f"[crash] {marker}", f"[fail] {marker}", f"[hang] {marker}")
    runs = [waiting(1, text)[0] for text in texts]
    before = held_by(broker)
    assert "coding_review.tasks.infer" in before
    worker = start_inference(threads=4)
    wait_until(lambda: of_status(RunStatus.DONE) == 1, seconds=300)
    wait_until(lambda: PredictionRun.objects.filter(error_code="crashed").exists(), seconds=300)
    wait_until(lambda: of_status(RunStatus.FAILED) == 1, seconds=300)
    during = held_by(broker)
    cancel_prediction(lead, runs[3].code_set.encounter_id)
    wait_until(lambda: "stopped" in worker.log.read_text(), seconds=300)
    wait_until(lambda: "PredictionCrashed" in worker.log.read_text(), seconds=300)
    log = worker.log.read_text()
    assert [marker in place for place in (before, during, held_by(broker), log)] == [False] * 4
    assert not PredictionRun.objects.filter(error__contains=marker).exists()
