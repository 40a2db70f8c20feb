"""A site that may train: folders with one base and one dataset, and a trainer that does as it is told in the place of
the real one, under the real supervisor."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coding_review.actions.training import queue_training
from modelops.models import DatasetVersion, TrainingJob
from modelops.training.processes import marked
from tests.modelops.training.rows import base, row, write_rows

RECIPE = {
    "optimizer": "adam",
    "offload_optimizer": False,
    "precision": "fp32",
    "max_tokens": 64,
    "micro_batch": 1,
}
CPU = {"device": "cpu"}
SLURM = {"place": "slurm", "partition": "gpu", "project_dir": "/srv/app", "venv": "/srv/venv", "processes": 8}
# A trainer in the place of the real one.
TRAINER = """
import json, os, pathlib, sys, time
folder = pathlib.Path(sys.argv[-1])
attempt = json.loads((folder / "run.json").read_text())["attempt"]
def say(status, step=0, **more):
    (folder / "new").write_text(json.dumps({"attempt": attempt, "status": status, "step": step, "steps": 9, **more}))
    (folder / "new").replace(folder / "state.json")
def step(number, **figures):
    with (folder / "progress.jsonl").open("a") as out:
        row = {"attempt": attempt, "step": number, "at": "2026-11-21T10:00:00+00:00", **figures}
        out.write(json.dumps(row) + "\\n")
def until_told():
    while not (folder / "cancel").exists(): time.sleep(0.02)
"""
WAITS = ["step(1, loss=2.5, tokens=50)", 'say("running", 1)', "until_told()", 'say("cancelled", 1)']


class Site:
    def __init__(self, folder: Path, dataset: DatasetVersion, train: Path) -> None:
        self._folder, self.pk, self.train = folder, dataset.pk, train
        self.tiny = str(folder / "models" / "tiny")

    def trainer(self, *lines: str) -> None:
        """What a training does from now on."""
        script = self._folder / "trainer.py"
        script.write_text(TRAINER + "\n".join(lines))
        python = self._folder / "venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
        python.chmod(0o755)

    def queue(self, actor: Any, **more: Any) -> TrainingJob:
        fields = {
            "name": "coder",
            "dataset_id": self.pk,
            "base": self.tiny,
            "recipe": RECIPE,
            "resources": CPU,
        }
        return queue_training(actor, **{**fields, **more})


@pytest.fixture
def site(tmp_path: Path, settings: Any, db: None) -> Iterator[Site]:
    settings.TRAINING_DIR = tmp_path / "training"
    settings.DATASETS_DIR = tmp_path / "datasets"
    settings.TRAINING_BASE_DIRS = [tmp_path / "models"]
    settings.TRAINING_VENV = str(tmp_path / "venv")
    base(tmp_path / "models" / "tiny")
    folder = tmp_path / "datasets" / "charts-1"
    folder.mkdir(parents=True)
    path = write_rows(folder / "train.jsonl", [row(tokens=40), row(tokens=30), row(tokens=65)])
    manifest = {
        "prompt_version": "icd10cm-short-1:0123456789ab",
        "files": {"train.jsonl": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}},
    }
    dataset = DatasetVersion.objects.create(
        name="charts", version=1, kind="icd10cm", manifest=manifest, sha256="ab" * 32, path="charts-1"
    )
    yield Site(tmp_path, dataset, path)
    for run in (tmp_path / "training").glob("*/run.json"):
        for pid in marked(json.loads(run.read_text())["token"]):
            os.kill(pid, signal.SIGKILL)
