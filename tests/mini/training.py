"""One real training job, begun and watched as the worker of the queue `train` does it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User

from coding_review.actions.training import cancel_training, queue_training
from coding_review.actions.training_steps import begin_training, reconcile_training
from coding_review.choices import Role
from coding_review.errors import WrongStatus
from coding_review.models import RoleAssignment
from modelops.choices import TrainingStatus
from modelops.jobs import end_processes, training_environment
from modelops.models import DatasetVersion, TrainingJob
from tests.mini.size import Size

ROOT = Path(__file__).resolve().parents[2]
_LOOK_SECONDS = 1.0
_AT_WORK = {TrainingStatus.RUNNING, TrainingStatus.SAVING}


class TrainingFailed(Exception):
    """The job's own words."""


def make_base(size: Size, corpus: Path, folder: Path) -> int:
    """The base in `folder`; its number of parameters."""
    said = subprocess.run(
        [
            str(training_environment() / "bin" / "python"),
            *("-m", "tests.mini.make_base", str(corpus), str(folder)),
            *(str(size.vocabulary), str(size.hidden), str(size.layers), str(size.head), str(size.wider)),
        ],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "HF_HUB_OFFLINE": "1", "RAYON_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(said.stdout.split()[-1])


def admin() -> User:
    user, _ = User.objects.get_or_create(username="miniature")
    RoleAssignment.objects.get_or_create(user=user, role=Role.ADMIN)
    return user


def train(size: Size, dataset: DatasetVersion, base: Path, say: Callable[[TrainingJob], None]) -> TrainingJob:
    """To its end; `say` hears of the job about once a second. Raises TrainingFailed."""
    job = follow(queue(size, dataset, base), say)
    if job.status != TrainingStatus.DONE:
        raise TrainingFailed(f"{job.status}\n{_log_of(job)}")
    return job


def queue(size: Size, dataset: DatasetVersion, base: Path) -> TrainingJob:
    return queue_training(
        admin(),
        name="miniature",
        dataset_id=dataset.pk,
        base=str(base),
        recipe=size.recipe(),
        resources=size.resources(),
    )


def follow(
    job: TrainingJob, say: Callable[[TrainingJob], None], until: Callable[[], bool] = lambda: False
) -> TrainingJob:
    """To its end, or to the checkpoint that it saves when `until` says so: then it is cancelled, and can go on. It
    takes one step at least. Raises TrainingFailed."""
    # Two processes of one thread each are nearly twice as fast as two threads of one process.
    os.environ["OMP_NUM_THREADS"] = "1" if job.resources["processes"] > 1 else "2"
    try:
        while job.is_open:
            # Another of the slot may be before it, as one left by a run that was killed.
            for begins in reconcile_training():
                begin_training(begins)
            job.refresh_from_db()
            if job.status in _AT_WORK and until():
                _stop(job)
            time.sleep(_LOOK_SECONDS)
            job.refresh_from_db()
            say(job)
    except BaseException:
        end_processes(job)
        raise
    if job.error_code:
        raise TrainingFailed(f"{job.status} {job.error_code}: {job.error}\n{_log_of(job)}")
    return job


def _stop(job: TrainingJob) -> None:
    # It may have ended since it was read.
    with contextlib.suppress(WrongStatus):
        cancel_training(admin(), job.pk)


def bases() -> Path:
    """Where the application takes bases from."""
    folder = Path(settings.TRAINING_BASE_DIRS[0])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def checkpoint(job: TrainingJob) -> Path:
    return Path(settings.TRAINING_DIR) / job.run_dir / str(job.result["checkpoint"])


def _log_of(job: TrainingJob) -> str:
    path = Path(settings.TRAINING_DIR) / job.run_dir / "log.txt"
    return path.read_text(encoding="utf-8", errors="replace")[-3000:] if path.is_file() else ""
