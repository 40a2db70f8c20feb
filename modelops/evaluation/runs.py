"""What an evaluation run is made of before it is a row: plain data, and the file of predictions kept by its hash."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class ChartRow:
    """`view`: of per_chart.chart_view; the rest is its level L3."""

    chart: str
    view: Mapping[str, Any]
    met: int
    unsupported: int
    missed: int
    f1: float


@dataclass(frozen=True, slots=True)
class NewRun:
    """`charts` is read once. `gold_set_sha256`: a frozen gold set's own, else the file's."""

    engine: str
    gold_set_name: str
    gold_set_sha256: str
    metrics: Mapping[str, Any]
    charts: Iterable[ChartRow]
    predictions: Path
    catalog_release: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    code_revision: str = ""
    drawings: Mapping[str, str] = field(default_factory=dict)
    model_version_id: int | None = None


def chart_row(chart: str, view: Mapping[str, Any]) -> ChartRow:
    return ChartRow(
        chart,
        view,
        len(view["met"]),
        len(view["unsupported"]),
        len(view["missed"]),
        float(view["L3"]["f1"]),
    )


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def keep_predictions(source: Path, folder: Path) -> tuple[str, str]:
    """A copy of the file under its own hash: its name below `folder`, and the hash. The same file is kept once.

    The copy is hashed, not the source: what is kept is what the hash tells of. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=folder, suffix=".unfinished")
    try:
        with os.fdopen(handle, "wb") as out, source.open("rb") as file:
            shutil.copyfileobj(file, out, _CHUNK)
            out.flush()
            os.fsync(out.fileno())
        sha256 = sha256_of(Path(unfinished))
        name = f"{sha256}.jsonl"
        Path(unfinished).replace(folder / name)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    return name, sha256
