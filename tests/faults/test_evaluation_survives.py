"""An evaluation asked for on the page, with a real worker that is killed in the middle: done once, and only once."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from coding_review.actions.gold_exchange import import_gold
from coding_review.choices import EvaluationStatus
from coding_review.models import AuditEvent, EvaluationJob
from coding_review.tasks import evaluate
from modelops.models import EvaluationRun
from tests.faults.conftest import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CHARTS, QUEUES = 1500, "celery,evaluate"
CODES = ["I10", "E11.9", "N18.4", "J18.9", "I50.22", "E66.9", "F32.A", "K21.9", "M54.50", "R26.81"]


@pytest.fixture
def kept(settings, environment, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"
    environment["EVALUATION_DIR"] = str(settings.EVALUATION_DIR)
    environment["PREDICTION_HEARTBEAT_SECONDS"] = "5"
    return settings.EVALUATION_DIR


def file_of(**of_chart):
    return [json.dumps({"id": f"c-{number}", **of_chart}).encode() + b"\n" for number in range(CHARTS)]


def ask(lead):
    """By the page: a set of charts large enough to be caught at it, and a file of predictions for them."""
    text = "\n".join(f"line {number}" for number in range(1, len(CODES) + 1))
    labels = [{"code": code, "lines": [line]} for line, code in enumerate(CODES, start=1)]
    charts = file_of(text=text, codes=labels)
    gold_set = import_gold(None, charts, name="Outside", purpose="evaluation", without_phi=True)
    cited = [
        {"code": code, "evidence": [{"document_id": "1", "line_start": line, "line_end": line}]}
        for line, code in enumerate(CODES, start=1)
    ]
    predicted = b"".join(file_of(engine="peer", codes=cited))
    client = Client()
    client.force_login(lead)
    response = client.post(
        reverse("web:evaluation-new"),
        {
            "gold_set": gold_set.pk,
            "file": SimpleUploadedFile("predictions.jsonl", predicted),
            "least_band": "low",
        },
    )
    job = EvaluationJob.objects.get()
    assert response["Location"] == reverse("web:evaluation-job", args=[job.pk])
    return job


def status_of(job):
    return EvaluationJob.objects.values_list("status", flat=True).get(pk=job.pk)


@pytest.mark.timeout(600)
def test_a_worker_killed_in_the_middle(kept, lead, beat, start_worker):
    job = ask(lead)
    assert status_of(job) == EvaluationStatus.QUEUED
    worker = start_worker(queues=QUEUES)
    wait_until(lambda: EvaluationJob.objects.get(pk=job.pk).percent >= 15, seconds=300)
    worker.kill()
    job.refresh_from_db()
    assert (job.status, job.attempts) == (EvaluationStatus.RUNNING, 1)
    assert not EvaluationRun.objects.exists()

    start_worker(queues=QUEUES)

    took = wait_until(lambda: status_of(job) == EvaluationStatus.DONE, seconds=300)
    print(f"done {took:.1f} s after the new worker was started")  # noqa: T201 (a measure)
    job.refresh_from_db()
    assert job.attempts == 2
    # Delivered once more: the job has ended.
    assert evaluate.run(job.pk) is None
    (run,) = EvaluationRun.objects.all()
    assert job.run_id == run.pk
    micro = run.metrics["levels"]["L4"]["micro"]
    assert [micro[name] for name in ("gold", "predicted", "hits")] == [CHARTS * len(CODES)] * 3
    assert run.charts.count() == CHARTS
    told = AuditEvent.objects.filter(type__startswith="evaluation.").order_by("pk")
    assert list(told.values_list("type", flat=True)) == ["evaluation.queued", "evaluation.stored"]
    assert job.predictions_path in {file.name for file in kept.iterdir()}
