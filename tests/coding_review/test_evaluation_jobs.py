"""An evaluation asked for in the browser: what is queued, what a worker does with it, and what ends it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coding_review import evaluation_job
from coding_review.actions.evaluation_steps import (
    Cancelled,
    begin_evaluation,
    fail_evaluation,
    finish_evaluation,
    missed_evaluations,
    note_step,
)
from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.queue_evaluation import cancel_evaluation, queue_evaluation
from coding_review.errors import InvalidDecision, NotAllowed, WrongStatus
from coding_review.evaluation_job import EvaluationCrashed, run_evaluation
from coding_review.models import (
    AuditEvent,
    DocumentVersion,
    EvaluationJob,
    GoldSet,
    GoldSetChart,
    GoldSetLabel,
)
from modelops.models import EvaluationRun
from tests.coding_review.entries import DM, HF, suggest

pytestmark = pytest.mark.django_db
QUOTE = "Acute on chronic"


@pytest.fixture(autouse=True)
def kept(settings, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"
    return settings.EVALUATION_DIR


@pytest.fixture
def outside():
    """A set of two charts from outside, free of PHI."""
    rows = [
        {"id": "c-1", "text": "one\ntwo", "codes": [{"code": "I10", "lines": [1]}]},
        {"id": "c-2", "text": "one", "codes": [{"code": "E11.9", "lines": [1]}]},
    ]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    return import_gold(None, lines, name="Outside", purpose="evaluation", without_phi=True)


def predictions(*more):
    place = {"document_id": "1", "line_start": 1, "line_end": 1, "col_start": 0, "col_end": 3, "quote": QUOTE}
    rows = [
        {
            "id": "c-1",
            "engine": "peer",
            "model_version": "2",
            "codes": [
                {"code": "I10", "confidence": 0.95, "rationale": QUOTE, "evidence": [place]},
                {"code": "J18.9", "confidence": 0.2, "evidence": []},
            ],
        },
        {"id": "c-2", "engine": "peer", "codes": [], "error": QUOTE},
        *more,
    ]
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def file(content):
    return SimpleUploadedFile("predictions.jsonl", content)


def post(user, **values):
    client = Client()
    client.force_login(user)
    return client.post(reverse("web:evaluation-new"), values)


@pytest.mark.parametrize("who", ["lead", "admin"])
def test_an_uploaded_file_is_queued_scored_and_stored(request, outside, kept, who):
    user = request.getfixturevalue(who)
    response = post(user, gold_set=outside.pk, file=file(predictions()), least_band="low")
    job = EvaluationJob.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"/evaluation/jobs/{job.pk}/")
    event = AuditEvent.objects.get(type="evaluation.queued")
    assert (event.actor, event.data["gold_set_id"], event.data["engine"]) == (user, outside.pk, "")
    assert QUOTE not in (kept / job.predictions_path).read_text()
    assert run_evaluation(job.pk) is True
    job.refresh_from_db()
    run = EvaluationRun.objects.get()
    assert (job.status, job.percent, job.run, run.created_by) == ("done", 100, run, user)
    assert (run.engine, run.gold_set_sha256, run.settings["bands"]) == ("peer", outside.sha256, "all")
    micro = run.metrics["levels"]["L4"]["micro"]
    assert (micro["hits"], micro["predicted"], micro["gold"]) == (1, 2, 2)
    assert run.metrics["response"]["errors"] == 1
    assert AuditEvent.objects.get(type="evaluation.stored").actor == user
    assert run_evaluation(job.pk) is False
    assert EvaluationRun.objects.count() == 1


def test_a_form_sent_twice_asks_once(outside, lead, admin):
    answers = [post(lead, gold_set=outside.pk, file=file(predictions()), least_band="low") for _ in range(2)]
    job = EvaluationJob.objects.get()
    assert [answer["Location"] for answer in answers] == [f"/evaluation/jobs/{job.pk}/"] * 2
    assert AuditEvent.objects.filter(type="evaluation.queued").count() == 1

    def ask(user, content=None, **more):
        return queue_evaluation(user, outside.pk, upload=io.BytesIO(content or predictions()), **more)

    # Another person, another file, other bands, or the same after the end: work of its own.
    shorter = predictions().splitlines(keepends=True)[0]
    others = [ask(admin), ask(lead, shorter), ask(lead, least_band="high")]
    cancel_evaluation(lead, job.pk)
    others.append(ask(lead))
    assert len({job.pk, *(other.pk for other in others)}) == 5
    assert AuditEvent.objects.filter(type="evaluation.queued").count() == 5


def test_only_the_bands_asked_for_count(outside, lead):
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()), least_band="high")
    run_evaluation(job.pk)
    run = EvaluationRun.objects.get()
    assert run.metrics["charts"]["predicted_codes"] == 1
    assert run.settings["bands"] == "high"


def test_an_engines_newest_predictions_on_the_frozen_text_are_scored(make_encounter, lead, icd10cm):
    encounter = make_encounter()
    code_set = encounter.code_sets.get()
    suggest(code_set, HF, DM)
    version = DocumentVersion.objects.get(document__encounter=encounter)
    run = code_set.runs.get()
    run.documents.set([version])
    gold_set = GoldSet.objects.create(
        name="Own", kind="gold", purpose="evaluation", manifest={}, sha256="d" * 64
    )
    chart = GoldSetChart.objects.create(
        gold_set=gold_set,
        chart_key="c-9",
        code_set=code_set,
        documents=[
            {
                "document_id": "D1",
                "document_version_id": version.pk,
                "version": 1,
                "sha256": version.sha256,
                "lines": version.line_count,
            }
        ],
    )
    evidence = [{"document_id": "D1", "line_start": 2, "line_end": 2, "col_start": 0, "col_end": 5}]
    GoldSetLabel.objects.create(gold_set_chart=chart, code=HF[0], status="accepted", evidence=evidence)
    job = queue_evaluation(lead, gold_set.pk, engine=run.engine)
    assert run_evaluation(job.pk) is True
    (kept_chart,) = EvaluationRun.objects.get().charts.all()
    assert (kept_chart.chart, kept_chart.met, kept_chart.unsupported) == ("c-9", 1, 1)
    with pytest.raises(InvalidDecision, match="predicted none"):
        queue_evaluation(lead, gold_set.pk, engine="peer")


def test_bad_lines_are_told_with_their_number_and_nothing_is_queued(outside, lead):
    bad = {"id": "c-3", "codes": [{"code": ""}]}
    response = post(lead, gold_set=outside.pk, file=file(predictions(bad, b"{")), least_band="low")
    assert response.status_code == 422
    assert [error["line"] for error in response.context["errors"]] == [3, 4]
    assert "codes[0].code: missing" in response.content.decode()
    assert not EvaluationJob.objects.exists()
    assert not AuditEvent.objects.filter(type="evaluation.queued").exists()


def test_a_file_that_is_too_large_is_refused(outside, lead, monkeypatch):
    monkeypatch.setattr("coding_review.actions.queue_evaluation.MAX_BYTES", 100)
    response = post(lead, gold_set=outside.pk, file=file(predictions()), least_band="low")
    assert response.status_code == 422
    assert "The operator evaluates larger files with manage.py evaluate." in response.content.decode()
    assert not EvaluationJob.objects.exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "one of them"),
        ({"engine": "peer", "upload": io.BytesIO(b"x")}, "one of them"),
        ({"engine": "peer", "least_band": "best"}, "which bands"),
        ({"engine": "peer", "domains": ["frailty"]}, "No value set is loaded for frailty"),
        ({"engine": "peer"}, "predicted none"),
    ],
)
def test_what_is_refused(outside, lead, values, message):
    with pytest.raises(InvalidDecision, match=message):
        queue_evaluation(lead, outside.pk, **values)
    assert not EvaluationJob.objects.exists()


def test_a_set_frozen_for_training_is_never_scored(outside, lead):
    training = GoldSet.objects.create(name="T", kind="gold", purpose="train", manifest={}, sha256="e" * 64)
    with pytest.raises(InvalidDecision, match="not frozen for evaluation"):
        queue_evaluation(lead, training.pk, engine="embedded")


@pytest.mark.parametrize("who", ["coder", "expert", "auditor", "outsider"])
def test_who_may_not_run_evaluations_queues_and_cancels_nothing(request, outside, lead, who):
    user = request.getfixturevalue(who)
    assert post(user, gold_set=outside.pk, file=file(predictions())).status_code in (403, 404)
    assert not EvaluationJob.objects.exists()
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()))
    with pytest.raises(NotAllowed):
        cancel_evaluation(user, job.pk)
    job.refresh_from_db()
    assert job.status == "queued"


def test_a_cancelled_job_stores_nothing(outside, lead):
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()))
    cancel_evaluation(lead, job.pk)
    assert run_evaluation(job.pk) is False
    assert not EvaluationRun.objects.exists()
    assert AuditEvent.objects.get(type="evaluation.cancelled").data["job_id"] == job.pk
    with pytest.raises(WrongStatus):
        cancel_evaluation(lead, job.pk)


def test_a_worker_that_is_at_it_stops_at_its_next_step(outside, lead, monkeypatch):
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()))

    def cancel_meanwhile(*args, **kwargs):
        cancel_evaluation(lead, job.pk)
        return reckon(*args, **kwargs)

    reckon = evaluation_job.evaluate_packed
    monkeypatch.setattr(evaluation_job, "evaluate_packed", cancel_meanwhile)
    assert run_evaluation(job.pk) is False
    job.refresh_from_db()
    assert (job.status, job.run) == ("cancelled", None)
    assert not EvaluationRun.objects.exists()


def test_a_failure_says_why(outside, lead, kept):
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()))
    (kept / job.predictions_path).unlink()
    assert run_evaluation(job.pk) is False
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "file_gone")
    assert AuditEvent.objects.get(type="evaluation.failed").data == {
        "job_id": job.pk,
        "gold_set_id": outside.pk,
        "error_code": "file_gone",
    }
    client = Client()
    client.force_login(lead)
    page = client.get(reverse("web:evaluation-job", args=[job.pk])).content.decode()
    assert "The file of predictions is no longer there." in page
    assert "hx-trigger" not in page


def test_an_error_of_the_program_ends_the_job_without_its_words(outside, lead, monkeypatch):
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()))

    def broken(*args, **kwargs):
        raise ValueError(QUOTE)

    monkeypatch.setattr(evaluation_job, "evaluate_packed", broken)
    with pytest.raises(EvaluationCrashed) as raised:
        run_evaluation(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "crashed")
    assert QUOTE not in job.error + str(raised.value)


def test_the_sweep_sends_what_was_dropped_and_closes_what_was_lost(outside, lead, settings):
    jobs = [
        queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()), least_band=band)
        for band in ("low", "high")
    ]
    assert missed_evaluations() == []
    long_ago = timezone.now() - timedelta(hours=2)
    EvaluationJob.objects.update(created_at=long_ago)
    assert missed_evaluations() == [jobs[0].pk]
    EvaluationJob.objects.filter(pk=jobs[0].pk).update(
        status="running", started_at=long_ago, heartbeat_at=long_ago
    )
    assert missed_evaluations() == [jobs[1].pk]
    jobs[0].refresh_from_db()
    assert (jobs[0].status, jobs[0].error_code) == ("failed", "worker_lost")
    EvaluationJob.objects.filter(pk=jobs[0].pk).update(
        status="running", started_at=timezone.now(), heartbeat_at=timezone.now()
    )
    assert missed_evaluations() == []


def test_a_job_of_a_lost_worker_is_taken_over_and_the_lost_one_stores_nothing(outside, lead, settings):
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()))
    first = begin_evaluation(job.pk)
    # At work and heard of: nobody else gets it, however often it is delivered.
    assert begin_evaluation(job.pk) is None
    assert missed_evaluations() == []
    silent = timezone.now() - timedelta(seconds=settings.PREDICTION_HEARTBEAT_SECONDS + 1)
    EvaluationJob.objects.update(heartbeat_at=silent)
    assert missed_evaluations() == [job.pk]
    job.refresh_from_db()
    assert (job.status, job.attempts, job.percent) == ("queued", 1, 0)
    second = begin_evaluation(job.pk)
    assert second.attempts == 2
    # The first was only slow: it wakes up and is told that the job is no longer its own.
    with pytest.raises(Cancelled):
        note_step(first, "Reading both", 30)
    with pytest.raises(Cancelled):
        finish_evaluation(first, lambda: pytest.fail("nothing may be stored"))
    fail_evaluation(first, "crashed", "not told")
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("running", "")


def test_a_job_that_loses_every_worker_fails(outside, lead, settings):
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()))
    for attempt in range(1, settings.PREDICTION_ATTEMPTS + 1):
        assert begin_evaluation(job.pk).attempts == attempt
        silent = timezone.now() - timedelta(seconds=settings.PREDICTION_HEARTBEAT_SECONDS + 1)
        EvaluationJob.objects.update(heartbeat_at=silent)
    assert missed_evaluations() == []
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "worker_lost")
    assert AuditEvent.objects.get(type="evaluation.failed").data["error_code"] == "worker_lost"


def test_the_list_shows_what_is_not_done_yet(outside, lead, expert):
    job = queue_evaluation(lead, outside.pk, upload=io.BytesIO(predictions()))
    for user, may in ((lead, True), (expert, False)):
        client = Client()
        client.force_login(user)
        page = client.get(reverse("web:evaluations")).content.decode()
        assert reverse("web:evaluation-job", args=[job.pk]) in page
        assert (reverse("web:evaluation-new") in page) is may


def test_neither_web_server_nor_worker_loads_what_is_dear_before_it_draws_fits_or_compares():
    code = (
        "import django; django.setup(); import coding_review.tasks, coding_review.urls, sys; "
        "from django.urls import get_resolver; get_resolver().url_patterns; "
        "print('coding_review.evaluation_store' in sys.modules, "
        "*{'datasketch', 'matplotlib', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True"]
