"""Training jobs between rows and files: what a job would cost, its files, its supervisor, what its files say.

No rights and no audit here: coding_review/actions/training*.py call these.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from modelops.choices import TrainingStatus
from modelops.models import DatasetVersion, TrainingJob, TrainingStep
from modelops.training import processes, templates
from modelops.training.base import check_base, under_root
from modelops.training.config import JobFile, Recipe, Resources, from_dict
from modelops.training.errors import Stopped
from modelops.training.examples import read_rows
from modelops.training.files import RunFolder, State, read_json
from modelops.training.heartbeat import HEARTBEAT_SECONDS, beating
from modelops.training.plan import DatasetSize, Plan, plan
from modelops.training.processes import Process, end_all, is_alive, started_at
from modelops.training.progress import read_progress

_ROOT = Path(__file__).resolve().parent.parent
TRAIN, VALIDATION = "train.jsonl", "validation.jsonl"


def run_folder(job: TrainingJob) -> RunFolder:
    return RunFolder(Path(settings.TRAINING_DIR) / job.run_dir)


def dataset_folder(dataset: DatasetVersion) -> Path:
    return Path(settings.DATASETS_DIR) / dataset.path


def base_folder(base: str) -> Path:
    """Raises Stopped("bad_checkpoint") for one below none of the folders that bases are taken from."""
    return under_root(Path(base), base_roots())


def base_roots() -> list[Path]:
    """Results of trainings here are bases too."""
    return [*map(Path, settings.TRAINING_BASE_DIRS), Path(settings.TRAINING_DIR)]


def make_plan(dataset: DatasetVersion, base: str, method: str, recipe: Recipe, resources: Resources) -> Plan:
    """Reads the base's headers and the dataset's rows. Raises Stopped: bad_checkpoint, bad_dataset, bad_config."""
    check_hostfile(resources)
    shape = check_base(base_folder(base))
    sizes = dataset_sizes(dataset_folder(dataset) / TRAIN, recipe)
    return plan(shape, sizes, recipe, resources, method)


def check_hostfile(resources: Resources) -> None:
    """A launcher writes lines that it cannot read into the log and opens a shell on every host that it finds: it gets
    no file but those that the operator laid down for it. Raises Stopped("bad_config")."""
    if resources.place != "hostfile":
        return
    folder = os.path.realpath(settings.TRAINING_HOSTFILES_DIR)
    named = Path(os.path.realpath(resources.hostfile))
    if not named.is_relative_to(folder) or not named.is_file():
        raise Stopped("bad_config", "There is no such file in the folder that hostfiles are taken from.")


def dataset_sizes(path: Path, recipe: Recipe) -> dict[str, DatasetSize]:
    """By stage, of the rows that fit, by the tokens that the dataset counted. Raises Stopped("bad_dataset")."""
    found: dict[str, list[int]] = {phase.name: [] for phase in recipe.phases}
    try:
        for row in read_rows(path):
            stage, tokens = row.get("stage", "") if recipe.stages else "", row.get("tokens", 0)
            if stage in found and isinstance(tokens, int) and tokens <= recipe.max_tokens:
                found[stage].append(tokens)
    except OSError:
        raise Stopped("bad_dataset", "The dataset's file is not there or cannot be read.") from None
    empty = [stage or "training" for stage, rows in found.items() if not rows]
    if empty:
        raise Stopped("bad_dataset", f"The dataset has no example for {', '.join(empty)} that fits.")
    return {stage: DatasetSize(len(rows), sum(rows)) for stage, rows in found.items()}


def write_files(job: TrainingJob, *, code_revision: str) -> JobFile:
    """The files of the job's present attempt. Raises OSError, Stopped (base or dataset are not as they were)."""
    dataset = job.dataset
    if dataset is None:
        raise Stopped("bad_dataset", "The job names no dataset.")
    recipe, resources = from_dict(Recipe, job.recipe), from_dict(Resources, job.resources)
    check_hostfile(resources)
    base = base_folder(job.base)
    check_base(base)
    folder, run = dataset_folder(dataset), run_folder(job)
    # Its log may quote what the trainer was given.
    run.path.mkdir(mode=0o750, parents=True, exist_ok=True)
    # Reading a large dataset takes longer than a training may be without a sign of life.
    begins = beating(run, job.attempt, HEARTBEAT_SECONDS) if resources.is_started_here else nullcontext()
    with begins:
        _check_hashes(folder, dataset.manifest)
    run.cancel.unlink(missing_ok=True)
    told = JobFile(
        job=job.pk,
        token=uuid4().hex,
        attempt=job.attempt,
        name=job.name,
        base=str(base),
        train=str((folder / TRAIN).resolve()),
        validation=str((folder / VALIDATION).resolve()) if (folder / VALIDATION).is_file() else "",
        method=job.method,
        recipe=recipe,
        resources=resources,
        dataset=str(dataset),
        dataset_sha256=dataset.sha256,
        prompt_version=str(dataset.manifest.get("prompt_version", "")),
        code_revision=code_revision,
    )
    run.write_run(told)
    if not resources.is_started_here:
        _, name = templates.FILES[resources.place]
        (run.path / name).write_text(templates.render(told, str(run.path)), encoding="utf-8")
    return told


