"""Real trainings through TRL and DeepSpeed: what is learned from, what is told, and what survives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from coding_review.actions.training_steps import begin_training, reconcile_training
from modelops.choices import TRAINING_AT_WORK
from modelops.datasets.packing import pack
from modelops.jobs import run_folder
from modelops.models import DatasetVersion, ModelVersion, TrainingJob, TrainingStep
from modelops.training import card
from modelops.training.base import check_base
from modelops.training.checkpoints import is_complete, newest_complete, step_of, world_size_of
from modelops.training.config import to_dict
from modelops.training.errors import ERRORS
from modelops.training.files import State
from modelops.training.processes import marked
from tests.deepspeed.conftest import CPU, RECIPE, ROOT, STEPS, Run
from tests.faults.conftest import wait_until
from tests.faults.own_postgres import own_postgres
from tests.modelops.training.rows import weights
from tests.training_site import site

__all__ = ["own_postgres", "site"]
pytestmark = pytest.mark.timeout(590)
# By DeepSpeed's own name.
OPTIMIZER = "zero_pp_rank_0_mp_rank_00_optim_states.pt"


@pytest.fixture(scope="module")
def whole(make_run) -> Run:
    """An uninterrupted training."""
    run = make_run("whole")
    assert run.finish() == "done", run.log
    return run


def test_examples_of_a_pack_do_not_see_one_another(make_run, training_venv):
    run = make_run("packing")
    done = subprocess.run(
        [
            training_venv / "bin" / "python",
            "-W",
            "ignore",
            ROOT / "tests/deepspeed/check_packing.py",
            run.folder.path,
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=560,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert {"input_ids", "labels", "position_ids"} <= set(found["keys"])
    assert "attention_mask" not in found["keys"]
    assert found["most_in_a_pack"] > 1
    assert found["tokens"][0] == found["tokens"][1] > 0
    assert abs(found["packed"] - found["separate"]) < 1e-5
    # The measure can tell: a mask lets examples see one another.
    assert abs(found["with_a_mask"] - found["separate"]) > 1e-3
    assert found["fewest"] > 0
    assert (found["counts"]["examples"], found["counts"]["too_long"], found["counts"]["without_answer"]) == (
        60,
        1,
        0,
    )
    assert found["packs"] == len(pack(found["lengths"], RECIPE.max_tokens).packs)


def test_every_step_is_told_and_the_loss_falls(whole):
    assert sorted(whole.steps) == list(range(1, STEPS + 1))
    losses = [loss for loss, _, _ in whole.steps.values()]
    assert losses[-1] < losses[0] - 1
    assert whole.steps[1][1] == RECIPE.learning_rate
    rows = [json.loads(line) for line in whole.folder.progress.read_text().splitlines()]
    assert all(row["tokens_per_second"] > 0 and row["host_memory"] > 10**8 and row["mfu"] > 0 for row in rows)
    tokens = [row["tokens"] for row in rows]
    assert tokens == sorted(tokens)
    assert tokens[-1] <= STEPS * RECIPE.accumulation * RECIPE.max_tokens


def test_the_result_is_whole_and_says_what_it_is(whole):
    told = whole.folder.read_state()
    assert (told.step, told.steps, told.result["told"]["train"]["too_long"]) == (STEPS, STEPS, 1)
    output = whole.folder.output
    assert card.check(output) == told.result["sha256"] != ""
    assert check_base(output).parameters == check_base(Path(whole.job.base)).parameters
    assert [path.suffix for path in output.iterdir() if path.suffix in (".bin", ".pt")] == []
    assert "| Steps | 24 |" in (output / "README.md").read_text()


# Four beginnings of a trainer, beside whatever else the machine does.
@pytest.mark.timeout(1500)
def test_out_of_room_killed_and_cancelled_it_goes_on_bit_by_bit(make_run, whole):
    run = make_run("interrupted")
    checkpoints = run.folder.checkpoints / "all"
    supervisor = run.start()
    run.wait_for_step(10)
    link = fill_the_disk(run)
    before = newest_complete(checkpoints)
    kept = contents(before)
    assert supervisor.wait(560) == 0
    told = run.folder.read_state()
    assert (told.status, told.error_code) == ("failed", "disk_full"), run.log
    assert told.error == ERRORS["disk_full"].message
    assert "then resume" in ERRORS["disk_full"].advice
    assert link.is_symlink()
    assert newest_complete(checkpoints) == before
    assert contents(before) == kept
    # There is room again.
    link.unlink()
    run.again()
    supervisor = run.start()
    run.wait_for_step(step_of(before) + 1)
    # Sought before it counts: looking through all processes takes as long as some of the steps.
    trainer = run.trainer()
    run.wait_for_step(step_of(before) + 2)
    os.kill(trainer, signal.SIGKILL)
    assert f"Going on from {before.name}." in run.folder.log.read_text()
    assert supervisor.wait(560) == 0
    told = run.folder.read_state()
    assert (told.status, told.error_code) == ("failed", "worker_lost")
    newest = newest_complete(checkpoints)
    # As the machine may leave one that was being written: newer, and not whole.
    half = checkpoints / f"checkpoint-{step_of(newest) + 5}"
    half.mkdir(exist_ok=True)
    (half / "trainer_state.json").write_text('{"global_step": 99')
    (half / "latest").write_text("global_step99")
    run.again()
    supervisor = run.start()
    run.wait_for_step(step_of(newest) + 2)
    run.folder.cancel.touch()
    assert supervisor.wait(560) == 0
    told = run.folder.read_state()
    assert (told.status, told.error_code) == ("cancelled", "")
    last = newest_complete(checkpoints)
    assert step_of(newest) < step_of(last) == told.step < STEPS
    assert run.folder.log.read_text().rpartition("Going on from ")[2].startswith(f"{newest.name}.")
    assert not run.folder.output.exists()
    run.again()
    assert run.finish() == "done", run.log
    assert run.steps == whole.steps
    assert card.check(run.folder.output) != ""
    for name in ("model.safetensors", "config.json"):
        assert card.file_sha256(run.folder.output / name) == card.file_sha256(whole.folder.output / name)
    assert all(is_complete(path) for path in checkpoints.glob("checkpoint-*"))


def fill_the_disk(run: Run) -> Path:
    """From now on the kernel itself says ENOSPC to the largest file of the next checkpoint, the optimizer's: its name
    leads to the device that is always full. The link; whoever has it in the way removes it, never the device."""
    with run.held():
        step = run.folder.read_state().step
        # What is being written now is let be.
        step += RECIPE.save_steps - step % RECIPE.save_steps
        folder = run.folder.checkpoints / "all" / f"checkpoint-{step}" / f"global_step{step}"
        folder.mkdir(parents=True)
        link = folder / OPTIMIZER
        link.symlink_to("/dev/full")
    return link


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert OPTIMIZER in {path.name for path in files}
    return {path.relative_to(folder).as_posix(): card.file_sha256(path) for path in files}


@pytest.mark.timeout(1500)
def test_two_processes_learn_what_one_learns_also_when_one_of_them_was_killed(make_run, whole):
    """By DeepSpeed's own launcher. A step of two processes has the two packs that one process takes for a step of two
    rounds: the same losses come only where both ranks compute, and each takes what the other found."""
    run = make_run("two", recipe=replace(RECIPE, accumulation=1), resources=replace(CPU, processes=2))
    supervisor = run.start()
    run.wait_for_step(2 * RECIPE.save_steps - 1)
    ranks = run.trainers()
    assert len(ranks) == 2
    run.wait_for_step(2 * RECIPE.save_steps + 2)
    os.kill(ranks[1], signal.SIGKILL)
    assert supervisor.wait(560) == 0
    assert (run.status, marked(run.job.token)) == ("failed", []), run.log
    before = newest_complete(run.folder.checkpoints / "all")
    assert (step_of(before), world_size_of(before)) == (2 * RECIPE.save_steps, 2)
    killed = run.steps
    run.again()
    assert run.finish() == "done", run.log
    assert "dist_world_size=2" in run.folder.log.read_text()
    assert f"Going on from {before.name}." in run.folder.log.read_text()
    # A step is told once by each attempt, by one of its processes; those that came again are the same bit by bit.
    rows = [json.loads(line) for line in run.folder.progress.read_text().splitlines()]
    told = [[row["step"] for row in rows if row["attempt"] == attempt] for attempt in (1, 2)]
    assert told == [list(range(1, len(killed) + 1)), list(range(step_of(before) + 1, STEPS + 1))]
    again = range(step_of(before) + 1, len(killed) + 1)
    assert len(again) >= 2
    assert [run.steps[step] for step in again] == [killed[step] for step in again]
    # Until the packs of the first epoch, an odd number, are at their end: one process has the last one alone.
    alike = whole.folder.read_state().result["told"]["packs"] // 2
    assert alike > STEPS // 2
    for step in range(1, alike + 1):
        (loss, rate, _), (loss_of_one, rate_of_one, _) = run.steps[step], whole.steps[step]
        assert (loss, rate) == (pytest.approx(loss_of_one, rel=1e-4), rate_of_one), step
    assert run.steps[STEPS][0] < run.steps[1][0] - 1
    newest = newest_complete(run.folder.checkpoints / "all")
    assert (newest.name, world_size_of(newest)) == (f"checkpoint-{STEPS}", 2)
    # Each rank's part of the weights and of the optimizer's states, and nobody else's.
    kinds = ("model_states", "optim_states")
    parts = [f"zero_pp_rank_{rank}_mp_rank_00_{kind}.pt" for rank in (0, 1) for kind in kinds]
    assert sorted(path.name for path in newest.glob("global_step*/*")) == sorted(parts)
    assert run.folder.read_state().result["sha256"] == card.check(run.folder.output) != ""


@pytest.fixture
def trains(own_postgres, site, settings, monkeypatch, training_venv, tiny, charts):
    """Puts a job into the queue as an admin does, of the very training that `whole` is. The database is its own."""
    settings.TRAINING_BASE_DIRS, settings.TRAINING_VENV = [tiny], str(training_venv)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    shutil.copyfile(charts, site.train)
    dataset = DatasetVersion.objects.create(
        name="real", version=1, kind="icd10cm", manifest={}, sha256="cd" * 32, path=site.train.parent.name
    )
    return partial(
        site.queue,
        dataset_id=dataset.pk,
        base=str(tiny / "tiny"),
        recipe=to_dict(RECIPE),
        resources=to_dict(CPU),
    )


@pytest.mark.timeout(1500)
@pytest.mark.django_db(transaction=True)
def test_it_trains_on_while_postgresql_is_away(trains, own_postgres, admin, whole):
    job = trains(admin)
    assert begin_training(job.pk)
    job.refresh_from_db()
    folder = run_folder(job)
    wait_until(lambda: (folder.read_state() or State(1, "")).step > 2, seconds=560)
    reconcile_training()
    assert TrainingJob.objects.get().status in TRAINING_AT_WORK
    own_postgres.crash()
    at = folder.read_state()
    with pytest.raises(OperationalError):
        reconcile_training()
    connection.close()
    wait_until(lambda: folder.read_state().step > at.step or folder.read_state().is_end, seconds=560)
    own_postgres.start()

    def ended() -> bool:
        reconcile_training()
        return not TrainingJob.objects.get().is_open

    wait_until(ended, seconds=560)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.step, job.error_code) == ("done", 1, STEPS, "")
    # To the last bit what was trained without a database.
    rows = TrainingStep.objects.order_by("step").values_list("step", "loss", "learning_rate", "grad_norm")
    assert {step: tuple(told) for step, *told in rows} == whole.steps
    weights_of = [card.file_sha256(of.output / "model.safetensors") for of in (folder, whole.folder)]
    assert weights_of[0] == weights_of[1]
    assert ModelVersion.objects.get().sha256 == card.check(folder.output) != ""


def test_a_loss_that_is_no_number_ends_it_before_anything_is_saved(make_run, tiny):
    run = make_run("nan", base=str(tiny / "broken"))
    assert run.finish() == "failed"
    told = run.folder.read_state()
    assert (told.error_code, told.step) == ("loss_not_finite", 1)
    assert newest_complete(run.folder.checkpoints / "all") is None


def test_a_damaged_base_and_an_empty_dataset_have_their_names(make_run, tiny, tmp_path):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in (tiny / "tiny").iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    weights(damaged / "model.safetensors")
    (damaged / "model.safetensors").write_bytes((damaged / "model.safetensors").read_bytes()[:-8])
    # By DeepSpeed's own launcher: its processes find their run, where a wrong first argument ends them as crashed.
    run = make_run("damaged", base=str(damaged), resources=replace(CPU, processes=2))
    assert run.finish() == "failed", run.log
    assert run.folder.read_state().error_code == "bad_checkpoint"
    told = run.folder.log.read_text()
    assert "dist_world_size=2" in told
    assert told.count("spawned with command") == 2
    long = make_run("too-long", recipe=replace(RECIPE, max_tokens=64))
    assert long.finish() == "failed"
    assert long.folder.read_state().error_code == "bad_dataset"
