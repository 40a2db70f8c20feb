"""All figures of agreement of a large study: two readers, each chart read twice."""

from __future__ import annotations

import time

from modelops.evaluation.agreement import agreement
from tests.bench.figures import report
from tests.modelops.agreement_rows import drawn_study

CHARTS, CODES, SHOWN = 10_000, 3_000, 10
SEED = 20260401


def agreement_of_readers() -> None:
    rows = drawn_study(SEED, charts=CHARTS, codes=CODES, shown=SHOWN)
    lines = dict.fromkeys((row.chart for row in rows), 120)
    wall, cpu = time.perf_counter(), time.process_time()
    found = agreement(rows, chapter_of=_first_letter, lines_of=lines)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    report(
        f"Agreement, {found['counts']['charts_read_twice']:,} charts read twice, {len(rows):,} words,"
        f" {found['resamples']} resamples",
        f"{wall:.1f} s by the clock, {cpu:.1f} s of processor time",
        "10 s",
    )


def _first_letter(_system: str, code: str, _release: str) -> str:
    return code[0]
