"""Krippendorff's alpha over code sets with the MASI distance (Passonneau 2006). Pure.

MASI is 1 - Jaccard x m, with m 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap and 0 where
they share nothing; two empty sets are equal. The expected disagreement compares every set with every other; equal
sets count once (likeness.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelops.evaluation.agreement.coefficients import Array, Coefficient, ratio
from modelops.evaluation.agreement.likeness import likeness, similarity
from modelops.evaluation.agreement.resampling import Figure, Resamples, undefined

# Up to so many different sets the resamples' expected disagreement is counted out in full. Beyond it is taken to
# the first order in the weights (the projection of a U statistic), whose error falls with one over the patients.
COUNTED_IN_FULL = 1500

Ints = npt.NDArray[np.int64]


def masi_distance(first: frozenset[Hashable], second: frozenset[Hashable]) -> float:
    return 1.0 - similarity(len(first & second), len(first), len(second))


@dataclass(frozen=True, slots=True)
class SetsOfChart:
    patient: int
    sets: tuple[frozenset[Hashable], ...]


def _value(sums: Array) -> Array:
    """Last axis (observed disagreement x values, sum of all distances, number of values)."""
    observed, expected, count = sums[..., 0], sums[..., 1], sums[..., 2]
    return 1 - ratio(observed * (count - 1), expected, count**2)


ALPHA_OF_SETS = Coefficient(_value, "Every set of codes is the same: there is no variation to measure.")


def alpha_of_sets(charts: Sequence[SetsOfChart], resamples: Resamples, empty: str) -> Figure:
    """Charts with one set only are left out, as Krippendorff does."""
    kept = [chart for chart in charts if len(chart.sets) > 1]
    if not kept:
        return undefined(empty)
    different: dict[frozenset[Hashable], int] = {}
    value_patient: list[int] = []
    value_set: list[int] = []
    by_patient = np.zeros((resamples.patients, 2))
    for chart in kept:
        for one in chart.sets:
            value_set.append(different.setdefault(one, len(different)))
            value_patient.append(chart.patient)
        by_patient[chart.patient] += (_observed(chart.sets), len(chart.sets))
    distances = _Distances(list(different), np.bincount(value_set).astype(np.float64))
    draws = resamples.weights @ by_patient
    counts = np.array(value_patient, dtype=np.int64), np.array(value_set, dtype=np.int64)
    expected = distances.expected(counts, resamples)
    point = _value(np.array([*by_patient.sum(0)[:1], distances.total, len(value_set)]))
    drawn = _value(np.stack([draws[:, 0], expected, draws[:, 1]], -1))
    patients = len({chart.patient for chart in kept})
    return resamples.judged(float(point), drawn, len(kept), ALPHA_OF_SETS, patients)


def _observed(sets: Sequence[frozenset[Hashable]]) -> float:
    """Sum of distances over ordered pairs, divided by the values less one."""
    total = sum(masi_distance(a, b) for number, a in enumerate(sets) for b in sets[number + 1 :])
    return 2 * total / (len(sets) - 1)


class _Distances:
    """Distances between different sets, each set standing for as many values as have it."""

    def __init__(self, sets: Sequence[frozenset[Hashable]], values: Array) -> None:
        self.values = values
        self.full: Array | None = np.zeros((len(sets), len(sets))) if len(sets) <= COUNTED_IN_FULL else None
        self.sums: Array = values.sum() - likeness(sets, values, self.full)
        if self.full is not None:
            np.subtract(1, self.full, out=self.full)
        self.total = float(self.sums @ values)

    def expected(self, counts: tuple[Ints, Ints], resamples: Resamples) -> Array:
        """Of each resample: the sum of distances over all ordered pairs of its values."""
        patient, of_set = counts
        if self.full is None:
            by_patient = np.bincount(patient, self.sums[of_set], minlength=resamples.patients)
            first_order: Array = 2 * (resamples.weights @ by_patient) - self.total
            return first_order
        drawn = np.zeros((resamples.count, len(self.values)))
        for number, weights in enumerate(resamples.weights):
            drawn[number] = np.bincount(of_set, weights[patient], minlength=len(self.values))
        full: Array = np.einsum("rs,rs->r", drawn @ self.full, drawn)
        return full
