"""How figures are taken and written: median and p95 over calls, one line each."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any


def times(call: Callable[[int], Any], count: int, *, warm: int = 3) -> list[float]:
    """Milliseconds of each call; the first `warm` are not counted. `call` gets its number."""
    for number in range(warm):
        call(number)
    found = []
    for number in range(warm, warm + count):
        begun = time.perf_counter()
        call(number)
        found.append(1000 * (time.perf_counter() - begun))
    return found


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


def report(name: str, figure: str, aim: str = "") -> None:
    sys.stdout.write(f"{name:<58} {figure}{f'   (aim {aim})' if aim else ''}\n")
    sys.stdout.flush()


def report_times(name: str, values: list[float], aim: str = "") -> None:
    report(
        name, f"p50 {statistics.median(values):.0f} ms, p95 {p95(values):.0f} ms, {len(values)} calls", aim
    )
