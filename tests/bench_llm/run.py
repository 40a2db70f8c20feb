"""The measurements of `make bench-llm`, in a scratch database that is dropped again."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection

from tests.bench.engine import demo_charts, load_catalog
from tests.bench.figures import report
from tests.bench_llm import real, workers
from tests.bench_llm.charts import known_charts
from tests.bench_llm.load import EXACT, drive
from tests.bench_llm.phases import PHASES, THREADS, make_engine, pass_phase
from tests.standin.process import StandInProcess

CHARTS = 2000
SLOTS = 16


def throughput(release_id: int) -> None:
    """Through a stand-in that answers at once: what our side and the two processes together can do."""
    with StandInProcess.started(slots=SLOTS) as standin:
        engine = make_engine(standin.url)
        drive(engine, known_charts(50, prefix="warm "), release_id, threads=THREADS)
        before = standin.state()
        load = drive(engine, known_charts(CHARTS, seed=2), release_id, threads=THREADS)
        after = standin.state()
    theirs = (after["processor_seconds"] - before["processor_seconds"]) / CHARTS
    report("Through the stand-in, no faults", f"{load.charts_per_second:.0f} charts/s", "50")
    report("Our side, without grounding", f"{load.cpu_ms:.1f} ms of processor a chart", "12 ms")
    report("… beside it the stand-in's own", f"{1000 * theirs:.1f} ms of processor a chart")
    report("Charts with exactly their own codes", f"{load.ended[EXACT]} of {CHARTS}", f"{CHARTS}")


def slots(release_id: int) -> None:
    """A server that takes 0.4 s for every chart: how much of its 16 slots was in use from the first to the last."""
    with StandInProcess.started(slots=SLOTS) as standin:
        engine = make_engine(standin.url)
        drive(engine, known_charts(50, prefix="warm "), release_id, threads=THREADS)
        standin.reset()
        standin.set(request_seconds=0.4)
        load = drive(engine, known_charts(800, seed=3), release_id, threads=THREADS)
        state = standin.state()
    busy = state["slot_seconds"] / (SLOTS * state["busy_seconds"])
    report(f"A server of {SLOTS} slots and 0.4 s a chart, busy", f"{busy:.1%}", "95%")
    report("… charts/s of the most that it can do", f"{load.charts_per_second:.1f} of {SLOTS / 0.4:.0f}")


def faults(release_id: int) -> None:
    each = CHARTS // len(PHASES) + 1
    total = wrong = 0
    begun = time.monotonic()
    with StandInProcess.started(slots=SLOTS) as standin:
        for phase in PHASES:
            passed = pass_phase(standin, phase, each, release_id)
            bad = passed.faults_of_ours()
            total += each
            wrong += bool(bad)
            load = passed.load
            twice = sum(times > 1 for times in passed.struck.values())
            ends = ", ".join(f"{count} {name}" for name, count in load.ended.most_common())
            report(
                f"{phase.name}: {passed.given} faults, {len(passed.struck)} charts struck, {twice} again",
                f"{ends}; {load.seconds:.1f} s, slowest {load.slowest:.1f} s{': ' + '; '.join(bad) if bad else ''}",
            )
    report(
        f"{total} charts through every fault, phases with a chart lost, doubled, stuck or ended wrongly",
        f"{wrong}, {time.monotonic() - begun:.0f} s",
        "0",
    )


def real_vllm(release_id: int) -> None:
    real.measure(demo_charts(), release_id)


MEASURES: dict[str, Callable[[int], None]] = {
    "throughput": throughput,
    "slots": slots,
    "faults": faults,
    "workers": workers.measure,
    "real": real_vllm,
}


def _machine() -> str:
    """What the figures that follow are to be read beside."""
    additions = timeit.timeit("n += 1", "n = 0", number=5_000_000)
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {load:.1f}, five million additions {additions:.2f} s"
    )


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make bench-llm")
    parser.add_argument("measures", nargs="*", choices=[*MEASURES, []], help="only these")
    wanted = parser.parse_args(arguments).measures or list(MEASURES)
    sys.stdout.write(f"# Python {platform.python_version()}, {os.cpu_count()} cores\n")
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = connection.settings_dict["TEST"][
        "NAME"
    ] = f"bench_llm_{os.getpid()}"
    kept = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        release = load_catalog()
        for name, measure in MEASURES.items():
            if name in wanted:
                sys.stdout.write(f"# {name}: {_machine()}\n")
                measure(release.pk)
    finally:
        connection.creation.destroy_test_db(kept, verbosity=0)
