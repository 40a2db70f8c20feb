"""Two workers at the jobs of one slot: neither waits for the other for ever. What happens to a job between two looks:
no job is started that nobody looks after, none ended by the word of another attempt. Files of one job that make no
sense keep no other job from its rows."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from coding_review.actions import training_steps
from coding_review.actions.training import cancel_training, resume_training
from coding_review.actions.training_steps import begin_training, reconcile_training
from coding_review.models import AuditEvent
from modelops import jobs
from modelops.choices import TrainingStatus
from modelops.jobs import run_folder, write_files
from modelops.models import TrainingJob
from modelops.training.errors import Stopped
from modelops.training.files import State
from modelops.training.processes import marked
from tests.training_site import SLURM, WAITS, site

__all__ = ["site"]
pytestmark = pytest.mark.django_db(transaction=True)


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # Within a transaction the view stays as it was seen first.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def until_ended(job) -> None:
    end = time.monotonic() + 120
    while TrainingJob.objects.get(pk=job.pk).is_open:
        assert time.monotonic() < end
        reconcile_training()
        time.sleep(0.05)


def wait_for_end(job) -> None:
    """By its files: nobody reads them into the row."""
    job.refresh_from_db()
    end = time.monotonic() + 120
    while (state := run_folder(job).read_state()) is None or not state.is_end:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_who_begins_a_job_waits_for_the_jobs_before_it_without_holding_it(site, admin):
    site.trainer(*WAITS)
    first, second = site.queue(admin), site.queue(admin, name="other")
    begun: list[bool] = []

    def begin() -> None:
        try:
            begun.append(begin_training(second.pk))
        finally:
            connection.close()

    thread = threading.Thread(target=begin)
    with transaction.atomic():
        TrainingJob.objects.select_for_update(no_key=True).get(pk=first.pk)
        thread.start()
        end = time.monotonic() + 120
        while not waits_for_a_lock():
            assert time.monotonic() < end
            time.sleep(0.05)
        # Were it held, each of the two would wait for what the other has.
        TrainingJob.objects.select_for_update(no_key=True, nowait=True).get(pk=second.pk)
    thread.join(timeout=120)
    assert begun == [True]
    cancel_training(admin, second.pk)
    until_ended(second)


def test_a_form_sent_twice_at_once_is_one_job(site, admin):
    site.trainer(*WAITS)
    sent: list[int] = []

    def send() -> None:
        try:
            sent.append(site.queue(admin).pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    job = TrainingJob.objects.get()
    assert sent == [job.pk, job.pk]
    assert AuditEvent.objects.filter(type="training.queued").count() == 1
    cancel_training(admin, job.pk)
    assert site.queue(admin).pk != job.pk


@pytest.fixture
def meanwhile(monkeypatch):
    """What happens while the files of the next job are written, which takes minutes for a large dataset."""

    def during(act):
        def written(job, **more):
            monkeypatch.undo()
            told = write_files(job, **more)
            act(TrainingJob.objects.get(pk=job.pk))
            return told

        monkeypatch.setattr(training_steps, "write_files", written)

    return during


def lost(job):
    TrainingJob.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    run_folder(job).heartbeat.unlink(missing_ok=True)
    reconcile_training()


def processes(job):
    return marked(json.loads(run_folder(job).run.read_text())["token"])


def test_a_job_given_up_while_its_files_were_written_is_not_started(site, admin, meanwhile):
    site.trainer(*WAITS)
    job = site.queue(admin)
    meanwhile(lost)
    assert begin_training(job.pk) is False
    job.refresh_from_db()
    assert (job.status, job.error_code, job.pid) == (TrainingStatus.FAILED, "worker_lost", None)
    assert processes(job) == []


def test_a_job_cancelled_while_its_files_were_written_ends_at_once(site, admin, meanwhile):
    site.trainer(*WAITS)
    job = site.queue(admin)
    meanwhile(lambda job: cancel_training(admin, job.pk))
    assert begin_training(job.pk) is False
    job.refresh_from_db()
    assert (job.status, job.pid) == (TrainingStatus.CANCELLED, None)
    assert processes(job) == []
    assert [event.data["status"] for event in AuditEvent.objects.filter(type="training.ended")] == [
        "cancelled"
    ]


def test_what_fails_late_does_not_end_the_next_attempt(site, admin, meanwhile):
    site.trainer(*WAITS)
    job = site.queue(admin)

    def given_up_and_resumed(job):
        lost(job)
        resume_training(admin, job.pk)
        raise Stopped("bad_dataset")

    meanwhile(given_up_and_resumed)
    assert begin_training(job.pk) is False
    job.refresh_from_db()
    assert (job.status, job.error_code) == (TrainingStatus.QUEUED, "")


def test_a_job_whose_files_take_long_is_not_given_up(site, admin, monkeypatch, settings):
    """Its folder shows signs of life from the first look at the dataset on."""
    site.trainer(*WAITS)
    job = site.queue(admin)
    settings.TRAINING_LOST_SECONDS = 3600

    def looked(folder, manifest):
        monkeypatch.undo()
        TrainingJob.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(days=1))
        end = time.monotonic() + 120
        while not run_folder(TrainingJob.objects.get(pk=job.pk)).heartbeat.exists():
            assert time.monotonic() < end
            time.sleep(0.02)
        reconcile_training()
        assert TrainingJob.objects.get(pk=job.pk).status == TrainingStatus.RUNNING

    monkeypatch.setattr(jobs, "_check_hashes", looked)
    assert begin_training(job.pk) is True
    cancel_training(admin, job.pk)
    until_ended(job)


def test_a_job_that_ended_and_was_resumed_during_a_look_waits_for_its_next_attempt(site, admin, monkeypatch):
    """Its last word is that of the attempt before, whose number the row has still."""
    site.trainer('say("failed", 1, error_code="out_of_memory")')
    first, second = site.queue(admin), site.queue(admin, name="other", slot="other")
    for job in (first, second):
        assert begin_training(job.pk)
        wait_for_end(job)

    def looked(job):
        monkeypatch.undo()
        training_steps._reconcile(second.pk, (training_steps._left, training_steps._left))
        resume_training(admin, second.pk)
        return jobs.observe(job)

    monkeypatch.setattr(training_steps, "observe", looked)
    reconcile_training()
    statuses = dict(TrainingJob.objects.values_list("name", "status"))
    assert statuses == {"coder": TrainingStatus.FAILED, "other": TrainingStatus.QUEUED}
    assert AuditEvent.objects.filter(type="training.ended").count() == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("state.json", {"attempt": 1, "status": "running", "step": "three"}),
        ("heartbeat.json", {"attempt": 1, "at": "2026-11-21T10:00:00"}),
        ("heartbeat.json", {"attempt": 1, "at": "2026-13-45T10:00:00+00:00"}),
        ("progress.jsonl", {"attempt": 1, "step": 5, "at": "2026-13-45T10:00:00+00:00"}),
    ],
)
def test_files_that_make_no_sense_keep_no_other_job_from_its_rows(site, admin, settings, name, said):
    """As of a cluster, where others write."""
    first, second = site.queue(admin, resources=SLURM), site.queue(admin, name="other", resources=SLURM)
    settings.TRAINING_CLUSTER_LOST_SECONDS = 3600
    for job in (first, second):
        begin_training(job.pk)
        job.refresh_from_db()
        run_folder(job).write_state(State(1, "running", step=3))
    (run_folder(first).path / name).write_text(json.dumps(said) + "\n")
    for _ in range(2):
        reconcile_training()
    second.refresh_from_db()
    assert (second.status, second.step) == (TrainingStatus.RUNNING, 3)
    first.refresh_from_db()
    assert first.is_open
