"""A training goes on while a worker is killed and while PostgreSQL is ended and started again; rows follow when both
are back. Supervisor, workers, beat, reconciliation and database are the real ones; in the place of the trainer stands
a script that writes state.json and progress.jsonl as it does."""

from __future__ import annotations

import json

import pytest

from coding_review.models import AuditEvent
from modelops.choices import TrainingStatus
from modelops.jobs import run_folder
from modelops.models import ModelVersion, TrainingJob, TrainingStep
from modelops.training.processes import Process, is_alive
from tests.faults.conftest import Processes, wait_until
from tests.faults.own_postgres import own_postgres
from tests.training_site import site

__all__ = ["own_postgres", "site"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(1190)]
# Steps until it is told to come to an end.
STEPS = [
    "number = 0",
    "while not (folder / 'enough').exists():",
    "    number += 1",
    "    step(number, loss=1.0 / number, tokens=number)",
    "    say('running', number)",
    "    time.sleep(0.05)",
    "say('done', number, result={'sha256': 'ab' * 32})",
]


@pytest.fixture
def programs(own_postgres, environment, settings, tmp_path):
    given = environment | {
        "TRAINING_DIR": str(settings.TRAINING_DIR),
        "TRAINING_BASE_DIRS": str(settings.TRAINING_BASE_DIRS[0]),
        "TRAINING_VENV": settings.TRAINING_VENV,
        "DATASETS_DIR": str(settings.DATASETS_DIR),
    }
    started = []

    def start(*arguments):
        started.append(Processes(tmp_path, given, *arguments))
        return started[-1]

    yield start
    for program in started:
        program.kill()


def worker(programs):
    return programs("worker", "-Q", "train", "-c", "1", "--without-gossip", "--without-mingle")


def told():
    """The last step that is a row."""
    return TrainingStep.objects.order_by("-step").values_list("step", flat=True).first() or 0


def test_worker_killed_and_postgresql_restarted_in_mid_training(
    own_postgres, site, admin, programs, tmp_path
):
    site.trainer(*STEPS)
    job = site.queue(admin)
    programs("beat", "-s", str(tmp_path / "schedule"))
    first = worker(programs)
    wait_until(lambda: told() > 3, seconds=200)
    job.refresh_from_db()
    supervisor = Process(job.pid, job.process_started)
    first.kill()
    assert is_alive(supervisor)
    second = worker(programs)
    before = told()
    wait_until(lambda: told() > before, seconds=200)
    state = run_folder(job).state
    read = second.log.stat().st_size
    own_postgres.crash()
    at = json.loads(state.read_text())["step"]
    # It looked for the database, and found none.
    wait_until(lambda: b"OperationalError" in second.log.read_bytes()[read:], seconds=200)
    assert is_alive(supervisor)
    wait_until(lambda: json.loads(state.read_text())["step"] > at, seconds=200)
    own_postgres.start()
    assert TrainingJob.objects.get().status == TrainingStatus.RUNNING
    before = told()
    wait_until(lambda: told() > before, seconds=200)
    (run_folder(job).path / "enough").touch()
    wait_until(lambda: not TrainingJob.objects.get().is_open, seconds=200)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.error_code) == (TrainingStatus.DONE, 1, "")
    rows = list(TrainingStep.objects.order_by("step").values_list("step", "tokens"))
    assert rows == [(number, number) for number in range(1, job.step + 1)]
    assert job.step > at
    assert ModelVersion.objects.get().job_id == job.pk
    events = AuditEvent.objects.filter(type__startswith="training.").order_by("pk")
    assert list(events.values_list("type", flat=True)) == [
        "training.queued",
        "training.begun",
        "training.ended",
    ]
    wait_until(lambda: not is_alive(supervisor), seconds=120)
