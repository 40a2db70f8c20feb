"""What monitoring reads: counts by engine, queue and code, and not a word of a record."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from coding_review import metrics
from coding_review.actions.end_prediction import end_prediction
from coding_review.actions.start_prediction import start_prediction
from coding_review.choices import EncounterStatus
from tests.coding_review.api_cases import client_of
from tests.prediction_steps import SUMMARY, predicted, queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(lead, monkeypatch):
    monkeypatch.setattr(metrics, "waiting_in", lambda queue: {"predict": 3}.get(queue, 0))

    def ask():
        answer = client_of(lead).get("/api/metrics/")
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = answer.content.decode()
        figures = {
            (sample.name.removeprefix("coding_review_"), *labels_of(sample)): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        return text, figures

    return ask


def labels_of(sample):
    """Values by name of the label: engine, error_code, queue, status."""
    return [value for _, value in sorted(sample.labels.items())]


def test_nothing_happened_yet(read):
    assert read()[1] == {
        ("runs_oldest_waiting_seconds", "predict"): 0,
        ("runs_oldest_waiting_seconds", "inference.interactive"): 0,
        ("runs_oldest_waiting_seconds", "inference.batch"): 0,
        ("broker_waiting", "predict"): 3,
        ("broker_waiting", "inference.interactive"): 0,
        ("broker_waiting", "inference.batch"): 0,
    }


def test_what_waits_ended_and_cost(icd10cm, served_engine, make_encounter, read):
    texts = {"note": f"{SUMMARY}\nQUINTERO-VANCE [out QUINTERO fabricated]"}
    done, failed, waits = (make_encounter(texts, status=EncounterStatus.RECEIVED) for _ in range(3))
    predicted(done)
    (run,) = queue(failed)
    attempt = start_prediction(run.pk)
    end_prediction(run.pk, attempt.number, code="llm_refused", message="No.", retryable=False)
    queue(waits)

    text, figures = read()

    assert figures["runs_open", "served", "inference.interactive", "queued"] == 1
    assert 0 <= figures["runs_oldest_waiting_seconds", "inference.interactive"] < 300
    assert figures["runs_ended_last_hour", "served", "", "done"] == 1
    assert figures["runs_ended_last_hour", "served", "llm_refused", "failed"] == 1
    usage = {key[2]: value for key, value in figures.items() if key[0] == "runs_usage_last_hour"}
    assert usage == {"requests": 1, "prompt_tokens": 900, "output_tokens": 120}
    assert "QUINTERO" not in text


@pytest.mark.parametrize("who", ["coder", "expert", "auditor", "outsider"])
def test_it_needs_the_right_to_queue(request, who):
    assert client_of(request.getfixturevalue(who)).get("/api/metrics/").status_code == 403
