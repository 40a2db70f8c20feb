"""Rows of progress.jsonl from where they were read last. What comes again after a resumption replaces what was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# At a time: a job of days is caught up with in pieces.
_MOST_BYTES = 4 * 1024 * 1024
_NUMBERS = (
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


@dataclass(frozen=True, slots=True)
class Read:
    """`rows` by step, in order, each with what was said of it; `offset` where to go on."""

    rows: dict[int, dict[str, Any]]
    offset: int


def read_progress(path: Path, offset: int) -> Read:
    """Whole lines only. A file that is shorter than what was read of it begins anew."""
    try:
        size = path.stat().st_size
        start = offset if offset <= size else 0
        with path.open("rb") as file:
            file.seek(start)
            data = file.read(_MOST_BYTES)
    except FileNotFoundError:
        return Read({}, 0)
    whole = data[: data.rfind(b"\n") + 1]
    rows: dict[int, dict[str, Any]] = {}
    for line in whole.splitlines():
        row = _row(line)
        if row is not None:
            rows.setdefault(row["step"], {}).update(row)
    return Read(dict(sorted(rows.items())), start + len(whole))


def _row(line: bytes) -> dict[str, Any] | None:
    """Known fields of the right kind; a line that is none is left out."""
    try:
        # A full disk takes half a row, and the next one is written behind it. No row holds another object.
        told = json.loads(line[max(0, line.rfind(b"{")) :])
    except ValueError:
        return None
    if not isinstance(told, dict) or not _is_count(told.get("step")) or not isinstance(told.get("at"), str):
        return None
    row: dict[str, Any] = {"step": told["step"], "at": told["at"], "attempt": told.get("attempt")}
    if not _is_count(row["attempt"]):
        row["attempt"] = 1
    for name in _NUMBERS:
        value = told.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            row[name] = value
    return row


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
