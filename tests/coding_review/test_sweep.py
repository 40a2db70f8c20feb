"""The sweeper: rows that a lost worker or broker dropped are found, others left alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from coding_review import tasks
from coding_review.actions.start_prediction import start_prediction
from coding_review.actions.sweep_predictions import missed_runs, put_back_lost_runs
from coding_review.choices import EncounterStatus, RunStatus
from coding_review.models import AuditEvent, Encounter, PredictionRun
from tests.prediction_steps import queue

pytestmark = pytest.mark.django_db


def aged(run, **fields):
    """Set each time that many seconds into the past."""
    times = {name: timezone.now() - timedelta(seconds=seconds) for name, seconds in fields.items()}
    PredictionRun.objects.filter(pk=run.pk).update(**times)


@pytest.fixture
def encounter(icd10cm, marked_engine, make_encounter):
    return make_encounter(status=EncounterStatus.RECEIVED)


@pytest.fixture
def run(encounter):
    return queue(encounter)[0]


@pytest.fixture
def sent(monkeypatch):
    ids = []
    monkeypatch.setattr(tasks.predict, "delay", ids.append)
    monkeypatch.setattr(tasks, "waiting_in", lambda queue: 0)
    return ids


def test_a_run_whose_worker_is_silent_is_queued_again(encounter, run, sent):
    start_prediction(run.pk)
    aged(run, heartbeat_at=21)
    tasks.sweep()
    run.refresh_from_db()
    assert (run.status, run.attempts, run.error_code) == (RunStatus.QUEUED, 1, "worker_lost")
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.QUEUED
    assert sent == [run.pk]
    again = start_prediction(run.pk)
    assert again.number == 2


def test_a_run_whose_worker_lives_is_left_alone(run, sent):
    start_prediction(run.pk)
    aged(run, heartbeat_at=15, started_at=200)
    tasks.sweep()
    run.refresh_from_db()
    assert (run.status, run.attempts) == (RunStatus.RUNNING, 1)
    assert sent == []


def test_after_the_last_attempt_it_fails(encounter, run, sent):
    PredictionRun.objects.filter(pk=run.pk).update(attempts=2)
    start_prediction(run.pk)
    aged(run, heartbeat_at=21)
    tasks.sweep()
    run.refresh_from_db()
    reason = "The worker was lost each time it tried this encounter."
    assert (run.status, run.error_code, run.error) == (RunStatus.FAILED, "worker_lost", reason)
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.FAILED, reason)
    assert AuditEvent.objects.get(type="prediction.failed").data["attempts"] == 3
    assert sent == []


def test_a_delivery_takes_over_a_silent_run_without_waiting_for_the_sweep(run):
    start_prediction(run.pk)
    aged(run, heartbeat_at=21)
    assert start_prediction(run.pk).number == 2


def test_a_queued_row_that_the_broker_does_not_hold_is_sent_again(run, sent):
    aged(run, queued_at=11)
    tasks.sweep()
    assert sent == [run.pk]
    run.refresh_from_db()
    assert (run.status, run.attempts) == (RunStatus.QUEUED, 0)


def test_a_row_just_queued_is_not_missed_yet(run, sent):
    aged(run, queued_at=5)
    tasks.sweep()
    assert sent == []


def test_a_row_that_waits_for_its_next_try_is_not_sent_before(run, sent):
    aged(run, queued_at=-20)
    tasks.sweep()
    assert sent == []


@pytest.mark.parametrize(("in_broker", "missed"), [(0, 3), (2, 1), (3, 0), (9, 0)])
def test_a_long_queue_is_not_sent_again_with_every_sweep(
    icd10cm, marked_engine, make_encounter, in_broker, missed
):
    runs = [queue(make_encounter(status=EncounterStatus.RECEIVED))[0] for _ in range(3)]
    for age, run in zip((60, 50, 40), runs, strict=True):
        aged(run, queued_at=age)
    assert missed_runs("predict", in_broker) == [run.pk for run in runs[:missed]]


def test_ended_runs_are_never_sent(run, sent):
    for status in (RunStatus.DONE, RunStatus.FAILED):
        PredictionRun.objects.filter(pk=run.pk).update(status=status)
        aged(run, queued_at=3600, heartbeat_at=3600)
        assert put_back_lost_runs() == []
        tasks.sweep()
    assert sent == []


def test_the_sweep_parks_leases_that_ran_out(make_encounter, coder, sent):
    past = timezone.now() - timedelta(minutes=1)
    encounter = make_encounter(status=EncounterStatus.IN_REVIEW, owner=coder, lease_until=past)
    tasks.sweep()
    encounter.refresh_from_db()
    assert (encounter.lease_until, encounter.owner) == (None, coder)
    assert Encounter.objects.get().status == EncounterStatus.IN_REVIEW
