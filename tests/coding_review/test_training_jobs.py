"""A training's row from the queue to its end: rights, slots, what the files say, lost processes. The supervisor is the
real one, over a trainer that does as it is told."""

from __future__ import annotations

import json
import os
import signal
import time
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.training import cancel_training, plan_training, resume_training
from coding_review.actions.training_steps import begin_training, reconcile_training
from coding_review.errors import InvalidDecision, NotAllowed, WrongStatus
from coding_review.models import AuditEvent, EvaluationJob
from modelops.choices import TrainingStatus
from modelops.jobs import run_folder
from modelops.models import ModelVersion, TrainingJob, TrainingStep
from modelops.training.processes import marked
from tests.training_site import CPU, RECIPE, SLURM, WAITS, site

__all__ = ["site"]
pytestmark = pytest.mark.django_db


def until(job, true, seconds=120.0):
    end = time.monotonic() + seconds
    while True:
        reconcile_training()
        job.refresh_from_db()
        if true(job):
            return job
        assert time.monotonic() < end, (job.status, job.error_code)
        time.sleep(0.05)


def ended(job):
    return not job.is_open


def events(type_):
    return [event.data for event in AuditEvent.objects.filter(type=type_).order_by("pk")]


@pytest.mark.parametrize("who", ["coder", "lead", "expert", "auditor", "outsider"])
def test_who_may_not_train_changes_nothing(request, who, site, admin):
    other = request.getfixturevalue(who)
    job = site.queue(admin)
    told = AuditEvent.objects.count()
    for act in (
        lambda: site.queue(other),
        lambda: cancel_training(other, job.pk),
        lambda: resume_training(other, job.pk),
        lambda: plan_training(
            other, dataset_id=site.pk, base=site.tiny, method="full", recipe={}, resources={}
        ),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert (TrainingJob.objects.get().status, AuditEvent.objects.count()) == (TrainingStatus.QUEUED, told)


def test_the_plan_is_seen_first_and_stored_with_the_job(site, admin):
    plan = plan_training(
        admin, dataset_id=site.pk, base=site.tiny, method="full", recipe=RECIPE, resources=CPU
    )
    assert (plan.parameters, plan.packs, plan.steps, plan.tokens) == (2 * 300 * 64, 2, 8, 280)
    assert not TrainingJob.objects.exists()
    job = site.queue(admin)
    assert (job.plan, job.steps, job.status) == (plan.as_json(), 8, TrainingStatus.QUEUED)
    assert job.recipe["learning_rate"] == 1e-5
    (event,) = events("training.queued")
    assert (event["job_id"], event["base"], event["dataset_id"]) == (job.pk, "tiny", site.pk)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": " "}, "name"),
        ({"slot": ""}, "slot"),
        ({"dataset_id": 0}, "dataset"),
        ({"method": "half"}, "method"),
        ({"recipe": {**RECIPE, "epochs": 0}}, "recipe.epochs"),
        ({"recipe": {**RECIPE, "stages": [{"name": "pairs"}]}}, "dataset"),
        ({"recipe": {**RECIPE, "stages": [{"name": "pairs"}]}, "method": "lora"}, "recipe.stages"),
        (
            {"resources": {**SLURM, "partition": "a; b"}},
            "resources.partition",
        ),
        ({"base": "/etc"}, "base"),
        ({"base": "/" + "a" * 300}, "base"),
        ({"recipe": {**RECIPE, "max_tokens": 64, "epochs": "4"}}, "recipe.epochs"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_its_field(site, admin, more, field):
    with pytest.raises(InvalidDecision) as refused:
        site.queue(admin, **more)
    assert refused.value.data["field"] == field
    assert not TrainingJob.objects.exists()
    assert events("training.queued") == []


def test_a_training_that_ends_well_leaves_its_steps_and_a_version_that_nobody_serves(site, admin):
    site.trainer(
        "step(1, loss=2.5, learning_rate=1e-5, grad_norm=1.5, tokens=50, tokens_per_second=10.0, host_memory=1000)",
        "step(2, loss=None, tokens=100)",
        "step(2, validation_loss=1.75)",
        'say("done", 2, result={"checkpoint": "output", "sha256": "cd" * 32, "told": {"loss": 1.5}})',
    )
    job = site.queue(admin)
    assert begin_training(job.pk) is True
    assert begin_training(job.pk) is False
    job = until(job, ended)
    assert (job.status, job.step, job.error_code, job.attempt) == (TrainingStatus.DONE, 2, "", 1)
    steps = TrainingStep.objects.filter(job=job).values_list(
        "step", "loss", "validation_loss", "tokens", "attempt"
    )
    assert list(steps) == [(1, 2.5, None, 50, 1), (2, None, 1.75, 100, 1)]
    (version,) = ModelVersion.objects.all()
    assert (version.name, version.version, version.active, version.trained_by) == (
        "coder",
        str(job.pk),
        False,
        admin,
    )
    assert (version.sha256, version.base, version.adapter) == ("cd" * 32, str(run_folder(job).output), "")
    assert version.prompt_version == "icd10cm-short-1:0123456789ab"
    assert [event["status"] for event in events("training.ended")] == ["done"]
    run = json.loads(run_folder(job).run.read_text())
    assert (run["dataset"], run["dataset_sha256"], run["base"]) == ("charts v1", "ab" * 32, site.tiny)


def test_cancelled_at_work_and_resumed(site, admin):
    site.trainer(*WAITS)
    job = site.queue(admin)
    begin_training(job.pk)
    until(job, lambda job: job.step == 1)
    with pytest.raises(WrongStatus):
        resume_training(admin, job.pk)
    assert cancel_training(admin, job.pk).status == TrainingStatus.CANCELLING
    with pytest.raises(WrongStatus):
        cancel_training(admin, job.pk)
    until(job, ended)
    assert (job.status, ModelVersion.objects.exists()) == (TrainingStatus.CANCELLED, False)
    site.trainer("step(1, loss=2.25, tokens=51)", "step(2, loss=2.0)", 'say("done", 2)')
    assert resume_training(admin, job.pk).status == TrainingStatus.QUEUED
    begin_training(job.pk)
    until(job, ended)
    assert (job.status, job.attempt) == (TrainingStatus.DONE, 2)
    steps = TrainingStep.objects.filter(job=job).values_list("step", "loss", "tokens", "attempt")
    assert list(steps) == [(1, 2.25, 51, 2), (2, 2.0, 0, 2)]
    assert [event["status"] for event in events("training.ended")] == ["cancelled", "done"]


def test_one_that_waits_is_cancelled_at_once(site, admin):
    job = site.queue(admin)
    assert cancel_training(admin, job.pk).status == TrainingStatus.CANCELLED
    assert begin_training(job.pk) is False
    assert not run_folder(job).run.exists()


def test_a_slot_holds_one_job_and_the_longest_waiting_is_next(site, admin):
    site.trainer(*WAITS)
    first, second, third = (site.queue(admin, name=name) for name in ("first", "second", "third"))
    other = site.queue(admin, slot="second machine")
    assert reconcile_training() == [first.pk, other.pk]
    begin_training(first.pk)
    assert begin_training(second.pk) is False
    assert reconcile_training() == [other.pk]
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingJob.objects.filter(pk=second.pk).update(status=TrainingStatus.RUNNING)
    cancel_training(admin, second.pk)
    cancel_training(admin, first.pk)
    until(first, ended)
    assert reconcile_training() == [third.pk, other.pk]


def test_a_killed_supervisor_is_seen_and_what_it_left_is_ended(site, admin):
    site.trainer('say("running", 3)', "time.sleep(600)")
    job = site.queue(admin)
    begin_training(job.pk)
    until(job, lambda job: job.step == 3)
    token = json.loads(run_folder(job).run.read_text())["token"]
    assert len(marked(token)) >= 2
    os.kill(job.pid, signal.SIGKILL)
    os.waitpid(job.pid, 0)
    until(job, ended)
    assert (job.status, job.error_code, job.step) == (TrainingStatus.FAILED, "worker_lost", 3)
    assert "Resume" in job.error
    assert marked(token) == []


def test_on_another_machine_the_sign_of_life_tells(site, admin, settings):
    site.trainer('say("running", 3)', "time.sleep(600)")
    job = site.queue(admin)
    begin_training(job.pk)
    until(job, lambda job: job.step == 3)
    settings.TRAINING_LOST_SECONDS = 3600
    TrainingJob.objects.filter(pk=job.pk).update(host="elsewhere", pid=2**22)
    reconcile_training()
    job.refresh_from_db()
    assert job.status == TrainingStatus.RUNNING
    assert not run_folder(job).cancel.exists()
    settings.TRAINING_LOST_SECONDS = 0
    until(job, ended)
    assert job.error_code == "worker_lost"
    # Where it lives still, out of reach, it finds this.
    assert run_folder(job).cancel.exists()


def test_one_that_does_not_stop_when_told_is_ended(site, admin, settings):
    site.trainer('say("running", 1)', "time.sleep(600)")
    job = site.queue(admin)
    begin_training(job.pk)
    until(job, lambda job: job.step == 1)
    cancel_training(admin, job.pk)
    settings.TRAINING_CANCEL_SECONDS = 3600
    reconcile_training()
    job.refresh_from_db()
    assert job.status == TrainingStatus.CANCELLING
    settings.TRAINING_CANCEL_SECONDS = 0
    until(job, ended)
    assert job.status == TrainingStatus.CANCELLED
    assert marked(json.loads(run_folder(job).run.read_text())["token"]) == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('say("failed", 4, error_code="loss_not_finite", error="No longer a number.")', "loss_not_finite"),
        ('say("failed", 4, error_code="unheard_of")', "crashed"),
        ("os.kill(os.getpid(), 9)", "worker_lost"),
    ],
)
def test_errors_have_a_name_and_advice(site, admin, said, code):
    site.trainer('say("running", 4)', said)
    job = site.queue(admin)
    begin_training(job.pk)
    until(job, ended)
    assert (job.status, job.error_code, job.step) == (TrainingStatus.FAILED, code, 4)
    assert job.error
    assert [event["error_code"] for event in events("training.ended")] == [code]
    if code == "loss_not_finite":
        with pytest.raises(InvalidDecision):
            resume_training(admin, job.pk)
        assert TrainingJob.objects.get().status == TrainingStatus.FAILED


