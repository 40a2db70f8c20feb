"""When the figures of a model in use call for a look: limits over weeks, and what the monthly audit counts. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

# Defaults; the setting DRIFT_LIMITS may say otherwise. Shares, but for least_decisions.
LIMITS: dict[str, float] = {
    # A week with fewer decisions of a model says nothing.
    "least_decisions": 50,
    # Below the mean of the model's four weeks before, or of the weeks that there are.
    "accept_drop": 0.10,
    "override_rate": 0.40,
    "calibration_error": 0.10,
}
WEEKS_BEFORE = 4

# What the monthly audit counts findings of, by the ids of code edits.
FAMILIES: dict[str, frozenset[str]] = {
    "validity": frozenset({"valid_code", "code_system", "billable_code", "seventh_character"}),
    "bundling": frozenset({"ncci_pair", "mue_units"}),
}
# Modifiers by which two procedures that are bundled are billed apart.
UNBUNDLING = frozenset({"25", "59", "XE", "XP", "XS", "XU"})


@dataclass(frozen=True, slots=True)
class Week:
    """Decisions on suggestions of one model in one week, from Monday. `calibration_error`: expected, over the
    confidences that were shown; None where none was."""

    monday: date
    model: str
    accepted: int
    modified: int
    rejected: int
    calibration_error: float | None = None

    @property
    def decisions(self) -> int:
        return self.accepted + self.modified + self.rejected

    @property
    def accept_rate(self) -> float:
        return self.accepted / self.decisions if self.decisions else 0.0

    @property
    def override_rate(self) -> float:
        return (self.modified + self.rejected) / self.decisions if self.decisions else 0.0


def interval(count: int, of: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share, as if each one of `of` stood by itself; (0, 1) of none."""
    if not of:
        return 0.0, 1.0
    share, square = count / of, 1.959964**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = math.sqrt(square * (share * (1 - share) / of + square / (4 * of * of))) / (1 + square / of)
    # Of none and of all the ends are exact; a rounding error is not told.
    return (0.0 if count == 0 else middle - half), (1.0 if count == of else middle + half)


@dataclass(frozen=True, slots=True)
class Alert:
    """`figure` is beyond `limit`."""

    id: str
    monday: date
    model: str
    figure: float
    limit: float


def alerts(weeks: Sequence[Week], limits: Mapping[str, float] | None = None) -> list[Alert]:
    """Of the newest week of each model that has enough decisions, by model and then in the order of LIMITS."""
    limit = LIMITS | dict(limits or {})
    by_model: dict[str, list[Week]] = {}
    for week in sorted(weeks, key=lambda one: (one.model, one.monday)):
        if week.decisions >= limit["least_decisions"]:
            by_model.setdefault(week.model, []).append(week)
    found: list[Alert] = []
    for told in by_model.values():
        *before, last = told
        figures: dict[str, float | None] = {
            "accept_drop": _mean(before[-WEEKS_BEFORE:], last),
            "override_rate": last.override_rate,
            "calibration_error": last.calibration_error,
        }
        found += [
            Alert(name, last.monday, last.model, round(figure, 6), limit[name])
            for name, figure in figures.items()
            if figure is not None and figure > limit[name]
        ]
    return found


def _mean(before: Sequence[Week], last: Week) -> float | None:
    """How far the accept rate of the last week lies below that of the weeks before, taken together."""
    decisions = sum(week.decisions for week in before)
    return sum(week.accepted for week in before) / decisions - last.accept_rate if decisions else None
