"""Gold and prediction files to packed columns; large ones in parts, by as many processes as there are cores.

A part is read by the same code as a whole file, and the parts are joined in the order of the file
(modelops.evaluation.joining): figures, messages and their line numbers are those of one pass.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from modelops.evaluation.columns import Gold, Numbered, Predictions, Words, pack_gold, pack_predictions
from modelops.evaluation.joining import join_gold, join_predictions
from modelops.evaluation_files import Lines, gold_charts, predicted_charts

# Below this a file is read sooner than processes start.
_PART_BYTES = 16 << 20
_BYTES_AT_ONCE = 1 << 20
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes of a file from the start of one line to the end of another. `line`: the number of the first."""

    path: Path
    start: int
    end: int
    line: int

    def lines(self) -> Iterator[bytes]:
        left = self.end - self.start
        with self.path.open("rb") as file:
            file.seek(self.start)
            while left > 0 and (raw := file.readline()):
                left -= len(raw)
                yield raw


def read_gold(path: Path, told: Lines, *, processes: int | None = None) -> Gold:
    """Raises OSError. `processes`: None for as many as there are cores, 1 where none may be started."""
    parts = _parts(path, processes)
    read = _in_parts(parts, told, _gold_part)
    if read is not None:
        return join_gold(read)
    with path.open("rb") as lines:
        return pack_gold(gold_charts(lines, told))


def read_predictions(gold: Gold, path: Path, told: Lines, *, processes: int | None = None) -> Predictions:
    """Of the charts of `gold`, which learns their words. Raises OSError."""
    parts = _parts(path, processes)
    read = _in_parts(parts, told, _predicted_part, gold.charts.names)
    if read is not None:
        return join_predictions(gold, read)
    with path.open("rb") as lines:
        return pack_predictions(gold, predicted_charts(lines, told))


def _parts(path: Path, processes: int | None) -> list[_Part]:
    """More parts than processes, so that none waits long for the last."""
    size = path.stat().st_size if path.is_file() else 0
    most = len(os.sched_getaffinity(0)) if processes is None else processes
    if most < 2 or size < 2 * _PART_BYTES:
        return []
    wanted = -(-size // max(2, 4 * most))
    found: list[_Part] = []
    start, line = 0, 1
    with path.open("rb") as file:
        while start < size:
            lines = _skip(file.read, min(wanted, size - start))
            end = start + wanted
            if end < size:
                rest = file.readline()
                end, lines = end + len(rest), lines + rest.count(b"\n")
            found.append(_Part(path, start, min(end, size), line))
            start, line = end, line + lines
    return found


def _skip(read: Callable[[int], bytes], left: int) -> int:
    """How many lines end in the next so many bytes."""
    lines = 0
    while left > 0 and (some := read(min(left, _BYTES_AT_ONCE))):
        lines += some.count(b"\n")
        left -= len(some)
    return lines


def _in_parts(
    parts: list[_Part], told: Lines, read: Callable[[_Part, str], tuple[T, Lines]], charts: Sequence[str] = ()
) -> list[T] | None:
    """None where the file is to be read in one pass: it is small, or one id stands in two parts of it."""
    if not parts:
        return None
    # Not forked: a copy of this process would hold its connections and the threads of its libraries.
    context = multiprocessing.get_context("spawn")
    workers = min(len(os.sched_getaffinity(0)), len(parts))
    whole = Lines(told.file)
    found: list[T] = []
    with ProcessPoolExecutor(workers, context, _take_charts, (charts,)) as pool:
        for packed, lines in pool.map(read, parts, [told.file] * len(parts)):
            if not whole.seen.keys().isdisjoint(lines.seen):
                pool.shutdown(cancel_futures=True)
                return None
            whole.join(lines)
            found.append(packed)
    told.join(whole)
    return found


# What a process of the pool was started with: the ids of the gold set's charts, in a set without their codes.
_known: list[Gold] = []


def _take_charts(names: Sequence[str]) -> None:
    charts = Numbered()
    for name in names:
        charts(name)
    _known[:] = [replace(pack_gold(()), charts=charts)]


def _gold_part(part: _Part, file: str) -> tuple[Gold, Lines]:
    told = Lines(file, part.line)
    return pack_gold(gold_charts(part.lines(), told)), told


def _predicted_part(part: _Part, file: str) -> tuple[tuple[Predictions, Words], Lines]:
    told = Lines(file, part.line)
    # Words of its own: those of the part before are numbered there.
    gold = replace(_known[0], words=pack_gold(()).words)
    return (pack_predictions(gold, predicted_charts(part.lines(), told)), gold.words), told
