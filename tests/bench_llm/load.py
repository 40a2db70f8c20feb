"""Many charts at once through one engine, as the worker's threads do it, and what became of each."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connections

from modelops.engines.llm.engine import LlmEngine
from modelops.errors import EngineError
from tests.bench_llm.charts import Known

# A chart that failed for a reason that may pass is tried again, as the worker does, until this long after it was begun.
PATIENCE_SECONDS = 240.0
PAUSE_SECONDS = 0.5
LONGEST_PAUSE = 2.0

# How a chart ends, beside the codes of errors.
EXACT = "exact"
NOTHING = "no codes"
OTHER = "other codes"


@dataclass(frozen=True)
class Became:
    """`error`: the code of what it failed with, "" for a prediction; `seconds` of its longest try."""

    chart: str
    codes: frozenset[str]
    wanted: frozenset[str]
    error: str
    seconds: float
    tries: int

    @property
    def ended(self) -> str:
        if self.error:
            return self.error
        if self.codes == self.wanted:
            return EXACT
        return OTHER if self.codes else NOTHING


@dataclass(frozen=True)
class Load:
    """`cpu_seconds`: of this process and all its threads, which is our side alone."""

    became: tuple[Became, ...]
    seconds: float
    cpu_seconds: float

    @property
    def ended(self) -> Counter[str]:
        return Counter(one.ended for one in self.became)

    @property
    def charts_per_second(self) -> float:
        return len(self.became) / self.seconds

    @property
    def cpu_ms(self) -> float:
        return 1000 * self.cpu_seconds / len(self.became)

    @property
    def slowest(self) -> float:
        return max((one.seconds for one in self.became), default=0.0)

    def lost(self, charts: Sequence[Known]) -> set[str]:
        return {known.chart.id for known in charts} - {one.chart for one in self.became}

    def doubled(self) -> list[str]:
        return [chart for chart, count in Counter(one.chart for one in self.became).items() if count > 1]


def drive(engine: LlmEngine, charts: Sequence[Known], release_id: int, *, threads: int) -> Load:
    """Every chart once, `threads` of them at a time."""
    became: list[Became] = []
    waiting = iter(charts)
    lock = threading.Lock()

    def work() -> None:
        try:
            while True:
                with lock:
                    known = next(waiting, None)
                if known is None:
                    return
                found = _predict(engine, known, release_id)
                with lock:
                    became.append(found)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    begun, cpu = time.monotonic(), time.process_time()
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    return Load(tuple(became), time.monotonic() - begun, time.process_time() - cpu)


def _predict(engine: LlmEngine, known: Known, release_id: int) -> Became:
    longest, turn, until = 0.0, 0, time.monotonic() + PATIENCE_SECONDS
    while True:
        turn, begun = turn + 1, time.monotonic()
        error, retryable = "", False
        codes: frozenset[str] = frozenset()
        try:
            result = engine.predict(known.chart, release_id)
            codes = frozenset(suggestion.code for suggestion in result.suggestions)
        except EngineError as raised:
            error, retryable = raised.code, raised.retryable
        longest = max(longest, time.monotonic() - begun)
        if not retryable or time.monotonic() > until:
            return Became(known.chart.id, codes, known.codes, error, longest, turn)
        time.sleep(min(PAUSE_SECONDS * turn, LONGEST_PAUSE))
