"""What is measured of a reader alone: seeded checks and pace. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np

from modelops.evaluation.agreement.coefficients import SHARE
from modelops.evaluation.agreement.pairs import APPROVED
from modelops.evaluation.agreement.resampling import RESAMPLES, SEED, Resamples
from modelops.evaluation.agreement.rows import Judged

_NO_CHECK = "No seeded check was judged."


def automation_bias(rows: Sequence[Judged], resamples: int = RESAMPLES, seed: int = SEED) -> dict[str, Any]:
    """Share of the deliberately wrong labels that were approved: in all, by kind and by reader."""
    checks = [row for row in rows if row.source == "seeded" and row.kind == "independent"]
    patients = {patient: number for number, patient in enumerate(sorted({row.patient for row in checks}))}
    draws = Resamples(len(patients), resamples, seed)

    def approved(chosen: Sequence[Judged]) -> dict[str, Any]:
        counts = np.zeros((len(patients), 2))
        for row in chosen:
            counts[patients[row.patient]] += (row.verdict in APPROVED, 1)
        return draws.counted(counts, len(chosen), _NO_CHECK).figure(SHARE)

    def apart(key: Callable[[Judged], str]) -> dict[str, Any]:
        groups: dict[str, list[Judged]] = defaultdict(list)
        for row in checks:
            groups[key(row)].append(row)
        return {name: approved(groups[name]) for name in sorted(groups)}

    return {
        "checks": len(checks),
        "rejected": sum(row.verdict == "reject" for row in checks),
        "undecidable": sum(row.verdict == "undecidable" for row in checks),
        "approved_share": approved(checks),
        "by_kind": apart(lambda row: row.seeded_kind),
        "by_reader": apart(lambda row: row.reader),
    }


def pace(rows: Sequence[Judged]) -> dict[str, Any]:
    """Median active seconds a reading and a code, by reader, of independent readings; seeded checks left out."""
    readings: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for row in rows:
        if row.kind == "independent":
            readings[row.reader, row.chart].append(row)
    by_reader: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for (reader, _), words in sorted(readings.items()):
        if words[0].seconds > 0:
            codes = sum(word.source not in ("none", "seeded") for word in words)
            by_reader[reader].append((words[0].seconds, max(codes, 1)))
    return {
        reader: {
            "readings": len(measured),
            "seconds_a_reading": median(seconds for seconds, _ in measured),
            "seconds_a_code": median(seconds / codes for seconds, codes in measured),
        }
        for reader, measured in by_reader.items()
    }
