"""Which checkpoints of a run are whole. The trainer's last word on each is a list of its files with their sizes; what
was being written when the machine stopped has none, or does not fit it, and is passed over."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from modelops.training.files import read_json, write_json

COMPLETE = "complete.json"
_NAME = re.compile(r"checkpoint-(\d+)")


def mark_complete(folder: Path, *, step: int, world_size: int) -> None:
    """Called once all of it is written. Raises OSError."""
    sizes = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != COMPLETE
    }
    write_json(folder / COMPLETE, {"step": step, "world_size": world_size, "files": sizes})


def is_complete(folder: Path) -> bool:
    told = read_json(folder / COMPLETE)
    if told is None or not isinstance(told.get("files"), dict):
        return False
    files: dict[str, int] = told["files"]
    # Without these two a resumption fails in its midst.
    if not {"trainer_state.json", "latest"} <= files.keys():
        return False
    return all(_size(folder / name) == size for name, size in files.items())


def newest_complete(folder: Path) -> Path | None:
    """The checkpoint to go on from; None: from the beginning."""
    return next(filter(is_complete, _newest_first(folder)), None)


def remove_incomplete(folder: Path) -> list[str]:
    """Names of the half-written ones that were removed: their steps will be written again."""
    halves = [path for path in _newest_first(folder) if not is_complete(path)]
    for path in halves:
        shutil.rmtree(path)
    return [path.name for path in halves]


def world_size_of(folder: Path) -> int:
    told = read_json(folder / COMPLETE) or {}
    size = told.get("world_size", 0)
    return size if isinstance(size, int) else 0


def step_of(folder: Path) -> int:
    match = _NAME.fullmatch(folder.name)
    return int(match.group(1)) if match else 0


def _newest_first(folder: Path) -> list[Path]:
    found = [path for path in (folder.iterdir() if folder.is_dir() else ()) if path.is_dir()]
    return sorted((path for path in found if _NAME.fullmatch(path.name)), key=step_of, reverse=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