def test_a_dataset_that_was_changed_since_is_not_trained_on(site, admin):
    site.trainer('say("done")')
    job = site.queue(admin)
    site.train.write_text(site.train.read_text().replace("COPD", "gout"))
    assert begin_training(job.pk) is False
    job.refresh_from_db()
    assert (job.status, job.error_code) == (TrainingStatus.FAILED, "bad_dataset")
    assert "is not what was built" in job.error
    assert not run_folder(job).run.exists()


def test_without_an_environment_it_fails_with_advice(site, admin):
    job = site.queue(admin)
    assert begin_training(job.pk) is False
    job.refresh_from_db()
    assert job.error_code == "environment_missing"
    assert "make training" in job.error


def test_a_job_of_a_cluster_is_written_and_begins_when_somebody_submits_it(site, admin):
    job = site.queue(admin, resources=SLURM)
    assert begin_training(job.pk) is True
    job.refresh_from_db()
    assert (job.status, job.pid) == (TrainingStatus.QUEUED, None)
    folder = run_folder(job)
    assert "#SBATCH --partition=gpu" in (folder.path / "job.slurm").read_text()
    assert reconcile_training() == []
    state = {"attempt": 1, "status": "running", "step": 2, "steps": 9}
    folder.state.write_text(json.dumps(state))
    TrainingJob.objects.update(started_at=timezone.now() - timedelta(days=1))
    reconcile_training()
    job.refresh_from_db()
    assert (job.status, job.step) == (TrainingStatus.RUNNING, 2)
    folder.state.write_text(json.dumps({**state, "status": "done", "step": 9}))
    assert until(job, ended).status == TrainingStatus.DONE