def _check_hashes(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Of the files that the manifest names by their hash: {"files": {name: {"sha256": …}}}."""
    for name, about in manifest.get("files", {}).items():
        wanted = about.get("sha256", "") if isinstance(about, Mapping) else about
        if name not in (TRAIN, VALIDATION) or not wanted:
            continue
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            raise Stopped("bad_dataset", f"The dataset's {name} is not there or cannot be read.") from None
        if found != wanted:
            raise Stopped("bad_dataset", f"The dataset's {name} is not what was built.")


def start_supervisor(folder: RunFolder, token: str) -> Process:
    """A process in a session of its own that outlives this one. Raises OSError; Stopped("environment_missing")."""
    venv = training_environment()
    environment = processes.environment(os.environ, token) | {"PYTHONPATH": str(_ROOT)}
    with folder.log.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  our own program, the arguments a list
            [sys.executable, "-m", "modelops.training.supervisor", str(folder.path), str(venv)],
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Process(process.pid, started_at(process.pid))


def training_environment() -> Path:
    """The environment of TRAINING_VENV, else the one that `make training` made for the lock of this checkout.

    Raises Stopped("environment_missing").
    """
    if settings.TRAINING_VENV:
        named = Path(settings.TRAINING_VENV)
        if (named / "bin" / "python").exists():
            return named
        raise Stopped("environment_missing", "TRAINING_VENV names a folder without an environment.")
    script = _ROOT / "requirements" / "training.sh"
    told = subprocess.run(  # noqa: S603  our own script
        [str(script), "--path"], capture_output=True, text=True, check=False, timeout=60
    )
    if told.returncode or not told.stdout.strip():
        raise Stopped("environment_missing")
    return Path(told.stdout.strip())


@dataclass(frozen=True, slots=True)
class Observed:
    """What a job's files say now. `state`: of its present attempt. `lost`: its processes are gone without a word."""

    state: State | None
    heartbeat_at: dt.datetime | None
    lost: bool


def observe(job: TrainingJob) -> Observed:
    folder = run_folder(job)
    state = folder.read_state()
    if state is not None and state.attempt != job.attempt:
        state = None
    beat = read_json(folder.heartbeat) or {}
    at = _moment(beat.get("at")) if beat.get("attempt") == job.attempt else None
    # Read again: between the first look and the second it may have ended.
    lost = _is_lost(job, at) and not _has_ended(folder, job)
    return Observed(folder.read_state() if state is not None else None, at, lost)


def _moment(told: object) -> dt.datetime | None:
    """None for what is no moment, or says no time zone."""
    try:
        at = parse_datetime(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return at if at is not None and timezone.is_aware(at) else None


def _is_lost(job: TrainingJob, beat: dt.datetime | None) -> bool:
    """On the supervisor's own machine its process tells, elsewhere its sign of life alone."""
    if is_clusters(job):
        # How long it waits there is the scheduler's matter; once begun, its trainer beats.
        begun = job.status != TrainingStatus.QUEUED
        return begun and _silent(beat or job.heartbeat_at, settings.TRAINING_CLUSTER_LOST_SECONDS)
    if job.pid is not None and job.host == socket.gethostname():
        return not is_alive(Process(job.pid, job.process_started))
    return _silent(beat or job.heartbeat_at or job.started_at, settings.TRAINING_LOST_SECONDS)


def is_clusters(job: TrainingJob) -> bool:
    """Whether a scheduler of a cluster has it: its files were written for a person to submit."""
    return job.written_at is not None


def _silent(last: dt.datetime | None, seconds: int) -> bool:
    return last is None or timezone.now() - last > dt.timedelta(seconds=seconds)


def _has_ended(folder: RunFolder, job: TrainingJob) -> bool:
    state = folder.read_state()
    return state is not None and state.attempt == job.attempt and state.is_end


def store_progress(job: TrainingJob) -> int:
    """New rows of the job's file as TrainingStep, those that come again over what was; how many. Sets
    `progress_read`, saves nothing of the job itself."""
    read = read_progress(run_folder(job).progress, job.progress_read)
    rows = [_step(job, row) for row in read.rows.values()]
    known = {
        step.step: step for step in TrainingStep.objects.filter(job=job, step__in=[row.step for row in rows])
    }
    for row in rows:
        before = known.get(row.step)
        if before is not None and row.loss is None and row.attempt == before.attempt:
            # The validation's loss comes after the step's own figures.
            for name in _FIGURES:
                if getattr(row, name) in (None, 0):
                    setattr(row, name, getattr(before, name))
    TrainingStep.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["job", "step"],
        update_fields=["attempt", "at", *_FIGURES],
        batch_size=500,
    )
    job.progress_read = read.offset
    return len(rows)


_FIGURES: Sequence[str] = (
    "epoch",
    "loss",
    "validation_loss",
    "learning_rate",
    "grad_norm",
    "tokens",
    "tokens_per_second",
    "mfu",
    "host_memory",
    "gpu_memory",
)


def _step(job: TrainingJob, row: Mapping[str, Any]) -> TrainingStep:
    figures = {name: row[name] for name in _FIGURES if name in row}
    at = _moment(row["at"]) or timezone.now()
    return TrainingStep(job=job, step=row["step"], attempt=row["attempt"], at=at, **figures)


def ask_to_stop(job: TrainingJob) -> bool:
    """Whether the time for stopping by itself is over. Asking again does no harm. Raises OSError."""
    cancel = run_folder(job).cancel
    if not cancel.exists():
        cancel.parent.mkdir(parents=True, exist_ok=True)
        cancel.touch()
    return bool(time.time() - cancel.stat().st_mtime > settings.TRAINING_CANCEL_SECONDS)


def end_processes(job: TrainingJob) -> bool:
    """Of this machine, with all their children; whether none is left."""
    told = read_json(run_folder(job).run) or {}
    token = told.get("token")
    return end_all(token) if isinstance(token, str) and token else True
