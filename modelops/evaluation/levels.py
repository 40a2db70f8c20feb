"""Agreement of predicted with gold codes at levels L0 to L4 (DESIGN.md, "Evaluation levels"). Pure.

L0 three-character category, L1 first four characters, L2 first five, L3 the exact code, L4 the exact code
with at least one shared evidence line. The dot is removed before cutting; a shorter code stands as it is.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

LEVELS = ("L0", "L1", "L2", "L3", "L4")
_CUT = {"L0": 3, "L1": 4, "L2": 5}
# A prediction that cites more lines than this for one code has shown nothing: L4 does not count it.
MAX_LINES_CITED = 5

# Code to the lines cited for it, as (document id, line number).
Lines = frozenset[tuple[str, int]]
Codes = Mapping[str, Lines]


@dataclass(frozen=True, slots=True)
class Counts:
    hits: int
    predicted: int
    gold: int

    @property
    def precision(self) -> float:
        return self.hits / self.predicted if self.predicted else float(self.gold == 0)

    @property
    def recall(self) -> float:
        return self.hits / self.gold if self.gold else float(self.predicted == 0)

    @property
    def f1(self) -> float:
        if not self.predicted and not self.gold:
            return 1.0
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def count(predicted: Codes, gold: Codes, level: str, optional: Collection[str] = ()) -> Counts:
    """One chart at one level. Exact optional codes leave the predictions first, unless they are gold too."""
    kept = {code: lines for code, lines in predicted.items() if code in gold or code not in optional}
    if level == "L4":
        hits = sum(1 for code, lines in kept.items() if _shares_a_line(lines, gold.get(code)))
        return Counts(hits, len(kept), len(gold))
    cut = _CUT.get(level)
    mine, theirs = {_cut(code, cut) for code in kept}, {_cut(code, cut) for code in gold}
    return Counts(len(mine & theirs), len(mine), len(theirs))


def _shares_a_line(mine: Lines, theirs: Lines | None) -> bool:
    return theirs is not None and len(mine) <= MAX_LINES_CITED and bool(mine & theirs)


def _cut(code: str, size: int | None) -> str:
    return code.replace(".", "")[:size]


def micro(counts: Sequence[Counts]) -> Counts:
    return Counts(sum(c.hits for c in counts), sum(c.predicted for c in counts), sum(c.gold for c in counts))


@dataclass(frozen=True, slots=True)
class Mean:
    value: float
    standard_error: float


def macro(figures: Sequence[float]) -> Mean:
    """Mean over charts with its standard error (sd with ddof 1 over the root of n); NaN where undefined."""
    n = len(figures)
    if n == 0:
        return Mean(math.nan, math.nan)
    value = sum(figures) / n
    if n == 1:
        return Mean(value, math.nan)
    deviation = math.sqrt(sum((figure - value) ** 2 for figure in figures) / (n - 1))
    return Mean(value, deviation / math.sqrt(n))
