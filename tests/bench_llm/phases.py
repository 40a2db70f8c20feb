"""One fault after the other under load: what is ordered from the stand-in, and what may become of the charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelops.engines.llm.client import VllmServer
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.engine import LlmEngine
from modelops.engines.llm.pool import ServerPool
from modelops.engines.llm.ports import Grounding
from tests.bench_llm.charts import Known, known_charts
from tests.bench_llm.load import Load, drive
from tests.standin.process import StandInProcess

THREADS = 24
CHART_SECONDS = 30.0
# A request that hangs is given up after so long and asked again.
REQUEST_SECONDS = 3.0


@dataclass(frozen=True)
class Phase:
    """`order` as `StandInProcess.order`; `spoils` says that the answer's text itself is touched, so that a chart may
    end with other codes, or with one of `errors`."""

    name: str
    order: Mapping[str, Any] = field(default_factory=dict)
    spoils: bool = False
    errors: frozenset[str] = frozenset()


# A chart may end so where the fault strikes it again whenever it is asked anew, or where the breaker leaves the only
# server alone for longer than the tries of this driver last; the worker's go on for longer.
DOWN = frozenset({"llm_unavailable"})
UNREADABLE = frozenset({"llm_invalid_output"})
BROKEN = DOWN | UNREADABLE

PHASES = (
    Phase("none"),
    Phase("slow", {"kind": "slow", "every": 4, "times": -1, "seconds": 0.5}),
    Phase("drip", {"kind": "drip", "every": 8, "times": -1, "seconds": 0.01}),
    Phase("hang", {"kind": "hang", "every": 5, "times": 2}, errors=DOWN),
    Phase("half an answer", {"kind": "half", "every": 5, "times": -1}, errors=BROKEN),
    Phase("connection reset", {"kind": "reset", "every": 5, "times": -1}, errors=BROKEN),
    Phase("storm of 500", {"kind": "status", "times": 10, "status": 500}, errors=DOWN),
    Phase("503 now and then", {"kind": "status", "every": 6, "times": -1, "status": 503}, errors=DOWN),
    Phase("429 with Retry-After", {"kind": "busy", "times": 12, "seconds": 1.0}),
    Phase("body that is not JSON", {"kind": "invalid_body", "every": 6, "times": -1}, errors=BROKEN),
    Phase("another protocol", {"kind": "foreign_body", "every": 6, "times": -1}, errors=BROKEN),
    Phase("huge answer", {"kind": "huge", "every": 4, "times": 2}, errors=BROKEN),
    Phase(
        "wrong model",
        {"kind": "wrong_model", "every": 4, "times": 2},
        errors=frozenset({"llm_wrong_model", *DOWN}),
    ),
    Phase("cut by length", {"kind": "length", "every": 6, "times": -1}, errors=UNREADABLE),
    Phase("invalid JSON", {"kind": "invalid_json", "every": 6, "times": -1}, errors=UNREADABLE),
    Phase("wrong schema", {"kind": "wrong_schema", "every": 6, "times": -1}, errors=UNREADABLE),
    Phase("empty answer", {"kind": "mute", "every": 6, "times": -1}, errors=UNREADABLE),
    Phase("unicode junk", {"kind": "unicode_junk", "every": 4, "times": -1}, spoils=True),
    Phase("code in quotes", {"kind": "injection", "every": 4, "times": -1}, spoils=True),
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
    phase: Phase
    charts: Sequence[Known]
    load: Load
    given: int

    def faults_of_ours(self) -> list[str]:
        """What must never happen, in words; empty when nothing did."""
        load, found = self.load, []
        if lost := load.lost(self.charts):
            found.append(f"{len(lost)} lost")
        if doubled := load.doubled():
            found.append(f"{len(doubled)} doubled")
        if load.slowest > CHART_SECONDS + 1:
            found.append(f"one was stuck for {load.slowest:.0f} s")
        foreign = [one for one in load.became if not one.error and not one.codes <= one.wanted]
        if foreign:
            found.append(f"{len(foreign)} with codes that are not theirs")
        less = [one for one in load.became if not one.error and one.codes < one.wanted]
        if less and not self.phase.spoils:
            found.append(f"{len(less)} with codes missing")
        if unknown := set(load.errors) - self.phase.errors:
            found.append(f"failed: {', '.join(f'{name} × {load.errors[name]}' for name in sorted(unknown))}")
        # Once a breaker is open charts fail that no fault has struck.
        if not self.phase.errors & DOWN and sum(load.errors.values()) > self.given / 2:
            found.append("more failed than were struck twice")
        if self.phase.order and not self.given:
            found.append("the fault never struck")
        return found


def pass_phase(standin: StandInProcess, phase: Phase, count: int, release_id: int) -> Passed:
    standin.reset()
    if phase.order:
        standin.order(**phase.order)
    charts = known_charts(count, seed=len(phase.name), prefix=f"{phase.name} ")
    engine = make_engine(standin.url)
    load = drive(engine, charts, release_id, threads=THREADS)
    given = sum(standin.state()["faults"].values())
    return Passed(phase, charts, load, given)
