"""Two hundred charts through the stand-in with every fault in turn; `make bench-llm` does the same with 2,000."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.bench_llm.charts import known_charts
from tests.bench_llm.load import EXACT, NOTHING, Became, Load, drive
from tests.bench_llm.phases import INVALID, PHASES, THREADS, Passed, Phase, make_engine, pass_phase
from tests.bench_llm.workers import Stored
from tests.standin.faults import KINDS
from tests.standin.process import StandInProcess

pytestmark = pytest.mark.slow

EACH = 200 // len(PHASES) + 1


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
def test_every_chart_ends_as_the_fault_that_struck_it_has_it_end(
    icd10cm, standin: StandInProcess, phase: Phase
) -> None:
    """None is lost, doubled, stuck or mixed up either."""
    passed = pass_phase(standin, phase, EACH, icd10cm.pk)
    assert len(passed.load.became) == EACH
    assert passed.faults_of_ours() == []


def test_every_fault_has_its_phase() -> None:
    assert {phase.order["kind"] for phase in PHASES if phase.order} == set(KINDS)
    assert len({phase.name for phase in PHASES}) == len(PHASES)


def test_the_slots_of_a_server_are_kept_busy(icd10cm) -> None:
    """By the server's own count: all sixteen at once, and most of them on the whole, from the first request to the
    last. How many depends on the machine, which has to make a request ready in the time of an answer; `make bench-llm`
    measures it."""
    with StandInProcess.started(slots=16, request_seconds=4.0) as server:
        load = drive(make_engine(server.url), known_charts(64), icd10cm.pk, threads=THREADS)
        state = server.state()
    assert load.ended == {EXACT: 64}
    assert (state["peak_running"], state["chats"]) == (16, 64)
    assert 0.5 <= state["slot_seconds"] / (16 * state["busy_seconds"]) <= 1.0


def test_a_phase_tells_what_went_wrong(icd10cm, standin: StandInProcess) -> None:
    """The judgement above can fail: every answer spoiled, and nobody said that it would be."""
    phase = Phase("always wrong", {"kind": "wrong_schema", "times": -1})
    passed = pass_phase(standin, phase, 3, icd10cm.pk)
    assert passed.faults_of_ours() == [f"struck 2 times: {INVALID} instead of {EXACT} × 3"]


ONE, TWO = known_charts(2)
PHASE = Phase("p", {"kind": "mute"}, once=NOTHING, again=INVALID)


def became(ended: str, chart: str = ONE.chart.id) -> Became:
    codes = {EXACT: frozenset({"I10"}), NOTHING: frozenset(), "other codes": frozenset({"I10", "E11.9"})}
    error = "" if ended in codes else ended
    return Became(chart, codes.get(ended, frozenset()), frozenset({"I10"}), error, 1.0, 1)


def judged(*them: Became, struck: int = 0, phase: Phase = PHASE, given: int | None = None) -> list[str]:
    counts = {ONE.chart.id: struck} if struck else {}
    load = Load(them, 1.0, 1.0)
    return Passed(phase, [ONE], load, struck if given is None else given, counts).faults_of_ours()


@pytest.mark.parametrize(
    ("struck", "ended"),
    [(0, NOTHING), (0, INVALID), (1, EXACT), (1, INVALID), (2, EXACT), (3, NOTHING), (2, "llm_unavailable")],
)
def test_an_end_that_the_table_does_not_have_is_told(struck: int, ended: str) -> None:
    ends = [EXACT, NOTHING, INVALID, INVALID]
    phase = PHASE if struck else replace(PHASE, order={})
    assert judged(became(ends[struck]), struck=struck, phase=phase) == []
    words = f"struck {struck} times: {ended} instead of {ends[struck]} × 1"
    assert judged(became(ended), struck=struck, phase=phase) == [words]


def test_what_is_lost_doubled_stuck_or_never_struck_is_told() -> None:
    right = became(NOTHING)
    assert judged(struck=1) == ["1 lost"]
    assert judged(right, right, struck=1) == ["1 doubled"]
    assert judged(replace(right, seconds=122.0), struck=1) == ["one was stuck for 122 s"]
    assert judged(became(EXACT)) == ["the fault never struck"]
    assert judged(right, struck=1, given=2) == ["a fault struck nobody who is known"]
    words = f"struck 1 times: other codes instead of {NOTHING} × 1"
    assert judged(became("other codes"), struck=1) == [words]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, []),
        ({"runs": 3}, ["3 runs for 2 charts"]),
        ({"done": 1}, ["1 without a result"]),
        ({"results": {1: 1, 2: 2}}, ["1 with no result or several"]),
        ({"results": {1: 1}}, ["1 with no result or several"]),
        ({"wrong": [2]}, ["1 with other codes than their own"]),
    ],
)
def test_what_is_stored_once_is_told_from_what_is_not(changed: dict[str, Any], words: list[str]) -> None:
    once: dict[str, Any] = {
        "runs": 2,
        "done": 2,
        "results": {1: 1, 2: 1},
        "wrong": [],
        "attempts": Counter({1: 2}),
    }
    assert Stored(**once | changed).faults_of_ours([1, 2]) == words
