"""A training goes on while a worker is killed and PostgreSQL is away; rows follow when both are back."""

from __future__ import annotations

import json
import time

import pytest

from coding_review.models import AuditEvent
from modelops.choices import TrainingStatus
from modelops.jobs import run_folder
from modelops.models import ModelVersion, TrainingJob, TrainingStep
from modelops.training.processes import Process, is_alive
from tests.faults.conftest import Processes, wait_until
from tests.faults.test_database_away import Line
from tests.training_site import site

__all__ = ["site"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(590)]
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
def line(environment):
    """Between the workers and PostgreSQL; this process has its own."""
    between = Line(int(environment["DATABASE_URL"].rpartition(":")[2].partition("/")[0]))
    between.join()
    yield between
    between.cut()


@pytest.fixture
def programs(environment, line, settings, tmp_path):
    address, _, rest = environment["DATABASE_URL"].rpartition(":")
    given = environment | {
        "DATABASE_URL": f"{address}:{line.port}/{rest.partition('/')[2]}",
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


def test_worker_killed_and_database_away_in_mid_training(site, admin, programs, line, tmp_path):
    site.trainer(*STEPS)
    job = site.queue(admin)
    programs("beat", "-s", str(tmp_path / "schedule"))
    first = worker(programs)
    wait_until(lambda: told() > 3, seconds=200)
    job.refresh_from_db()
    supervisor = Process(job.pid, job.process_started)
    first.kill()
    assert is_alive(supervisor)
    worker(programs)
    before = told()
    wait_until(lambda: told() > before, seconds=200)
    line.cut()
    state = run_folder(job).state
    at = json.loads(state.read_text())["step"]
    time.sleep(7)
    wait_until(lambda: json.loads(state.read_text())["step"] > at, seconds=120)
    before = told()
    line.join()
    wait_until(lambda: told() > before, seconds=200)
    (run_folder(job).path / "enough").touch()
    wait_until(lambda: not TrainingJob.objects.get().is_open, seconds=200)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.error_code) == (TrainingStatus.DONE, 1, "")
    assert list(TrainingStep.objects.values_list("step", flat=True)) == list(range(1, job.step + 1))
    assert ModelVersion.objects.get().job_id == job.pk
    assert AuditEvent.objects.filter(type="training.begun").count() == 1
    wait_until(lambda: not is_alive(supervisor), seconds=120)
