"""One fault after the other under load: what is ordered from the stand-in, and how each chart has to end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelops.engines.llm.client import VllmServer
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.engine import LlmEngine
from modelops.engines.llm.pool import ServerPool
from modelops.engines.llm.ports import Grounding
from tests.bench_llm.charts import Known, known_charts
from tests.bench_llm.load import EXACT, NOTHING, Load, drive
from tests.standin.process import StandInProcess

THREADS = 24
CHART_SECONDS = 120.0
REQUEST_SECONDS = 60.0
# Where requests hang, they are given up after so long and asked again.
SOON = 6.0

WRONG_MODEL, INVALID = "llm_wrong_model", "llm_invalid_output"


@dataclass(frozen=True)
class Phase:
    """`order` as `StandInProcess.order`. `once`, `again`: how a chart ends that the fault struck once, and more often:
    EXACT (with its own codes), NOTHING (with a prediction that holds none), or the code of an error. Whom it did not
    strike ends EXACT."""

    name: str
    order: Mapping[str, Any] = field(default_factory=dict)
    once: str = EXACT
    again: str = EXACT
    request_seconds: float = REQUEST_SECONDS

    def end_of(self, strikes: int) -> str:
        return (EXACT, self.once, self.again)[min(strikes, 2)]


# Every n-th request is struck, whoever asks it: a chart that asks again may be struck again. After what passes it asks
# until it is not struck, after an answer that cannot be read once more, and after the rest not at all.
PHASES = (
    Phase("none"),
    Phase("slow", {"kind": "slow", "every": 4, "times": -1, "seconds": 0.5}),
    Phase("drip", {"kind": "drip", "every": 8, "times": -1, "seconds": 0.01}, request_seconds=SOON),
    Phase("hang", {"kind": "hang", "every": 5, "times": 2}, request_seconds=SOON),
    Phase("half an answer", {"kind": "half", "every": 5, "times": -1}),
    Phase("connection reset", {"kind": "reset", "every": 5, "times": -1}),
    Phase("storm of 500", {"kind": "status", "times": 30, "status": 500}),
    Phase("503 now and then", {"kind": "status", "every": 6, "times": -1, "status": 503}),
    Phase("429 with Retry-After", {"kind": "busy", "times": 12, "seconds": 1.0}),
    Phase("body that is not JSON", {"kind": "invalid_body", "every": 6, "times": -1}),
    Phase("another protocol", {"kind": "foreign_body", "every": 6, "times": -1}),
    Phase("huge answer", {"kind": "huge", "every": 4, "times": 2}, once=INVALID, again=INVALID),
    Phase(
        "wrong model", {"kind": "wrong_model", "every": 4, "times": 2}, once=WRONG_MODEL, again=WRONG_MODEL
    ),
    Phase("cut by length", {"kind": "length", "every": 6, "times": -1}, again=INVALID),
    Phase("invalid JSON", {"kind": "invalid_json", "every": 6, "times": -1}, again=INVALID),
    Phase("wrong schema", {"kind": "wrong_schema", "every": 6, "times": -1}, again=INVALID),
    Phase("empty answer", {"kind": "mute", "every": 6, "times": -1}, again=INVALID),
    # Every quote of the answer is spoiled, so none is found in the chart.
    Phase("unicode junk", {"kind": "unicode_junk", "every": 4, "times": -1}, once=NOTHING, again=NOTHING),
    Phase("code in quotes", {"kind": "injection", "every": 4, "times": -1}, once=NOTHING, again=NOTHING),
)


def make_engine(
    url: str,
    *,
    grounding: Grounding | None = None,
    key: str = "",
    seconds: float = CHART_SECONDS,
    request_seconds: float = REQUEST_SECONDS,
    in_flight: int = THREADS,
    **config: Any,
) -> LlmEngine:
    server = VllmServer(url, key=key, request_seconds=request_seconds)
    pool = ServerPool([(server, 1.0)], in_flight=in_flight, max_waiting=in_flight)
    return LlmEngine(
        pool, LlmConfig(chart_seconds=seconds, in_flight=in_flight, **config), grounding=grounding
    )


@dataclass(frozen=True)
class Passed:
    """`struck`: how often the fault struck each chart, by its id."""

    phase: Phase
    charts: Sequence[Known]
    load: Load
    given: int
    struck: Mapping[str, int]

    def faults_of_ours(self) -> list[str]:
        """What must never happen, in words; empty when nothing did."""
        load, found = self.load, []
        if lost := load.lost(self.charts):
            found.append(f"{len(lost)} lost")
        if doubled := load.doubled():
            found.append(f"{len(doubled)} doubled")
        if load.slowest > CHART_SECONDS + 1:
            found.append(f"one was stuck for {load.slowest:.0f} s")
        if self.phase.order and not self.given:
            found.append("the fault never struck")
        if sum(self.struck.values()) != self.given:
            found.append("a fault struck nobody who is known")
        wrong = Counter(
            f"struck {strikes} times: {one.ended} instead of {expected}"
            for one in load.became
            if one.ended != (expected := self.phase.end_of(strikes := self.struck.get(one.chart, 0)))
        )
        return [*found, *(f"{words} × {count}" for words, count in sorted(wrong.items()))]


def pass_phase(standin: StandInProcess, phase: Phase, count: int, release_id: int) -> Passed:
    standin.reset()
    if phase.order:
        standin.order(**phase.order)
    charts = known_charts(count, seed=len(phase.name), prefix=f"{phase.name} ")
    engine = make_engine(standin.url, request_seconds=phase.request_seconds)
    load = drive(engine, charts, release_id, threads=THREADS)
    state = standin.state()
    by_line = {known.first_line: known.chart.id for known in charts}
    struck = {by_line[line]: times for line, times in state["struck"].items() if line in by_line}
    return Passed(phase, charts, load, sum(state["faults"].values()), struck)
