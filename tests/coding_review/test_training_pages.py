"""Pages of trainings: what stands where while a job runs, what a poll is answered, what each may do and see."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coding_review.models import AuditEvent
from coding_review.training_files import MAY_QUOTE, NOT_YOURS
from modelops.models import ModelVersion, TrainingJob, TrainingStep
from modelops.training.errors import ERRORS
from tests.coding_review.evaluation_rows import stored
from tests.coding_review.learning_rows import dataset_version, step_of, training_job

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folders(settings, tmp_path):
    settings.TRAINING_DIR = tmp_path / "training"
    settings.EVALUATION_DIR = tmp_path / "kept"
    (settings.TRAINING_DIR / "job-of-test").mkdir(parents=True)
    return settings.TRAINING_DIR / "job-of-test"


def get(user, name, *args, poll=False, **query):
    client = Client(headers={"HX-Request": "true"} if poll else None)
    client.force_login(user)
    return client.get(reverse(f"web:{name}", args=args), query)


def post(user, name, *args):
    client = Client()
    client.force_login(user)
    return client.post(reverse(f"web:{name}", args=args))


def test_the_list_shows_how_far_each_job_is(expert):
    job = training_job(dataset=dataset_version(), user=expert)
    response = get(expert, "trainings")
    (row,) = response.context["rows"]
    assert (row.pk, row.status, row.dataset, row.base, row.steps, row.percent, row.loss) == (
        job.pk,
        "Running",
        "coding v7",
        "llama-3.3-70b",
        "40 of 100",
        40,
        "0.353",
    )
    body = response.content.decode()
    assert 'hx-trigger="every 5s"' in body
    assert reverse("web:training-new") not in body
    assert "<html" not in get(expert, "trainings", poll=True).content.decode()


def test_a_running_job_shows_stations_figures_and_curves(admin):
    job = training_job(dataset=dataset_version())
    response = get(admin, "training", job.pk)
    page, body = response.context["page"], response.content.decode()
    assert [(s.label, s.state) for s in page.live.steps] == [
        ("Dataset coding v7 frozen", "done"),
        ("Plan accepted", "done"),
        ("Training, step 40 of 100", "now"),
        ("Evaluation", "later"),
        ("Comparison with serving", "later"),
        ("Promotion", "later"),
    ]
    assert [(f.label, f.value, f.note) for f in page.live.figures] == [
        ("loss", "0.353", "validation 0.350"),
        ("tokens per second", "7,405", "39.7% of the matrix rate (MFU)"),
        ("useful tokens in packs", "98.1%", "47.9% without packing"),
        ("GPU memory, worst of 8", "121 GiB", "of 140 GiB; host 611 GiB"),
    ]
    assert [p.key for p in page.live.plots] == ["loss", "rate", "gradient", "speed", "mfu", "memory"]
    assert [c.label for c in page.live.plots[0].curves] == ["training", "validation"]
    assert page.live.plots[0].now == 240
    assert page.head.since.endswith("1 h 12 of about 3 h 00")
    assert body.count("<path") == 8
    assert " style=" not in body
    assert page.live.log.lines[0].words == "step 40 loss 0.353 lr 6.0e-06 grad 0.50 validation 0.350"


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        # A step of 8 processes with 4 packs each.
        (0, ("–", "packs of 2,048: counted while it trains")),
        (40, ("50.0%", "of packs of 2,048, as they came")),
    ],
)
def test_packs_of_another_size_than_the_datasets_are_told_as_they_come(admin, steps, told):
    job = training_job(dataset=dataset_version(), steps=steps)
    TrainingJob.objects.update(recipe=job.recipe | {"max_tokens": 2048})
    figure = get(admin, "training", job.pk).context["page"].live.figures[2]
    assert (figure.label, figure.value, figure.note) == ("useful tokens in packs", *told)


def test_a_gradient_norm_that_the_trainer_cannot_tell_is_not_drawn(admin):
    job = training_job(dataset=dataset_version())
    job.training_steps.update(grad_norm=None)
    plots = get(admin, "training", job.pk).context["page"].live.plots
    assert [p.key for p in plots] == ["loss", "rate", "speed", "mfu", "memory"]


def test_a_poll_is_answered_with_what_changed_and_with_nothing_where_nothing_did(admin):
    job = training_job(dataset=dataset_version())
    revision = get(admin, "training", job.pk).context["page"].live.revision
    same = get(admin, "training", job.pk, poll=True, seen=revision)
    assert (same.status_code, same.content) == (204, b"")
    step_of(job, 41).save()
    TrainingJob.objects.filter(pk=job.pk).update(step=41)
    later = get(admin, "training", job.pk, poll=True, seen=revision)
    body = later.content.decode()
    assert "Training, step 41 of 100" in body
    assert 'id="job-head"' not in body
    assert "<html" not in body
    now = later.context["page"].live.revision
    TrainingJob.objects.filter(pk=job.pk).update(status="done", ended_at=timezone.now())
    ended = get(admin, "training", job.pk, poll=True, seen=now).content.decode()
    assert 'id="job-head" hx-swap-oob="true"' in ended
    assert "data-poll" not in ended
    assert "Done" in ended


def test_long_trainings_are_drawn_from_means_of_their_steps():
    job = training_job(steps=1000, of=1000)
    rows = TrainingStep.objects.filter(job=job).curves(100)
    assert len(rows) == 91
    assert [row["at_step"] for row in rows[:3]] == [10, 21, 32]
    steps = TrainingStep.objects.filter(job=job, step__range=(11, 21))
    assert rows[1]["loss"] == pytest.approx(sum(s.loss or 0 for s in steps) / 11)
    assert rows[1]["grad_norm"] == pytest.approx(0.8)
    assert TrainingStep.objects.none().curves(100) == []


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_every_named_error_is_told_with_its_advice(admin, code):
    job = training_job(status="failed", error_code=code, error=ERRORS[code].text, ended_at=timezone.now())
    page = get(admin, "training", job.pk).context["page"]
    assert (page.head.trouble.code, page.head.trouble.message, page.head.trouble.advice) == (
        code,
        ERRORS[code].message,
        ERRORS[code].advice,
    )
    assert page.head.may_resume is (code != "loss_not_finite")
    assert page.live.steps[2].state == "stopped"


def test_a_job_without_a_sign_of_life_says_so(admin):
    job = training_job()
    TrainingJob.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=45))
    assert "No sign of life since" in get(admin, "training", job.pk).content.decode()


@pytest.mark.parametrize(
    ("who", "deidentified", "raw", "withheld"),
    [
        ("admin", 0, "Going on from checkpoint-30.", ""),
        ("admin", 3, "", MAY_QUOTE),
        ("expert", 0, "", NOT_YOURS),
        ("auditor", 0, "", NOT_YOURS),
    ],
)
def test_what_the_processes_print_is_shown_only_where_it_can_quote_nobody(
    request, folders, who, deidentified, raw, withheld
):
    job = training_job(dataset=dataset_version(deidentified=deidentified))
    (folders / "log.txt").write_text("10%\r60%\rGoing on from checkpoint-30.\n", encoding="utf-8")
    response = get(request.getfixturevalue(who), "training", job.pk)
    log = response.context["page"].live.log
    assert (log.raw, log.withheld) == (raw, withheld)
    assert ("Going on from" in response.content.decode()) is bool(raw)


def test_the_log_of_a_job_whose_dataset_is_not_known_is_withheld(admin, folders):
    (folders / "log.txt").write_text("anything\n", encoding="utf-8")
    assert get(admin, "training", training_job().pk).context["page"].live.log.withheld == MAY_QUOTE


def test_cancel_and_resume_are_the_trainers_alone(admin, expert, auditor):
    job = training_job(dataset=dataset_version())
    for user in (expert, auditor):
        body = get(user, "training", job.pk).content.decode()
        assert reverse("web:training-cancel", args=[job.pk]) not in body
        assert post(user, "training-cancel", job.pk).status_code == 403
        assert post(user, "training-resume", job.pk).status_code == 403
    assert TrainingJob.objects.get().status == "running"
    assert post(admin, "training-cancel", job.pk).status_code == 302
    assert TrainingJob.objects.get().status == "cancelling"
    # Told twice, it is shown as it is.
    assert post(admin, "training-cancel", job.pk).status_code == 302
    assert TrainingJob.objects.get().status == "cancelling"
    TrainingJob.objects.update(status="cancelled", ended_at=timezone.now())
    assert post(admin, "training-cancel", job.pk).status_code == 302
    assert post(admin, "training-resume", job.pk).status_code == 302
    assert post(admin, "training-resume", job.pk).status_code == 302
    assert TrainingJob.objects.get().status == "queued"
    kinds = AuditEvent.objects.filter(type__startswith="training.").order_by("pk")
    assert list(kinds.values_list("type", flat=True)) == ["training.cancel_asked", "training.resumed"]


def test_card_and_script_are_downloads_and_the_script_is_the_trainers(admin, expert, folders):
    job = training_job(resources={"place": "slurm"}, dataset=dataset_version())
    assert get(expert, "training-card", job.pk).status_code == 404
    assert get(admin, "training-script", job.pk).status_code == 404
    (folders / "output").mkdir()
    (folders / "output" / "README.md").write_text("# coding\n", encoding="utf-8")
    (folders / "job.slurm").write_text("#!/bin/sh\n#SBATCH --nodes=1\n", encoding="utf-8")
    card = get(expert, "training-card", job.pk)
    assert card.content == b"# coding\n"
    assert card["Content-Disposition"] == f'attachment; filename="model-card-job-{job.pk}.md"'
    script = get(admin, "training-script", job.pk)
    assert script["Content-Disposition"] == 'attachment; filename="job.slurm"'
    assert b"#SBATCH --nodes=1" in script.content
    assert get(expert, "training-script", job.pk).status_code == 403
    assert "#SBATCH" in get(admin, "training", job.pk).content.decode()
    assert "#SBATCH" not in get(expert, "training", job.pk).content.decode()


def test_a_scored_model_stands_beside_the_serving_one_on_the_same_set(admin, tmp_path):
    job = training_job(status="done", dataset=dataset_version())
    serving = ModelVersion.objects.create(engine="vllm", name="old", version="1", active=True)
    mine = ModelVersion.objects.create(engine="vllm", name="coding", version=str(job.pk), job=job)
    before = stored(tmp_path, name="a", model_version_id=serving.pk)
    run = stored(tmp_path, name="b", model_version_id=mine.pk)
    page = get(admin, "training", job.pk).context["page"]
    (row,) = page.scored
    assert (row.gold_set, row.exact, row.serving, row.difference) == (
        "Frailty v1",
        "0.610",
        "0.610",
        "+0.000",
    )
    assert row.compare_url == f"{reverse('web:evaluation-compare')}?a={run.pk}&b={before.pk}"
    assert [s.state for s in page.live.steps] == ["done", "done", "done", "done", "done", "later"]
