"""What a training's folder holds for a page: the end of its log, the file that somebody submits, the model card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from coding_review.auth import RoleBackend
from coding_review.rules.permissions import TRAIN_MODEL
from modelops.models import TrainingJob
from modelops.training.card import CARD
from modelops.training.files import RunFolder
from modelops.training.templates import FILES

_TAIL = 6_000
_MOST = 200_000
NOT_YOURS = "What the processes print is shown to who may train models."
MAY_QUOTE = (
    "What the processes print is not shown: the dataset was built from records of patients, and a library's message "
    "may quote what it was given. It is in the run's folder on the server."
)


def folder_of(job: TrainingJob) -> RunFolder | None:
    """None for a job that has not begun."""
    return RunFolder(Path(settings.TRAINING_DIR) / job.run_dir) if job.run_dir else None


def log_tail(user: Any, job: TrainingJob) -> tuple[str, str]:
    """The end of the log, or why it is withheld."""
    if not RoleBackend().has_perm(user, TRAIN_MODEL):
        return "", NOT_YOURS
    if job.dataset is None or job.dataset.manifest.get("deidentified", {}).get("charts") != 0:
        return "", MAY_QUOTE
    folder = folder_of(job)
    if folder is None:
        return "", ""
    try:
        with folder.log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            told = file.read(_TAIL).decode("utf-8", "replace")
    except OSError:
        return "", ""
    # Progress bars go back to the line's beginning: what stood last is what was seen. Half a first line goes.
    lines = [line.rsplit("\r", 1)[-1] for line in told.split("\n")]
    return "\n".join(lines[1:] if size > _TAIL else lines).strip(), ""


def script_of(job: TrainingJob) -> tuple[str, str]:
    """Name and text of the file written for Slurm or Kubernetes; ("", "") where there is none."""
    folder, named = folder_of(job), FILES.get(str(job.resources.get("place", "")))
    if folder is None or named is None:
        return "", ""
    text = _text(folder.path / named[1])
    return (named[1], text) if text else ("", "")


def card_of(job: TrainingJob) -> str:
    """The model card of the result, Markdown; "" before there is one."""
    folder = folder_of(job)
    return _text(folder.output / CARD) if folder is not None else ""


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_MOST)
    except (OSError, ValueError):
        return ""
