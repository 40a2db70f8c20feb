"""manage.py evaluate over a hundred thousand charts of twelve codes: time and peak memory of its processes.

Beside the clock, which other work on the machine slows, stands the processor time of all its processes.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from catalog.choices import CodeSystem
from catalog.models import Code
from catalog.queries import latest_release
from tests.bench.figures import report
from tests.bench.memory import environment

CHARTS, CODES_A_CHART, LINES = 100_000, 12, 80
SEED = 20260401


def evaluation() -> None:
    release = latest_release(CodeSystem.ICD10CM)
    billable = list(Code.objects.of(release).billable().order_by("position").values_list("code", flat=True))
    with tempfile.TemporaryDirectory() as folder:
        gold, predicted = Path(folder, "gold.jsonl"), Path(folder, "predicted.jsonl")
        _write(gold, predicted, billable)
        begun, spent = time.perf_counter(), _processor_seconds()
        subprocess.run(
            [
                sys.executable,
                "manage.py",
                "evaluate",
                str(gold),
                str(predicted),
                "--json",
                str(Path(folder, "out")),
            ],
            env=environment(),
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seconds, spent = time.perf_counter() - begun, _processor_seconds() - spent
    # Of the largest process; those that read parts of the files stay below it.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    report(
        f"Evaluation of {CHARTS:,} charts × {CODES_A_CHART} codes",
        f"{seconds:.1f} s by the clock, {spent:.1f} s of processor time, peak {peak:.2f} GiB",
        "60 s, 2 GB",
    )


def _processor_seconds() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _write(gold: Path, predicted: Path, billable: list[str]) -> None:
    """Codes as uneven as real ones: a few are in many charts, most in few; two thirds are predicted right."""
    chance = random.Random(SEED)
    chance.shuffle(billable)
    with gold.open("w") as gold_file, predicted.open("w") as predicted_file:
        for number in range(CHARTS):
            codes = {_uneven(chance, billable): chance.randint(1, LINES) for _ in range(CODES_A_CHART)}
            row = {
                "id": f"chart-{number}",
                "patient_id": f"patient-{number // 2}",
                "setting": "inpatient",
                "codes": [
                    {"code": code, "lines": [line], "role": "secondary", "poa": "Y", "sequence": place}
                    for place, (code, line) in enumerate(codes.items(), start=1)
                ],
            }
            gold_file.write(json.dumps(row) + "\n")
            answers = [
                _prediction(chance, code if chance.random() < 2 / 3 else _uneven(chance, billable), line)
                for code, line in codes.items()
            ]
            answer = {"id": row["id"], "codes": answers, "discarded": [], "findings": [], "error": None}
            predicted_file.write(json.dumps(answer) + "\n")


def _uneven(chance: random.Random, billable: list[str]) -> str:
    return billable[int(len(billable) * chance.random() ** 4)]


def _prediction(chance: random.Random, code: str, line: int) -> dict[str, object]:
    place = {"document_id": "1", "line_start": line, "line_end": line + 1, "col_start": 0, "col_end": 9}
    return {
        "system": "icd10cm",
        "code": code,
        "description": "",
        "confidence": round(chance.random(), 4),
        "band": "medium",
        "rationale": "",
        "role": None,
        "evidence": [{**place, "quote": "as written"}],
    }
