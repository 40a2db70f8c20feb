"""Bootstrap by patient: all charts of a drawn patient come along, as often as the patient is drawn. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from modelops.evaluation.agreement.coefficients import Array, Coefficient

RESAMPLES = 200
SEED = 20260101
_LIMITS = (0.025, 0.975)
# Of fewer patients than the first there is no interval, of fewer than the second one that says little.
_LEAST, _FEW = 2, 5
_TOO_FEW = "Undefined: needs at least two patients."
# Fewer resamples with a value than this share, and the interval would speak of the lucky ones only.
_ENOUGH = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval, or the reason why there is none."""

    value: float | None
    low: float | None
    high: float | None
    # How many things it was counted over.
    n: int
    why: str = ""
    interval_why: str = ""
    # What is to be said beside an interval that is there.
    interval_note: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "why": self.why,
            "interval_why": self.interval_why,
            "interval_note": self.interval_note,
        }


def undefined(why: str, n: int = 0) -> Figure:
    return Figure(None, None, None, n, why, why)


class Resamples:
    """The same draws for every figure of one report, so that figures can be compared."""

    def __init__(self, patients: int, count: int = RESAMPLES, seed: int = SEED) -> None:
        self.patients, self.count, self.seed = patients, count, seed
        chance = np.random.default_rng(seed)
        drawn = (
            chance.multinomial(patients, np.full(patients, 1 / patients), size=count) if patients else None
        )
        # Draws down, patients across: how often each is drawn.
        self.weights: Array = (
            drawn.astype(np.float64) if drawn is not None else np.zeros((count, 0), dtype=np.float64)
        )

    def counted(self, by_patient: Array, n: int, empty: str) -> Counted:
        """`by_patient` has a row a patient (what the patient adds to the table), then the table's own axes."""
        return Counted(self, by_patient, n, empty)

    def judged(self, point: float, draws: Array, n: int, coefficient: Coefficient, patients: int) -> Figure:
        """`patients`: those that the figure is counted over, which may be fewer than are drawn from."""
        if np.isnan(point):
            return undefined(coefficient.undefined, n)
        low, high, why = self._interval(draws, patients)
        note = f"only {patients} patients" if low is not None and patients < _FEW else ""
        return Figure(point, low, high, n, interval_why=why, interval_note=note)

    def _interval(self, draws: Array, patients: int) -> tuple[float | None, float | None, str]:
        if patients < _LEAST:
            return None, None, _TOO_FEW
        known = np.sort(draws[~np.isnan(draws)])
        if len(known) < _ENOUGH * self.count:
            return None, None, f"Undefined in {self.count - len(known)} of {self.count} resamples."
        return _percentile(known, _LIMITS[0]), _percentile(known, _LIMITS[1]), ""


class Counted:
    """What each patient adds to a table; its coefficients share the sums over the resamples."""

    def __init__(self, resamples: Resamples, by_patient: Array, n: int, empty: str) -> None:
        self._resamples, self._by_patient, self._n, self._empty = resamples, by_patient, n, empty

    @cached_property
    def _flat(self) -> Array:
        return self._by_patient.reshape(self._resamples.patients, -1)

    @cached_property
    def _there(self) -> npt.NDArray[np.int64]:
        """The patients that add anything."""
        return np.flatnonzero(self._flat.any(axis=1)).astype(np.int64)

    @cached_property
    def _draws(self) -> Array:
        flat, there = self._flat, self._there
        weights = self._resamples.weights
        # A group of few patients is summed over these alone.
        few = 2 * len(there) < len(flat)
        sums = weights[:, there] @ flat[there] if few else weights @ flat
        return sums.reshape(self._resamples.count, *self._by_patient.shape[1:])

    def figure(self, coefficient: Coefficient) -> dict[str, Any]:
        if self._n == 0:
            return undefined(self._empty).as_json()
        point = coefficient.formula(self._by_patient.sum(0)[np.newaxis])[0]
        draws = coefficient.formula(self._draws)
        patients = len(self._there)
        return self._resamples.judged(float(point), draws, self._n, coefficient, patients).as_json()


def _percentile(ordered: Array, share: float) -> float:
    """Between the two nearest, as numpy.percentile does, which is slow on the many short rows of single codes."""
    place = share * (len(ordered) - 1)
    before = int(place)
    after = min(before + 1, len(ordered) - 1)
    return float(ordered[before] + (place - before) * (ordered[after] - ordered[before]))
