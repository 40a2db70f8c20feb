"""Fits what confidences are worth: the rising curve nearest to whether each code was right (isotonic regression).

Nobody can be surer than what they were measured on: with n codes no confidence leaves [1/(n+2), (n+1)/(n+2)].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelops.evaluation.columns import Flags, Floats, Gold, Ints, Predictions
from modelops.evaluation.confidence import calibration
from modelops.evaluation.keys import among, places_of

# Fewer say nothing about a curve.
LEAST = 50
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Pairs:
    """One entry a predicted code that has a confidence and counts: the number of its chart, and whether it is gold."""

    chart: Ints
    confidence: Floats
    correct: Flags

    def __len__(self) -> int:
        return len(self.chart)


@dataclass(frozen=True, slots=True)
class Fit:
    """`points` as modelops.engines.calibration takes them. The expected calibration errors: of the confidences as
    given, and of each fifth of the charts under the curve of the others."""

    points: tuple[tuple[float, float], ...]
    codes: int
    charts: int
    error_before: float
    error_after: float


def pairs_of(gold: Gold, predictions: Predictions) -> Pairs:
    """Diagnoses and procedures by their exact codes; one that the gold set holds as optional counts neither way."""
    width = len(gold.words.codes)
    charts: list[Ints] = []
    given: list[Floats] = []
    right: list[Flags] = []
    for wanted, said in (
        (gold.diagnoses, predictions.diagnoses),
        (gold.procedures, predictions.procedures),
    ):
        mine = said.chart * width + said.code
        correct = places_of(mine, wanted.chart * width + wanted.code) >= 0
        optional = among(mine, gold.optional_chart * width + gold.optional_code)
        counts = ~np.isnan(said.confidence) & (correct | ~optional)
        charts.append(said.chart[counts])
        given.append(said.confidence[counts])
        right.append(correct[counts])
    return Pairs(np.concatenate(charts), np.concatenate(given), np.concatenate(right))


def fit(pairs: Pairs) -> Fit:
    """Of at least LEAST codes; fewer raise ValueError."""
    if len(pairs) < LEAST:
        raise ValueError(f"{len(pairs)} predicted codes with a confidence; at least {LEAST} are needed.")
    curve = _curve(pairs.confidence, pairs.correct)
    fold = pairs.chart % _FOLDS
    after = pairs.confidence.copy()
    for number in range(_FOLDS):
        held_out = fold == number
        if held_out.any() and not held_out.all():
            others = _curve(pairs.confidence[~held_out], pairs.correct[~held_out])
            after[held_out] = np.interp(
                pairs.confidence[held_out], [given for given, _ in others], [right for _, right in others]
            )
    return Fit(
        points=curve,
        codes=len(pairs),
        charts=len(np.unique(pairs.chart)),
        error_before=_error(pairs.confidence, pairs.correct),
        error_after=_error(after, pairs.correct),
    )


def _curve(confidence: Floats, correct: Flags) -> tuple[tuple[float, float], ...]:
    # Here and not above: with scipy's statistics, which it brings, every process would start twice as slowly.
    from sklearn.isotonic import IsotonicRegression

    least = 1 / (len(confidence) + 2)
    model = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    model.fit(confidence, correct.astype(np.float64))
    return tuple(
        (round(float(given), 6), round(float(right), 6))
        for given, right in zip(model.X_thresholds_, model.y_thresholds_, strict=True)
    )


def _error(confidence: Floats, correct: Flags) -> float:
    return float(calibration(confidence, correct, without=0)["ece"])
