"""What the confidences are worth: calibration, risk by coverage, figures by threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelops.evaluation.columns import Flags, Floats
from modelops.evaluation.figures import Json, counted, number, share
from modelops.evaluation.matching import Match, Selection

_BINS = 10
_POINTS = 101


def calibration(confidence: Floats, correct: Flags, *, without: int) -> Json:
    """Reliability diagram in ten equal bins, expected calibration error, Brier score."""
    total = len(confidence)
    of = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    counts = np.bincount(of, minlength=_BINS)
    sums = np.bincount(of, weights=confidence, minlength=_BINS)
    hits = np.bincount(of, weights=correct, minlength=_BINS)
    bins: list[Json] = [
        {
            "low": place / _BINS,
            "high": (place + 1) / _BINS,
            "count": int(counts[place]),
            "confidence": share(sums[place], counts[place]),
            "correct": share(hits[place], counts[place]),
        }
        for place in range(_BINS)
    ]
    return {
        "predictions": total,
        "without_confidence": without,
        "ece": share(float(np.abs(hits - sums).sum()), total),
        "brier": number(float(np.mean((confidence - correct) ** 2))) if total else None,
        "bins": bins,
    }


def risk_coverage(confidence: Floats, correct: Flags) -> Json:
    """Share of wrong codes among those kept, by the share kept from the surest down. Ties are kept together.

    `area` is the risk averaged over coverage, as a step function.
    """
    total = len(confidence)
    if not total:
        return {"area": None, "points": []}
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), total - 1)
    kept = ends + 1
    risk = 1 - np.cumsum(correct[order])[ends] / kept
    coverage = kept / total
    area = float((risk * np.diff(np.concatenate([[0.0], coverage]))).sum())
    shown = np.unique(np.linspace(0, len(ends) - 1, min(_POINTS, len(ends))).round().astype(np.int64))
    return {
        "area": area,
        "points": [
            {"threshold": float(ranked[ends[at]]), "coverage": float(coverage[at]), "risk": float(risk[at])}
            for at in shown
        ],
    }


def thresholds(match: Match, selection: Selection, steps: Sequence[float]) -> list[Json]:
    """Figures when only what is at least so sure is kept; what has no confidence is always kept."""
    confidence = match.predicted.confidence
    sure = np.where(np.isnan(confidence), np.inf, confidence)
    gold = int(selection.gold.sum())
    met = {level: match.met(level, selection) for level in ("L3", "L4")}
    found: list[dict[str, Any]] = []
    for step in steps:
        kept = selection.predicted & (sure >= step)
        predicted = int(kept.sum())
        found.append(
            {
                "threshold": step,
                "predicted": predicted,
                "per_chart": share(predicted, match.charts),
                **{level: counted((met[level] & kept).sum(), predicted, gold) for level in met},
            }
        )
    return found
