"""Two hundred charts through the stand-in with every fault in turn; `make bench-llm` does the same with 2,000."""

from __future__ import annotations

import pytest

from tests.bench_llm.charts import known_charts
from tests.bench_llm.load import drive
from tests.bench_llm.phases import PHASES, THREADS, Phase, make_engine, pass_phase
from tests.standin.process import StandInProcess

pytestmark = pytest.mark.slow

EACH = 200 // len(PHASES) + 1


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
def test_no_chart_is_lost_doubled_stuck_or_mixed_up(icd10cm, standin: StandInProcess, phase: Phase) -> None:
    passed = pass_phase(standin, phase, EACH, icd10cm.pk)
    assert len(passed.load.became) == EACH
    assert passed.faults_of_ours() == []


def test_the_slots_of_a_server_are_kept_busy(icd10cm) -> None:
    """Sixteen charts in work at every moment between the first and the last, as the server itself counts."""
    with StandInProcess.started(slots=16, request_seconds=0.3) as server:
        load = drive(make_engine(server.url), known_charts(96), icd10cm.pk, threads=THREADS)
        state = server.state()
    assert (load.right, load.errors) == (96, {})
    assert state["peak_running"] == 16
    assert state["chats"] == 96


def test_a_phase_tells_what_went_wrong(icd10cm, standin: StandInProcess) -> None:
    """The judgement above can fail: every answer spoiled, and nobody said that it would be."""
    phase = Phase("always wrong", {"kind": "wrong_schema", "times": -1})
    passed = pass_phase(standin, phase, 3, icd10cm.pk)
    assert passed.faults_of_ours() == ["failed: llm_invalid_output × 3"]
