"""Counts to figures: precision, recall, F1; over all, over charts, over codes. NaN never leaves: it is None."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from modelops.evaluation.columns import Floats, Ints
from modelops.evaluation.levels import Counts
from modelops.evaluation.matching import Sets

Json = dict[str, Any]
KINDS = ("precision", "recall", "f1")


def number(value: float) -> float | None:
    """A figure as JSON has it."""
    value = float(value)
    return value if math.isfinite(value) else None


def share(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole else None


def counted(hits: float, predicted: float, gold: float) -> Json:
    """Precision, recall and F1 of summed counts; both empty is 1, one empty 0."""
    counts = Counts(int(hits), int(predicted), int(gold))
    return {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}


def with_counts(hits: float, predicted: float, gold: float) -> Json:
    return {
        "hits": int(hits),
        "predicted": int(predicted),
        "gold": int(gold),
        **counted(hits, predicted, gold),
    }


def figures_of(hits: Floats | Ints, predicted: Floats | Ints, gold: Floats | Ints) -> dict[str, Floats]:
    """Precision, recall and F1 of each element; both empty is 1, one empty 0."""
    precision = np.where(predicted > 0, hits / np.maximum(predicted, 1), gold == 0)
    recall = np.where(gold > 0, hits / np.maximum(gold, 1), predicted == 0)
    return {"precision": precision, "recall": recall, "f1": f1_of(hits, predicted, gold)}


def f1_of(hits: Floats | Ints, predicted: Floats | Ints, gold: Floats | Ints) -> Floats:
    """2 hits / (predicted + gold), 1 where both are empty."""
    both = predicted + gold
    return np.where(both > 0, 2 * hits / np.where(both > 0, both, 1), 1.0)


def mean_and_error(values: Floats) -> tuple[float | None, float | None]:
    """Mean and its standard error (sd with ddof 1 over the root of n); None where undefined."""
    if not len(values):
        return None, None
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None
    return float(np.mean(values)), error


def micro(sets: Sets) -> Json:
    return with_counts(sets.gold_met.sum(), len(sets.predicted_code), len(sets.gold_code))


def macro(sets: Sets) -> Json:
    """Over charts, each with its standard error; beside it F1 without the charts where both sets are empty."""
    hits, predicted, gold = sets.by_chart()
    filled = predicted + gold > 0
    found: Json = {"charts": sets.charts, "both_empty": int((~filled).sum())}
    figures = figures_of(hits, predicted, gold)
    for name, values in figures.items():
        found[name], found[f"{name}_se"] = mean_and_error(values)
    found["f1_filled"], found["f1_filled_se"] = mean_and_error(figures["f1"][filled])
    return found


def over_codes(sets: Sets, *, weighted: bool) -> Json:
    """Each code's own figures averaged, by its gold cases or once each, with the spread around the average.

    A code without a gold case has no weight; one never predicted has precision 0.
    """
    hits, predicted, gold = (counts.astype(np.float64) for counts in sets.by_code())
    here = gold > 0
    hits, predicted, gold = hits[here], predicted[here], gold[here]
    found: Json = {"codes": len(gold), "cases": int(gold.sum())}
    values = {
        "precision": np.where(predicted > 0, hits / np.maximum(predicted, 1), 0.0),
        "recall": hits / np.maximum(gold, 1),
        "f1": f1_of(hits, predicted, gold),
    }
    weights = gold if weighted else np.ones(len(gold))
    for name, of_code in values.items():
        mean = float(np.average(of_code, weights=weights)) if len(gold) else math.nan
        spread = float(np.average((of_code - mean) ** 2, weights=weights)) if len(gold) else math.nan
        found[name], found[f"{name}_sd"] = number(mean), number(math.sqrt(spread))
    return found


def level_figures(sets: Sets) -> Json:
    return {
        "micro": micro(sets),
        "macro": macro(sets),
        "weighted": over_codes(sets, weighted=True),
        "unweighted": over_codes(sets, weighted=False),
    }
