"""bench/gpu_train.py on a processor, from charts to scores, each call cut short: through the real trainer."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from bench.gpu_training.calls import DONE, MORE, Call
from bench.gpu_training.size import TINY
from catalog.models import Release
from modelops.models import TrainingJob

pytestmark = [pytest.mark.timeout(1800), pytest.mark.django_db]
SIZE = dataclasses.replace(TINY, held_out=1)
DEVICE = {"name": "processor", "memory": 24_000_000_000, "tflops": 0.1, "torch": "", "attention": ""}


def test_each_call_goes_on_where_the_last_one_stopped(
    tmp_path: Path,
    settings: Any,
    training_venv: Path,
    icd10cm: Release,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The training sets it for its process, and here it goes back to what it was.
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    settings.DATASETS_DIR = tmp_path / "datasets"
    settings.TRAINING_DIR = tmp_path / "training"
    settings.TRAINING_BASE_DIRS = [tmp_path / "models"]
    settings.TRAINING_VENV = str(training_venv)

    # Charts, gold set, base and dataset, then one step: each call does one thing where it has no time.
    kept = []
    for _ in range(5):
        assert Call(tmp_path, SIZE, DEVICE, over=lambda: True).take() == MORE
        kept.append(set(json.loads((tmp_path / "kept.json").read_text())))
    assert [("frozen" in one, "dataset" in one, "job" in one) for one in kept] == [
        (False, False, False),
        (True, False, False),
        (True, False, False),
        (True, True, False),
        (True, True, True),
    ]
    job = TrainingJob.objects.get()
    assert (job.status, job.step, job.attempt) == ("cancelled", 1, 1)

    assert Call(tmp_path, SIZE, DEVICE, over=lambda: False).take() == DONE
    job.refresh_from_db()
    assert (job.status, job.attempt, job.step) == ("done", 2, job.steps)
    assert job.steps > 10
    rows = [
        json.loads(line)
        for line in (tmp_path / "training" / job.run_dir / "progress.jsonl").read_text().splitlines()
    ]
    told = [row for row in rows if "loss" in row]
    assert [row["step"] for row in told] == list(range(1, job.steps + 1))
    assert [row["attempt"] for row in told] == [1] + [2] * (job.steps - 1)
    tokens = [row["tokens"] for row in told]
    assert tokens == sorted(set(tokens))
    assert tokens[-1] == job.result["told"]["train"]["tokens"]
    # The second piece's rate of learning goes on with the first one's schedule.
    rates = [row["learning_rate"] for row in told]
    assert rates[0] < rates[1] > rates[-1] > 0
    log = (tmp_path / "training" / job.run_dir / "log.txt").read_text()
    assert "Going on from checkpoint-1." in log

    report = (tmp_path / "report.md").read_text()
    assert f"- training: {job.steps} steps, {job.result['told']['packs']} packs" in report
    assert f"packing: {job.result['told']['packs']} packs of 512 tokens" in report
    assert "- piece 1: matrix product 0.1 TFLOP/s; too few steps to tell a speed" in report
    assert "GFLOP a token; MFU" in report
    assert "| held-out (pipeline check, same generator) | 0." in report
    answers = (tmp_path / "held-out.answers.jsonl").read_text().splitlines()
    assert len(answers) == SIZE.held_out
    # Nothing is left to do, and nothing is done twice.
    assert Call(tmp_path, SIZE, DEVICE, over=lambda: True).take() == DONE
    assert TrainingJob.objects.count() == 1
    assert (tmp_path / "held-out.answers.jsonl").read_text().splitlines() == answers
