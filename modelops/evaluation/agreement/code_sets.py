"""Krippendorff's alpha over code sets with the MASI distance (Passonneau 2006). Pure.

MASI is 1 - Jaccard x m, with m 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap and 0 where
they share nothing; two empty sets are equal. The expected disagreement compares every set with every other.
Most share nothing, so a set is compared through the postings of its codes, and equal sets count once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelops.evaluation.agreement.coefficients import Array, Coefficient, ratio
from modelops.evaluation.agreement.resampling import Figure, Resamples, undefined

# Up to so many different sets the resamples' expected disagreement is counted out in full. Beyond it is taken to
# the first order in the weights (the projection of a U statistic), whose error falls with one over the patients.
COUNTED_IN_FULL = 1500

Ints = npt.NDArray[np.int64]


def masi_distance(first: frozenset[Hashable], second: frozenset[Hashable]) -> float:
    return 1.0 - _similarity(len(first & second), len(first), len(second))


def _similarity(shared: int, first: int, second: int) -> float:
    if first == second == shared:
        return 1.0
    if not shared:
        return 0.0
    weight = 2 / 3 if shared == min(first, second) else 1 / 3
    return weight * shared / (first + second - shared)


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
    return resamples.judged(float(point), drawn, len(kept), ALPHA_OF_SETS)


def _observed(sets: Sequence[frozenset[Hashable]]) -> float:
    """Sum of distances over ordered pairs, divided by the values less one."""
    total = sum(masi_distance(a, b) for number, a in enumerate(sets) for b in sets[number + 1 :])
    return 2 * total / (len(sets) - 1)


class _Distances:
    """Distances between different sets, each set standing for as many values as have it."""

    def __init__(self, sets: Sequence[frozenset[Hashable]], values: Array) -> None:
        self.values = values
        self.full: Array | None = np.empty((len(sets), len(sets))) if len(sets) <= COUNTED_IN_FULL else None
        self.sums = self._sums(sets)
        self.total = float(self.sums @ values)

    def _sums(self, sets: Sequence[frozenset[Hashable]]) -> Array:
        """Of each set: the distances to all values."""
        sizes = np.array([len(one) for one in sets], dtype=np.int64)
        postings = _postings(sets)
        passed = dict.fromkeys(postings, 0)
        widest = int(sizes.max()) + 1
        tables: dict[int, Array] = {}
        # Every set is like itself. Of the others only those that come later and share a code are looked at: the
        # earlier ones have met this one already, and the rest are at distance 1.
        alike_values = self.values.copy()
        if self.full is not None:
            self.full[:] = 1
            np.fill_diagonal(self.full, 0)
        for number, one in enumerate(sets):
            for code in one:
                passed[code] += 1
            later = [postings[code][passed[code] :] for code in one]
            if not later:
                continue
            size = len(one)
            if size not in tables:
                tables[size] = _table(size, widest)
            shared = np.bincount(np.concatenate(later) - (number + 1), minlength=len(sets) - number - 1)
            near = np.flatnonzero(shared)
            shares, near = shared[near], near + number + 1
            alike = tables[size][shares * widest + sizes[near]]
            alike_values[number] += alike @ self.values[near]
            alike_values[near] += alike * self.values[number]
            if self.full is not None:
                self.full[number, near] = self.full[near, number] = 1 - alike
        sums: Array = self.values.sum() - alike_values
        return sums

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


def _postings(sets: Sequence[frozenset[Hashable]]) -> dict[Hashable, Ints]:
    lists: dict[Hashable, list[int]] = defaultdict(list)
    for number, one in enumerate(sets):
        for code in one:
            lists[code].append(number)
    return {code: np.array(numbers, dtype=np.int64) for code, numbers in lists.items()}


def _table(size: int, widest: int) -> Array:
    """Similarity of a set of this size, by shared codes x widest + the other's size."""
    return np.array(
        [
            _similarity(shared, size, other) if shared <= min(size, other) else 0.0
            for shared in range(size + 1)
            for other in range(widest)
        ]
    )
