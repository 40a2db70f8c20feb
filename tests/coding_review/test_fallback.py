"""A model server that stays away: failed after the attempts, or another engine answers where a site says so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from coding_review.actions.end_prediction import end_prediction
from coding_review.actions.queue_prediction import queue_prediction
from coding_review.actions.retry_prediction import retry_prediction
from coding_review.actions.start_prediction import start_prediction
from coding_review.choices import EncounterStatus, RunStatus, RunTrigger
from coding_review.errors import WrongStatus
from coding_review.models import AuditEvent, CodeEntry, PredictionRun
from coding_review.prediction import predict_run
from coding_review.queues import BATCH, INTERACTIVE, PREDICT
from tests.engines import AWAY
from tests.prediction_steps import SUMMARY, predicted, queue

pytestmark = pytest.mark.django_db
AWAY_WORDS = "The language model's server cannot be reached or fails."


@pytest.fixture
def encounter(icd10cm, served_engine, make_encounter):
    return make_encounter({"discharge summary": SUMMARY}, status=EncounterStatus.RECEIVED)


@pytest.fixture
def away(tmp_path, monkeypatch):
    """Present: the server is away."""
    file = tmp_path / "away"
    file.touch()
    monkeypatch.setenv(AWAY, str(file))
    return file


def tried(run):
    """Tried once, then due again."""
    wrote = predict_run(run.pk)
    run.refresh_from_db()
    return wrote


def test_without_the_setting_it_fails_after_its_attempts_and_says_why(encounter, away, settings, monkeypatch):
    (run,) = queue(encounter)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    waits = []
    for _ in range(settings.PREDICTION_ATTEMPTS):
        assert run.status == RunStatus.QUEUED
        assert tried(run) is False
        waits.append((run.queued_at - now).total_seconds())
    assert waits[:2] == [10, 20]
    assert (run.status, run.error_code, run.error) == (RunStatus.FAILED, "llm_unavailable", AWAY_WORDS)
    assert (run.attempts, run.outage_attempts, run.fallback_from) == (3, 0, "")
    encounter.refresh_from_db()
    assert (encounter.status, encounter.status_reason) == (EncounterStatus.FAILED, AWAY_WORDS)
    assert not CodeEntry.objects.exists()


def test_an_outage_is_waited_out_then_the_embedded_engine_answers(encounter, away, settings):
    settings.LLM_FALLBACK_AFTER_SECONDS = 600
    (run,) = queue(encounter)
    question = run.question_hash
    for number in range(1, 6):
        assert tried(run) is False
        assert (run.status, run.attempts, run.outage_attempts) == (RunStatus.QUEUED, number, number)
        assert (run.engine, run.queue, run.error) == ("served", INTERACTIVE, AWAY_WORDS)

    PredictionRun.objects.update(outage_since=timezone.now() - timedelta(seconds=601))
    assert tried(run) is False

    assert (run.status, run.engine, run.fallback_from) == (RunStatus.QUEUED, "embedded", "served")
    assert (run.queue, run.attempts, run.counted_attempts) == (PREDICT, 6, 0)
    assert run.question_hash != question
    event = AuditEvent.objects.get(type="prediction.fell_back")
    assert event.data == {
        "run_id": run.pk, "engine": "embedded", "fallback_from": "served", "error_code": "llm_unavailable",
    }  # fmt: skip

    assert tried(run) is True

    assert (run.status, run.model_version, run.fallback_from) == (RunStatus.DONE, "marked-1", "served")
    encounter.refresh_from_db()
    assert encounter.status == EncounterStatus.READY
    assert CodeEntry.objects.count() == 4


def test_a_server_that_is_back_in_time_answers_itself(encounter, away, settings):
    settings.LLM_FALLBACK_AFTER_SECONDS = 600
    (run,) = queue(encounter)
    tried(run)
    away.unlink()
    assert tried(run) is True
    assert (run.status, run.engine, run.fallback_from) == (RunStatus.DONE, "served", "")
    assert run.usage == {"requests": 1, "prompt_tokens": 900, "output_tokens": 120}
    assert (run.adapter, run.prompt_hash) == ("cardiology-7", "ab" * 32)


def test_only_the_servers_absence_makes_another_engine_answer(encounter, settings):
    settings.LLM_FALLBACK_AFTER_SECONDS = 1
    (run,) = queue(encounter)
    for _ in range(settings.PREDICTION_ATTEMPTS):
        attempt = start_prediction(run.pk)
        end_prediction(run.pk, attempt.number, code="engine_error", message="No.", retryable=True)
    run.refresh_from_db()
    assert (run.status, run.error_code, run.fallback_from) == (RunStatus.FAILED, "engine_error", "")


def test_the_engine_that_was_away_may_be_asked_again(encounter, away, settings, lead):
    settings.LLM_FALLBACK_AFTER_SECONDS = 1
    (run,) = queue(encounter)
    question = run.question_hash
    PredictionRun.objects.update(outage_since=timezone.now() - timedelta(seconds=2))
    tried(run)
    tried(run)
    assert run.status == RunStatus.DONE
    away.unlink()

    (again,) = retry_prediction(lead, encounter.pk)

    assert (again.engine, again.question_hash, again.fallback_from) == ("served", question, "")
    assert tried(again) is True
    assert again.status == RunStatus.DONE
    with pytest.raises(WrongStatus):
        retry_prediction(lead, encounter.pk)


def test_the_page_says_who_stood_in(encounter, away, settings, lead):
    settings.LLM_FALLBACK_AFTER_SECONDS = 1
    (run,) = queue(encounter)
    PredictionRun.objects.update(outage_since=timezone.now() - timedelta(seconds=2))
    tried(run)
    tried(run)
    client = Client()
    client.force_login(lead)
    page = client.get(f"/encounters/{encounter.pk}/review/facility_inpatient/").content.decode()
    assert "The engine served could not be reached for long, so marked made these suggestions." in page
    assert page.count('<p class="why made">marked · marked-1 · in place of served</p>') == 4
    assert f'action="/encounters/{encounter.pk}/retry/"' in page


@pytest.mark.parametrize(("bulk", "name"), [(False, INTERACTIVE), (True, BATCH)])
def test_what_nobody_waits_for_has_a_queue_of_its_own(encounter, bulk, name):
    (run,) = queue_prediction(None, encounter, RunTrigger.ARRIVAL, bulk=bulk)
    assert run.queue == name


def test_an_engine_of_this_machine_stays_with_its_processes(icd10cm, marked_engine, make_encounter):
    (run,) = predicted(make_encounter(status=EncounterStatus.RECEIVED))
    assert run.queue == PREDICT
