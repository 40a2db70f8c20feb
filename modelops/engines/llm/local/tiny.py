"""The small Llama on disk: made once for each state of its texts, its recipe and the packages that make it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.loaders.rows import NodeRow
from catalog.loaders.simple_icd10cm import open_source

RECIPE = Path(__file__).with_name("make_tiny_model.py")
_SECONDS = 600.0


class ModelNotMade(Exception):
    """The message says why, with the end of what the recipe said."""


@dataclass(frozen=True)
class TinyModel:
    model: Path
    adapter: Path


def ensure_tiny_model(folder: Path, texts: Path, venv: Path) -> TinyModel:
    """The model under `folder`, made by the Python of `venv` when it is missing or its recipe has changed.

    `texts` holds *.txt files that the tokenizer learns from beside the catalog's titles. Raises ModelNotMade.
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = TinyModel(folder / "model", folder / "adapter")
    with folder.with_name(f".{folder.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        corpus = "\n".join(corpus_lines(texts))
        state = _state(corpus, venv)
        stamp = folder / "made-from"
        if stamp.is_file() and stamp.read_text() == state:
            return made
        unfinished = folder.with_name(f".{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        (unfinished / "corpus.txt").write_text(corpus, encoding="utf-8")
        _run(venv, unfinished)
        (unfinished / "made-from").write_text(state)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
    return made


def corpus_lines(texts: Path) -> Iterator[str]:
    """Lines of the texts in the order of their names, then each billable code with its title."""
    for path in sorted(texts.rglob("*.txt")):
        yield from path.read_text(encoding="utf-8").splitlines()
    for row in open_source().read():
        if isinstance(row, NodeRow) and row.billable:
            yield f"{row.code} {row.title}"


def _state(corpus: str, venv: Path) -> str:
    lock = venv / ".lock-state"
    packages = lock.read_text() if lock.is_file() else str(venv)
    parts = (corpus, RECIPE.read_text(encoding="utf-8"), packages)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _run(venv: Path, folder: Path) -> None:
    command = [str(venv / "bin" / "python"), "-W", "ignore", str(RECIPE)]
    command += [str(folder / name) for name in ("corpus.txt", "model", "adapter")]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": os.environ.get("HOME", "/"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONHASHSEED": "0",
        # One thread sums in one order.
        "RAYON_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    try:
        done = subprocess.run(  # noqa: S603  the recipe is ours, the arguments a list
            command,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ModelNotMade(f"The small model could not be made: {error}") from error
    if done.returncode:
        raise ModelNotMade(f"The small model could not be made:\n{done.stderr[-2000:]}")