def test_a_job_of_a_cluster_that_falls_silent_is_told_lost_and_goes_on_when_submitted_anew(
    site, admin, settings
):
    job = site.queue(admin, resources=SLURM)
    begin_training(job.pk)
    job.refresh_from_db()
    settings.TRAINING_CLUSTER_LOST_SECONDS = 3600
    folder = run_folder(job)
    # However long it waits at the scheduler.
    TrainingJob.objects.update(written_at=timezone.now() - timedelta(days=30))
    reconcile_training()
    job.refresh_from_db()
    assert job.status == TrainingStatus.QUEUED
    folder.state.write_text(json.dumps({"attempt": 1, "status": "running", "step": 2, "steps": 9}))

    def beaten(ago):
        at = timezone.now() - timedelta(seconds=ago)
        folder.heartbeat.write_text(json.dumps({"attempt": 1, "at": at.isoformat()}))
        reconcile_training()
        job.refresh_from_db()
        return job.status

    assert beaten(600) == TrainingStatus.RUNNING
    assert not folder.cancel.exists()
    assert beaten(3700) == TrainingStatus.FAILED
    assert (job.error_code, job.step) == ("worker_lost", 2)
    assert job.error.startswith("The job has shown no sign of life from the cluster")
    assert "Resume" in job.error
    # One that lives still stops by itself before another writes into its folder.
    assert folder.cancel.exists()
    resume_training(admin, job.pk)
    assert begin_training(job.pk) is True
    job.refresh_from_db()
    assert (job.status, job.attempt, folder.cancel.exists()) == (TrainingStatus.QUEUED, 2, False)
    assert reconcile_training() == []
    job.refresh_from_db()
    assert job.status == TrainingStatus.QUEUED


