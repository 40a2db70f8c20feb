"""A small base, a small dataset and real trainings of them, in the environment of `make training`."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelops.training.config import JobFile, Recipe, Resources
from modelops.training.files import RunFolder
from modelops.training.processes import marked
from modelops.training.progress import read_progress
from tests.modelops.training.rows import write_rows

ROOT = Path(__file__).resolve().parents[2]
MAKE_BASE = Path(__file__).with_name("make_base.py")
CONDITIONS = ("COPD", "asthma", "hypertension", "anemia", "gout", "sepsis", "falls", "cough")
STEPS = 24
# No compiled operation, one process, torch's Adam; checkpoints at 8, 16 and 24.
RECIPE = Recipe(
    optimizer="adam",
    offload_optimizer=False,
    precision="fp32",
    learning_rate=1e-3,
    micro_batch=1,
    accumulation=2,
    max_tokens=256,
    max_steps=STEPS,
    save_steps=8,
    gradient_checkpointing=False,
    validate=False,
)
CPU = Resources(device="cpu", peak_tflops=0.1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.deepspeed)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def training_venv() -> Path:
    told = subprocess.run(
        [ROOT / "requirements" / "training.sh", "--path"], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, "the training environment is not there: run make training"
    return Path(told.stdout.strip())


@pytest.fixture(scope="session")
def tiny(training_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that bases lie in: `tiny`, and `broken`, one of whose weights is not a number."""
    folder = tmp_path_factory.mktemp("models")
    subprocess.run(
        [training_venv / "bin" / "python", "-W", "ignore", MAKE_BASE, folder / "tiny", folder / "broken"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
        timeout=560,
    )
    return folder


@pytest.fixture(scope="session")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train.jsonl with sixty examples that fit and one that does not."""
    draw = random.Random(20260401)
    rows = []
    for _ in range(60):
        found = [draw.choice(CONDITIONS) for _ in range(draw.randint(2, 7))]
        question = "\n".join(f"{number}| {name}" for number, name in enumerate(found, start=1)) + "\nCODES"
        answer = json.dumps({"codes": [{"code": name[:3]} for name in found[:2]]}, separators=(",", ":"))
        rows.append(row_of(question, answer))
    rows.append(row_of("1| " + "COPD " * 100, "{}"))
    return write_rows(tmp_path_factory.mktemp("charts") / "train.jsonl", rows)


def row_of(question: str, answer: str) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": question}], "completion": answer, "tokens": 100}


class Run:
    """A run's folder, and the supervisor over it."""

    def __init__(self, folder: Path, venv: Path, job: JobFile) -> None:
        self.folder, self.venv, self.job = RunFolder(folder), venv, job
        self.folder.path.mkdir()
        self.folder.write_run(job)

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "modelops.training.supervisor", str(self.folder.path), str(self.venv)],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )

    def finish(self) -> str:
        """To its end; the status."""
        assert self.start().wait(560) == 0
        return self.status

    def again(self) -> None:
        """The next attempt's files."""
        self.job = replace(self.job, attempt=self.job.attempt + 1)
        self.folder.cancel.unlink(missing_ok=True)
        self.folder.write_run(self.job)

    def wait_for_step(self, number: int) -> None:
        """Of the present attempt."""
        until = time.monotonic() + 560
        while True:
            told = self.folder.read_state()
            if told is not None and told.attempt == self.job.attempt:
                assert not told.is_end, self.log
                if told.step >= number:
                    return
            assert time.monotonic() < until, self.log
            time.sleep(0.005)

    def trainer(self) -> int:
        """The number of the trainer's process: not the supervisor's."""
        (pid,) = self.trainers()
        return pid

    def trainers(self) -> list[int]:
        """Of several, without those that launched them, which name the module too."""
        found = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in marked(self.job.token)}
        return [
            pid
            for pid, line in found.items()
            if b"modelops.training.entrypoint" in line and b"deepspeed.launcher" not in line
        ]

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The trainer stands still meanwhile, wherever it is."""
        pid, until = self.trainer(), time.monotonic() + 120
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            assert time.monotonic() < until
            time.sleep(0.005)
        yield
        os.kill(pid, signal.SIGCONT)

    @property
    def status(self) -> str:
        told = self.folder.read_state()
        return told.status if told is not None else ""

    @property
    def steps(self) -> dict[int, tuple[Any, Any, Any]]:
        """Loss, learning rate and gradient norm by step; of steps that came again the later."""
        rows = read_progress(self.folder.progress, 0).rows
        return {
            number: (row["loss"], row["learning_rate"], row["grad_norm"])
            for number, row in rows.items()
            if "loss" in row
        }

    @property
    def log(self) -> str:
        return self.folder.log.read_text(errors="replace")[-3000:]


MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def make_run(
    training_venv: Path, tiny: Path, charts: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MakeRun]:
    made: list[Run] = []

    def make(name: str, **more: object) -> Run:
        folder = tmp_path_factory.mktemp("runs") / name
        fields: dict[str, Any] = {
            "job": len(made) + 1,
            "token": f"{name}-{os.getpid()}-{time.monotonic_ns()}",
            "attempt": 1,
            "name": name,
            "base": str(tiny / "tiny"),
            "train": str(charts),
            "recipe": RECIPE,
            "resources": CPU,
        }
        made.append(Run(folder, training_venv, JobFile(**{**fields, **more})))
        return made[-1]

    yield make
    for run in made:
        for pid in marked(run.job.token):
            os.kill(pid, signal.SIGKILL)
