"""All pair checks over random pairs of billable codes: pairs a second and the share of findings by check."""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Iterator

from catalog.choices import CodeSystem
from catalog.edits.engine import PAIR_CHECKS, check, check_pairs
from catalog.edits.knowledge import Knowledge
from catalog.edits.loading import tabular_of
from catalog.edits.rows import Case, Placed
from catalog.edits.types import CodeLine, EncounterFacts
from catalog.queries import latest_release
from tests.bench.figures import report

PAIRS = 1_000_000
CLAIMS, CODES_A_CLAIM = 500, 12
SEED = 20260401


def edits() -> None:
    release = latest_release(CodeSystem.ICD10CM)
    begun = time.perf_counter()
    knowledge = Knowledge(tabular=tabular_of(release))
    report("edits: release read once a process", f"{time.perf_counter() - begun:.1f} s")
    facts = EncounterFacts(service_date=release.valid_from or dt.date.min)
    tree = tabular_of(release).tree
    billable = [node.code for node in tree.codes() if node.billable]
    case = Case([CodeLine(code, sequence=1) for code in billable], facts, knowledge)
    chance = random.Random(SEED)
    wall, cpu = time.perf_counter(), time.process_time()
    found, looked = check_pairs(case, _pairs(case.known, chance), PAIR_CHECKS)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    report(
        f"edits: {len(PAIR_CHECKS)} pair checks, {looked:,} random pairs",
        f"{looked / cpu:,.0f} pairs/s of processor time, {looked / wall:,.0f} pairs/s by the clock",
        "20,000 a core",
    )
    for row in PAIR_CHECKS:
        report(f"edits: share of pairs with {row.id}", f"{len(found.get(row.id, ())) / looked:.4%}")
    claims = [
        [CodeLine(code, sequence=n) for n, code in enumerate(chance.sample(billable, CODES_A_CLAIM), start=1)]
        for _ in range(CLAIMS)
    ]
    cpu = time.process_time()
    for lines in claims:
        check(lines, facts, knowledge)
    cpu = time.process_time() - cpu
    report(
        f"edits: all checks, {CLAIMS} claims of {CODES_A_CLAIM} random diagnoses",
        f"{1000 * cpu / CLAIMS:.1f} ms a claim",
    )


def _pairs(codes: list[Placed], chance: random.Random) -> Iterator[tuple[Placed, Placed]]:
    count = len(codes)
    for _ in range(PAIRS):
        yield codes[int(chance.random() * count)], codes[int(chance.random() * count)]