def test_a_job_of_a_cluster_has_no_slot_of_this_machine(site, admin):
    site.trainer(*WAITS)
    here, there = site.queue(admin), site.queue(admin, resources=SLURM)
    assert there.slot == f"slurm, job {there.pk}"
    begin_training(here.pk)
    assert begin_training(there.pk) is True
    run_folder(TrainingJob.objects.get(pk=there.pk)).state.write_text(
        json.dumps({"attempt": 1, "status": "running", "step": 2, "steps": 9})
    )
    reconcile_training()
    there.refresh_from_db()
    here.refresh_from_db()
    assert (here.status, there.status) == (TrainingStatus.RUNNING, TrainingStatus.RUNNING)
    cancel_training(admin, here.pk)
    until(here, ended)


def test_a_job_of_a_cluster_that_nobody_submitted_yet_is_told_to_stop(site, admin):
    job = site.queue(admin, resources=SLURM)
    begin_training(job.pk)
    folder = run_folder(TrainingJob.objects.get())
    assert not folder.cancel.exists()
    assert cancel_training(admin, job.pk).status == TrainingStatus.CANCELLED
    assert folder.cancel.exists()
    resume_training(admin, job.pk)
    begin_training(job.pk)
    assert not folder.cancel.exists()


def test_a_job_of_a_cluster_that_cannot_be_told_to_stop_is_not_cancelled(site, admin):
    job = site.queue(admin, resources=SLURM)
    begin_training(job.pk)
    folder = run_folder(TrainingJob.objects.get())
    folder.path.rename(folder.path.with_name("elsewhere"))
    folder.path.write_text("no folder")
    with pytest.raises(InvalidDecision):
        cancel_training(admin, job.pk)
    job.refresh_from_db()
    assert job.status == TrainingStatus.QUEUED
    assert events("training.cancel_asked") == []


def test_files_that_cannot_be_taken_over_keep_no_other_job_from_it(site, admin, caplog):
    site.trainer('say("running", 3)', "time.sleep(600)")
    first, second = site.queue(admin), site.queue(admin, slot="second machine")
    for job in (first, second):
        begin_training(job.pk)
    until(second, lambda job: job.step == 3)
    folder = run_folder(TrainingJob.objects.get(pk=first.pk))
    folder.progress.mkdir()
    with run_folder(TrainingJob.objects.get(pk=second.pk)).progress.open("a") as out:
        out.write(
            json.dumps({"attempt": 1, "step": 4, "at": "2026-11-21T10:00:00+00:00", "loss": 1.5}) + "\n"
        )
    reconcile_training()
    assert TrainingStep.objects.get().job == second
    assert f"training job {first.pk}: its files were not taken over: IsADirectoryError" in caplog.text


