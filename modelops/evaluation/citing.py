"""The evidence: how well the lines agree where the codes do, and how many lines are cited for one code."""

from __future__ import annotations

import numpy as np

from modelops.evaluation.columns import Ints
from modelops.evaluation.figures import Json, mean_and_error, share
from modelops.evaluation.levels import MAX_LINES_CITED
from modelops.evaluation.matching import Match, Selection


def evidence(match: Match, selection: Selection) -> Json:
    """Over the codes met at L3 whose gold has lines."""
    met = match.met("L3", selection)
    partner = match.partner[met]
    shared, cited, gold = match.shared[met], match.cited[met], match.gold_cited[partner]
    with_lines = gold > 0
    shared, cited, gold = shared[with_lines], cited[with_lines], gold[with_lines]
    either = cited + gold - shared
    mean, error = mean_and_error(shared / np.maximum(either, 1))
    return {
        "codes": len(gold),
        "jaccard": mean,
        "jaccard_se": error,
        "jaccard_micro": share(shared.sum(), either.sum()),
        "shared": share((shared > 0).sum(), len(gold)),
        "identical": share(((shared == cited) & (shared == gold)).sum(), len(gold)),
        "lines_cited": _spread(match.cited[selection.predicted]),
        "gold_lines": _spread(match.gold_cited[selection.gold]),
    }


def _spread(lines: Ints) -> Json:
    total = len(lines)
    above = int((lines > MAX_LINES_CITED).sum())
    found: Json = {
        "codes": total,
        "mean": float(lines.mean()) if total else None,
        "median": float(np.median(lines)) if total else None,
        "p95": float(np.percentile(lines, 95)) if total else None,
        "max": int(lines.max()) if total else None,
        "none": int((lines == 0).sum()),
        "above_five": above,
        "above_five_share": share(above, total),
    }
    counts = np.bincount(np.minimum(lines, MAX_LINES_CITED + 1), minlength=MAX_LINES_CITED + 2)
    names = [*(str(number) for number in range(MAX_LINES_CITED + 1)), f"{MAX_LINES_CITED + 1}+"]
    return found | {"histogram": {name: int(count) for name, count in zip(names, counts, strict=True)}}
