"""What a model version must show before it answers: a table of thresholds over plain figures.

How often people accept what they were shown is none of the figures: it is agreement with an assisted human.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# A domain with fewer gold codes in a set says more of chance than of the model.
LEAST_GOLD = 20


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    NO_DATA = "no_data"


@dataclass(frozen=True, slots=True)
class DomainFigure:
    """Exact F1 of one domain in one gold set, of the candidate and of what serves."""

    gold_set: str
    domain: str
    gold: int
    candidate: float
    serving: float


@dataclass(frozen=True, slots=True)
class SetFigures:
    """What one counted gold set says. `exact_f1_low`: lower end of the 95% interval of the paired difference
    candidate − serving; unsupported codes per encounter; each None where it is not known."""

    gold_set: str
    exact_f1_low: float | None = None
    candidate_unsupported: float | None = None
    serving_unsupported: float | None = None
    domains: tuple[DomainFigure, ...] = ()


@dataclass(frozen=True, slots=True)
class GateFigures:
    """`lacking`: counted gold sets that one of the two was not scored against. `knowledge`: by task the accuracies
    before and after training; `knowledge_lacks`: why there are none, in words."""

    sets: tuple[SetFigures, ...] = ()
    lacking: tuple[str, ...] = ()
    knowledge: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    knowledge_lacks: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """`figure` None: no data. `where` tells of the gold set, domain or tasks that it is of."""

    figure: float | None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Threshold:
    """`limit`: the default, which the setting PROMOTION_GATE may say otherwise; `least` is true where the figure must
    be at least the limit, false where it must be at most that."""

    id: str
    title: str
    limit: float
    least: bool
    figure: Callable[[GateFigures], Found]


@dataclass(frozen=True, slots=True)
class GateRow:
    id: str
    title: str
    verdict: Verdict
    figure: float | None
    limit: float
    least: bool
    where: str

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "verdict": self.verdict.value,
            "figure": self.figure,
            "limit": self.limit,
            "where": self.where,
        }


def _exact_f1(figures: GateFigures) -> Found:
    """The worst set counts, and a set without a comparison cannot be left out."""
    if figures.lacking:
        return Found(None, f"not compared: {', '.join(figures.lacking)}")
    known = [(of.exact_f1_low, of.gold_set) for of in figures.sets if of.exact_f1_low is not None]
    if not known:
        return Found(None, "no gold set that two people read and a third adjudicated")
    if len(known) < len(figures.sets):
        silent = (of.gold_set for of in figures.sets if of.exact_f1_low is None)
        return Found(None, f"not compared: {', '.join(silent)}")
    return Found(*min(known))


def _domain_loss(figures: GateFigures) -> Found:
    judged = [of for found in figures.sets for of in found.domains if of.gold >= LEAST_GOLD]
    if figures.lacking or not judged:
        return Found(None, f"no domain with at least {LEAST_GOLD} gold codes in every set compared")
    worst = max(judged, key=lambda of: of.serving - of.candidate)
    return Found(worst.serving - worst.candidate, f"{worst.domain}, {worst.gold_set}")


def _unsupported(figures: GateFigures) -> Found:
    known = [
        (of.candidate_unsupported - of.serving_unsupported, of.gold_set)
        for of in figures.sets
        if of.candidate_unsupported is not None and of.serving_unsupported is not None
    ]
    if figures.lacking or not known or len(known) < len(figures.sets):
        return Found(None, "not counted for every set")
    return Found(*max(known))


def _knowledge_loss(figures: GateFigures) -> Found:
    losses = [before - after for before, after in figures.knowledge.values()]
    if not losses:
        why = f": {figures.knowledge_lacks}" if figures.knowledge_lacks else ""
        return Found(None, f"not measured before and after training{why}")
    return Found(sum(losses) / len(losses), ", ".join(sorted(figures.knowledge)))


THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "exact_f1",
        "Exact F1 against what serves, lower end of the 95% interval of the paired difference",
        -0.01,
        True,
        _exact_f1,
    ),
    Threshold("domain_loss", "Exact F1 lost in the domain that lost most", 0.03, False, _domain_loss),
    Threshold("unsupported", "Unsupported codes more per encounter", 0.10, False, _unsupported),
    Threshold("knowledge_loss", "General knowledge lost, average of the tasks", 0.03, False, _knowledge_loss),
)
IDS = frozenset(threshold.id for threshold in THRESHOLDS)

# Differences of shares come out of the last digits of floating point.
_HAIR = 1e-9


def judge(figures: GateFigures, limits: Mapping[str, float] | None = None) -> tuple[GateRow, ...]:
    """One row a threshold, in the order of the table. `limits`: by id, in place of the table's."""
    return tuple(_row(threshold, figures, limits or {}) for threshold in THRESHOLDS)


def _row(threshold: Threshold, figures: GateFigures, limits: Mapping[str, float]) -> GateRow:
    found = threshold.figure(figures)
    limit = limits.get(threshold.id, threshold.limit)
    return GateRow(
        threshold.id,
        threshold.title,
        _verdict(found.figure, limit, least=threshold.least),
        None if found.figure is None else round(found.figure, 6),
        limit,
        threshold.least,
        found.where,
    )


def _verdict(figure: float | None, limit: float, *, least: bool) -> Verdict:
    if figure is None:
        return Verdict.NO_DATA
    passes = figure >= limit - _HAIR if least else figure <= limit + _HAIR
    return Verdict.PASS if passes else Verdict.FAIL


def passes(rows: tuple[GateRow, ...]) -> bool:
    """Every row; without data nothing passes."""
    return all(row.verdict == Verdict.PASS for row in rows)
