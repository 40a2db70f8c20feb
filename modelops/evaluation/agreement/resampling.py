"""Bootstrap by patient: all charts of a drawn patient come along, as often as the patient is drawn. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelops.evaluation.agreement.coefficients import Array, Coefficient

RESAMPLES = 200
SEED = 20260101
_LIMITS = (2.5, 97.5)
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

    def as_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "why": self.why,
            "interval_why": self.interval_why,
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

    def figure(self, by_patient: Array, coefficient: Coefficient, n: int, empty: str) -> Figure:
        """`by_patient` has a row a patient (what the patient adds to the table), then the table's own axes."""
        if n == 0:
            return undefined(empty)
        flat = by_patient.reshape(self.patients, -1)
        shape = (self.count, *by_patient.shape[1:])
        point = coefficient.formula(by_patient.sum(0)[np.newaxis])[0]
        return self.judged(
            float(point), coefficient.formula((self.weights @ flat).reshape(shape)), n, coefficient
        )

    def judged(self, point: float, draws: Array, n: int, coefficient: Coefficient) -> Figure:
        if np.isnan(point):
            return undefined(coefficient.undefined, n)
        low, high, why = self._interval(draws)
        return Figure(point, low, high, n, interval_why=why)

    def _interval(self, draws: Array) -> tuple[float | None, float | None, str]:
        if self.patients < 2:
            return None, None, "One patient: there is nothing to resample."
        known = draws[~np.isnan(draws)]
        if len(known) < _ENOUGH * self.count:
            return None, None, f"Undefined in {self.count - len(known)} of {self.count} resamples."
        low, high = np.percentile(known, _LIMITS)
        return float(low), float(high), ""
