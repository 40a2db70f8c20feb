"""How a training can end badly: one row an error, with advice. The words of an exception never go further than the
log, since a tokenizer or a file system may quote what it was given."""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainingError:
    message: str
    advice: str

    @property
    def text(self) -> str:
        return f"{self.message} {self.advice}"


ERRORS: Mapping[str, TrainingError] = {
    "disk_full": TrainingError(
        "The disk is full, or a limit on files was reached.",
        "Make room below TRAINING_DIR or keep fewer checkpoints, then resume: the newest complete checkpoint counts.",
    ),
    "out_of_memory": TrainingError(
        "The memory of the GPU or of the machine did not suffice.",
        "Choose a smaller micro-batch with more accumulation, a higher ZeRO stage, offloading, or more GPUs.",
    ),
    "loss_not_finite": TrainingError(
        "The loss or the gradient is no longer a number.",
        "Choose a lower learning rate or fp32, and look at the examples of the last step; then start a new job.",
    ),
    "bad_checkpoint": TrainingError(
        "A checkpoint cannot be used: a file is missing or damaged, or it is not what the job needs.",
        "The base needs config.json, weights as safetensors, a tokenizer with a chat template, and no code of its own.",
    ),
    "world_size_changed": TrainingError(
        "The checkpoint was written by another number of processes.",
        "Resume with as many GPUs as before, or start a new job from the checkpoint's weights.",
    ),
    "bad_dataset": TrainingError(
        "The dataset cannot be used: it cannot be read, or no example of it fits.",
        "Look at the dataset's statistics of lengths, and choose a higher limit of tokens or another dataset.",
    ),
    "bad_config": TrainingError(
        "What the job was told cannot be.",
        "Start a new job; where this comes again, the application and the trainer are of different versions.",
    ),
    "environment_missing": TrainingError(
        "The training environment is not there or does not work.",
        "Run make training on the machine of the workers, or name the environment in TRAINING_VENV.",
    ),
    "worker_lost": TrainingError(
        "The training's processes ended without a word: killed, or the machine went down.",
        "Resume: it goes on from the newest complete checkpoint.",
    ),
    "crashed": TrainingError(
        "The trainer stopped with an error nobody foresaw.",
        "The end of the log says where. Resume once the reason is known.",
    ),
}

# In place of the message of worker_lost, for a job that a cluster's scheduler runs.
SILENT_CLUSTER = (
    "The job has shown no sign of life from the cluster for too long. See with the scheduler whether it still runs, "
    "and end it there first."
)

# In words, where a library wraps what the system said. The first that is found stands.
_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "disk_full",
        re.compile(
            r"no space left on device|disk quota exceeded|file too large|os error (28|27|122)\b"
            # torch's own writer drops what the system said.
            r"|PytorchStreamWriter failed|file write failed|basic_ios::clear: iostream error",
            re.IGNORECASE,
        ),
    ),
    (
        "out_of_memory",
        re.compile(r"out of memory|cannot allocate memory|can't allocate memory", re.IGNORECASE),
    ),
    (
        "bad_checkpoint",
        re.compile(r"safetensor|incomplete metadata|header too large|size mismatch", re.IGNORECASE),
    ),
)
_NUMBERS: Mapping[int, str] = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.ENOMEM: "out_of_memory",
}


class Stopped(Exception):
    """A foreseen end; `code` is one of ERRORS. `words` go to the log."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(words or ERRORS[code].message)
        self.code = code


def code_of(error: BaseException) -> str:
    """Which of ERRORS an exception stands for, by itself and by what it was raised from."""
    seen: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in seen:
        seen.append(one)
        one = one.__cause__ or one.__context__
    for one in seen:
        if isinstance(one, Stopped):
            return one.code
        if isinstance(one, MemoryError):
            return "out_of_memory"
        if isinstance(one, OSError) and one.errno is not None and one.errno in _NUMBERS:
            return _NUMBERS[one.errno]
    for one in seen:
        code = code_in(f"{type(one).__name__}: {one}")
        if code:
            return code
    return "crashed"


def code_in(words: str) -> str:
    """Which of ERRORS a text stands for, "" for none."""
    return next((code for code, pattern in _WORDS if pattern.search(words)), "")
