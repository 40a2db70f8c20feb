"""Bootstrap over patients and McNemar's test: how far a figure could have come out otherwise.

What is drawn with replacement is the patient, since charts of one patient resemble each other; a chart that names
no patient is one of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from modelops.evaluation.columns import Flags, Floats, Ints
from modelops.evaluation.figures import Json, counted, f1_of, figures_of, number
from modelops.evaluation.matching import Sets

_BATCH = 25
_LOW, _HIGH = 2.5, 97.5
# Above this many discordant pairs the chi-square approximation stands in for the exact test.
_EXACT_UP_TO = 1000


class Draws:
    """The same draws for every figure of a run, so that figures of two models are paired."""

    def __init__(self, patient: Ints, *, resamples: int, seed: int) -> None:
        own = np.arange(len(patient)) + (patient.max() + 1 if len(patient) else 0)
        _, cluster = np.unique(np.where(patient < 0, own, patient), return_inverse=True)
        self.cluster: Ints = cluster.astype(np.int64)
        self.clusters = int(self.cluster.max()) + 1 if len(patient) else 0
        self.resamples = resamples if self.clusters else 0
        self._seed = seed

    def sums(self, per_chart: Floats) -> Floats:
        """Sums of each column (charts × columns) in every resample (resamples × columns)."""
        columns = per_chart.shape[1]
        by_cluster = np.stack(
            [
                np.bincount(self.cluster, weights=per_chart[:, c], minlength=self.clusters)
                for c in range(columns)
            ],
            axis=1,
        )
        if not self.resamples:
            return np.zeros((0, columns))
        return np.concatenate([weights @ by_cluster for weights in self._weights()])

    def _weights(self) -> Iterator[Floats]:
        """How often each cluster was drawn, some resamples at a time."""
        random = np.random.default_rng(self._seed)
        left = self.resamples
        while left:
            size = min(left, _BATCH)
            left -= size
            yield np.stack(
                [
                    np.bincount(random.integers(self.clusters, size=self.clusters), minlength=self.clusters)
                    for _ in range(size)
                ]
            ).astype(np.float64)


def _per_chart(sets: list[Sets]) -> Floats:
    return np.stack([column for at in sets for column in at.by_chart()], axis=1).astype(np.float64)


def add_intervals(levels: Json, sets: list[Sets], draws: Draws) -> None:
    """Writes `micro.interval` of every level."""
    drawn = draws.sums(_per_chart(sets)) if sets else np.zeros((0, 0))
    for at, of in enumerate(sets):
        hits, predicted, gold = (drawn[:, 3 * at + column] for column in range(3))
        figures = figures_of(hits, predicted, gold)
        levels[of.level]["micro"]["interval"] = {name: _interval(values) for name, values in figures.items()}


def _interval(values: Floats) -> list[float] | None:
    if not len(values):
        return None
    low, high = np.percentile(values, [_LOW, _HIGH])
    return [float(low), float(high)]


def compare_levels(a: list[Sets], b: list[Sets], draws: Draws) -> Json:
    """Differences of micro and macro F1 between two models over the same charts, by level."""
    found: Json = {}
    for mine, theirs in zip(a, b, strict=True):
        of_a, of_b = mine.by_chart(), theirs.by_chart()
        f1_a, f1_b = f1_of(*of_a), f1_of(*of_b)
        drawn = draws.sums(
            np.stack([*of_a, *of_b, f1_a, f1_b, np.ones(len(f1_a))], axis=1).astype(np.float64)
        )
        charts = np.maximum(drawn[:, 8], 1)
        found[mine.level] = {
            "micro_f1": _difference(
                counted(*(column.sum() for column in of_a))["f1"],
                counted(*(column.sum() for column in of_b))["f1"],
                f1_of(*(drawn[:, at] for at in (0, 1, 2))) - f1_of(*(drawn[:, at] for at in (3, 4, 5))),
            ),
            "macro_f1": _difference(
                float(f1_a.mean()) if len(f1_a) else math.nan,
                float(f1_b.mean()) if len(f1_b) else math.nan,
                (drawn[:, 6] - drawn[:, 7]) / charts,
            ),
        }
    return found


def _difference(a: float, b: float, drawn: Floats) -> Json:
    """`p` is two-sided: twice the smaller share of resamples on either side of no difference."""
    interval = _interval(drawn)
    found: Json = {"a": number(a), "b": number(b), "difference": number(a - b)}
    found["low"], found["high"] = interval if interval is not None else (None, None)
    found["p"] = None
    if len(drawn):
        smaller = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
        found["p"] = min(1.0, 2 * (smaller + 1) / (len(drawn) + 1))
    return found


def mcnemar(a: Flags, b: Flags) -> Json:
    """Two models' right and wrong on the same things."""
    both, only_a, only_b = int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum())
    return {
        "both": both,
        "only_a": only_a,
        "only_b": only_b,
        "neither": len(a) - both - only_a - only_b,
        "p": _mcnemar_p(only_a, only_b),
    }


def _mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact binomial; above a thousand discordant pairs chi-square with continuity correction."""
    total = only_a + only_b
    if not total:
        return 1.0
    if total <= _EXACT_UP_TO:
        tail = sum(math.comb(total, count) for count in range(min(only_a, only_b) + 1))
        return min(1.0, 2 * tail / (1 << total))
    statistic = max(0, abs(only_a - only_b) - 1) ** 2 / total
    return math.erfc(math.sqrt(statistic / 2))