def test_all_steps_of_a_job_that_ended_unseen_are_read(site, admin, monkeypatch):
    monkeypatch.setattr("modelops.training.progress._MOST_BYTES", 400)
    site.trainer(
        "for number in range(1, 21): step(number, loss=2.5, tokens=50)",
        'say("done", 20, result={"sha256": "cd" * 32})',
    )
    job = site.queue(admin)
    begin_training(job.pk)
    folder = run_folder(TrainingJob.objects.get())
    end = time.monotonic() + 120
    while not folder.state.exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    reconcile_training()
    job.refresh_from_db()
    assert job.status == TrainingStatus.DONE
    assert list(TrainingStep.objects.values_list("step", flat=True)) == list(range(1, 21))


def test_a_hostfile_is_one_that_the_operator_laid_down(site, admin, settings, tmp_path):
    settings.TRAINING_HOSTFILES_DIR = tmp_path / "hostfiles"
    settings.TRAINING_HOSTFILES_DIR.mkdir()
    (tmp_path / "hostfiles" / "two").write_text("one slots=1\ntwo slots=1\n")
    (tmp_path / "secret").write_text("a key that a launcher would quote in its log")
    (tmp_path / "hostfiles" / "link").symlink_to(tmp_path / "secret")
    nodes = {**CPU, "place": "hostfile", "nodes": 2}
    for name in ("secret", "hostfiles", "hostfiles/link", "hostfiles/none"):
        with pytest.raises(InvalidDecision) as refused:
            site.queue(admin, resources={**nodes, "hostfile": str(tmp_path / name)})
        assert refused.value.data["field"] == "resources.hostfile"
    assert not TrainingJob.objects.exists()
    good = tmp_path / "hostfiles" / "two"
    job = site.queue(admin, resources={**nodes, "hostfile": str(good)})
    good.unlink()
    assert begin_training(job.pk) is False
    job.refresh_from_db()
    assert (job.status, job.error_code) == (TrainingStatus.FAILED, "bad_config")


def test_what_was_trained_is_evaluated_without_a_click(
    site, admin, settings, icd10cm, tmp_path, django_capture_on_commit_callbacks
):
    rows = [
        {"id": f"g-{number}", "text": "Has hypertension.", "codes": [{"code": "I10", "lines": [1]}]}
        for number in range(2)
    ]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    split, frozen = (
        import_gold(None, lines, name=purpose, purpose=purpose, without_phi=True)
        for purpose in ("calibration", "evaluation")
    )
    # Nobody is asked yet: only whether somebody could be.
    settings.LLM_BASE_URLS = ["http://127.0.0.1:9"]
    site.trainer('say("done", 2, result={"sha256": "cd" * 32})')
    job = site.queue(admin)
    begin_training(job.pk)
    sent = []
    end = time.monotonic() + 120
    while job.is_open:
        assert time.monotonic() < end
        with django_capture_on_commit_callbacks(execute=True):
            reconcile_training(sent.append)
        job.refresh_from_db()
    asked = EvaluationJob.objects.order_by("pk")
    version = ModelVersion.objects.get()
    assert [(one.model_version, one.gold_set, one.created_by) for one in asked] == [
        (version, split, admin),
        (version, frozen, admin),
    ]
    assert sent == [one.pk for one in asked]
    assert [event["model_version_id"] for event in events("evaluation.queued")] == [version.pk] * 2


@pytest.mark.parametrize("lacking", ["sets", "server"])
def test_a_training_ends_well_where_its_version_cannot_be_evaluated_yet(site, admin, icd10cm, lacking):
    if lacking == "server":
        line = json.dumps({"id": "g", "text": "Has hypertension.", "codes": [{"code": "I10", "lines": [1]}]})
        import_gold(None, [line.encode()], name="Frozen", purpose="evaluation", without_phi=True)
    site.trainer('say("done", 2, result={"sha256": "cd" * 32})')
    job = site.queue(admin)
    begin_training(job.pk)
    assert until(job, ended).status == TrainingStatus.DONE
    assert ModelVersion.objects.count() == 1
    assert not EvaluationJob.objects.exists()
