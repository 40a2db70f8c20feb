"""Whether the files of a model version are still those that its training left.

Reading all of them is the answer. Where they are too many to be read while somebody waits, a worker reads them and
what it found counts for as long as no file has another state of its inode.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.conf import settings

from modelops.errors import EngineError, FilesNotCompared
from modelops.models import ModelVersion
from modelops.training.card import check, checked

# A clock of a file system may tell two changes of one moment by the same time: nothing is read sooner after the last.
_MOMENT = 1.0
_OTHERS = "The model version's files are not those that its training left."


class Standing(StrEnum):
    """UNKNOWN: not trained here. SMALL: read when it matters. WAITS: for a worker. OTHERS: not what was trained."""

    UNKNOWN = "unknown"
    GONE = "gone"
    SMALL = "small"
    WAITS = "waits"
    WHOLE = "whole"
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class FilesState:
    """`mark` changes with every write to a file, also where size and times were put back: no program sets the time at
    which its inode changed."""

    mark: str
    size: int
    changed: float


@dataclass(frozen=True, slots=True)
class Compared:
    """What a worker found when it read all files: `whole` where each is what the training left."""

    mark: str
    size: int
    whole: bool

    def as_json(self) -> dict[str, Any]:
        return {"mark": self.mark, "bytes": self.size, "whole": self.whole}


def check_checkpoint(version: ModelVersion) -> None:
    """Reads all of them. A version that was not trained here says no hash and is taken as it is.

    Raises EngineError.
    """
    folder = folder_of(version)
    if folder is not None and check(folder) != version.sha256:
        raise EngineError(_OTHERS)


def check_at_once(version: ModelVersion) -> None:
    """The same in a moment: files of more than MODEL_FILES_AT_ONCE_BYTES are not read; what a worker found counts.

    Raises EngineError; FilesNotCompared where no worker has read them as they are now.
    """
    stand = standing(version)
    if stand == Standing.SMALL:
        check_checkpoint(version)
    elif stand == Standing.WAITS:
        raise FilesNotCompared
    elif stand in (Standing.GONE, Standing.OTHERS):
        raise EngineError(_OTHERS)


def standing(version: ModelVersion) -> Standing:
    """What is known of the files as they are now. Opens none."""
    folder = folder_of(version)
    if folder is None:
        return Standing.UNKNOWN
    state = state_of(folder)
    if state is None:
        return Standing.GONE
    if state.size <= settings.MODEL_FILES_AT_ONCE_BYTES:
        return Standing.SMALL
    if version.files.get("mark") != state.mark:
        return Standing.WAITS
    return Standing.WHOLE if version.files.get("whole") else Standing.OTHERS


def compare(version: ModelVersion) -> Compared | None:
    """Reads all of them, minutes long. None where there is nothing to compare, or where they change meanwhile.

    Raises OSError where one cannot be read.
    """
    folder = folder_of(version)
    before = state_of(folder) if folder is not None else None
    if folder is None or before is None or before.changed > time.time():
        return None
    time.sleep(max(0.0, before.changed + _MOMENT - time.time()))
    whole = checked(folder) == version.sha256
    after = state_of(folder)
    return Compared(before.mark, before.size, whole) if after == before else None


def folder_of(version: ModelVersion) -> Path | None:
    """None for a version that was not trained here."""
    if not (version.sha256 and version.checkpoint):
        return None
    return Path(settings.TRAINING_DIR) / version.checkpoint


def state_of(folder: Path) -> FilesState | None:
    """Without opening a file; None where there is no such folder or a file cannot be looked at."""
    lines, size, changed = [], 0, 0.0
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                told = path.stat()
                lines.append(
                    f"{path.relative_to(folder)}\0{told.st_ino}\0{told.st_size}\0{told.st_mtime_ns}\0{told.st_ctime_ns}\n"
                )
                size, changed = size + told.st_size, max(changed, told.st_ctime)
    except OSError:
        return None
    if not lines:
        return None
    return FilesState(hashlib.sha256("".join(lines).encode()).hexdigest(), size, changed)
