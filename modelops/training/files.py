"""The files of one run, below its folder: the only words between the application, supervisor and trainer.

run.json in; state.json (what the run is at), progress.jsonl (one row a step), heartbeat.json (supervisor's sign of
life), log.txt (whatever the processes print) out; `cancel` in, empty. JSON files are replaced whole, so that a reader
never finds half of one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelops.training.config import JobFile, from_dict, to_dict


@dataclass(frozen=True, slots=True)
class RunFolder:
    path: Path

    @property
    def run(self) -> Path:
        return self.path / "run.json"

    @property
    def state(self) -> Path:
        return self.path / "state.json"

    @property
    def progress(self) -> Path:
        return self.path / "progress.jsonl"

    @property
    def heartbeat(self) -> Path:
        return self.path / "heartbeat.json"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def cancel(self) -> Path:
        return self.path / "cancel"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def output(self) -> Path:
        return self.path / "output"

    def read_run(self) -> JobFile:
        """Raises OSError, ValueError (BadConfig among them)."""
        return from_dict(JobFile, json.loads(self.run.read_text(encoding="utf-8")))

    def write_run(self, job: JobFile) -> None:
        write_json(self.run, to_dict(job))

    def read_state(self) -> State | None:
        """None where nothing was written yet, or what is there is no state."""
        data = read_json(self.state)
        if data is None:
            return None
        known = {name: data[name] for name in State.__slots__ if name in data}
        if not {"status", "attempt"} <= known.keys():
            return None
        state = State(**known)
        return state if state.is_of_its_shape else None

    def write_state(self, state: State) -> None:
        write_json(self.state, asdict(state))


@dataclass(frozen=True, slots=True)
class State:
    """`status` as TrainingStatus: running, saving, cancelling, or the end: cancelled, failed, done.

    `attempt`: whose word it is; that of an earlier attempt says nothing of this one. `stage`: of a curriculum.
    """

    attempt: int
    status: str
    step: int = 0
    steps: int = 0
    stage: str = ""
    error_code: str = ""
    error: str = ""
    at: str = ""
    result: Mapping[str, Any] | None = None

    @property
    def is_of_its_shape(self) -> bool:
        """A file may say anything, and whoever reads it has other jobs to look after."""
        counts, words = (
            (self.attempt, self.step, self.steps),
            (self.status, self.stage, self.error_code, self.error, self.at),
        )
        return (
            all(type(count) is int and count >= 0 for count in counts)
            and all(isinstance(word, str) for word in words)
            and isinstance(self.result, Mapping | None)
        )

    @property
    def is_end(self) -> bool:
        return self.status in ENDS


ENDS = ("cancelled", "failed", "done")


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Whole or not at all, and on the disk when it returns. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8") as out:
            json.dump(data, out, ensure_ascii=False, indent=1)
            out.write("\n")
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any] | None:
    """None where it is not there or not an object."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return data if isinstance(data, dict) else None
