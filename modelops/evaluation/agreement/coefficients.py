"""Coefficients of agreement over tables of counts. Pure, over many tables at once.

A table of two readers and two answers is a row of four counts: both yes, yes and no, no and yes, both no. Counts
may be weighted (an item with three readers gives three pairs). Every formula takes an array whose last axis is
the table and returns NaN where the coefficient is undefined; `Coefficient.undefined` says in words when that is.

Sources: specific agreement, Cicchetti and Feinstein 1990; Cohen 1960; Fleiss 1971; AC1, Gwet 2008; alpha,
Krippendorff 2011.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
# A denominator below this share of its own scale is what rounding left of zero.
_NOTHING = 1e-12


@dataclass(frozen=True, slots=True)
class Coefficient:
    formula: Callable[[Array], Array]
    # Why it has no value although something was counted.
    undefined: str


def ratio(top: Array, bottom: Array, scale: Array) -> Array:
    """top / bottom, NaN where the bottom is nothing beside its scale."""
    known = np.abs(bottom) > _NOTHING * np.abs(scale)
    found: Array = np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=known)
    return found


def _cells(table: Array) -> tuple[Array, Array, Array, Array]:
    return table[..., 0], table[..., 1], table[..., 2], table[..., 3]


def _positive(table: Array) -> Array:
    yes, first, second, _ = _cells(table)
    bottom = 2 * yes + first + second
    return ratio(2 * yes, bottom, table.sum(-1))


def _negative(table: Array) -> Array:
    _, first, second, no = _cells(table)
    bottom = 2 * no + first + second
    return ratio(2 * no, bottom, table.sum(-1))


def _observed(table: Array) -> Array:
    yes, _, _, no = _cells(table)
    total = table.sum(-1)
    return ratio(yes + no, total, total)


def _cohen(table: Array) -> Array:
    yes, first, second, no = _cells(table)
    total = table.sum(-1)
    chance = (yes + first) * (yes + second) + (no + second) * (no + first)
    return ratio(total * (yes + no) - chance, total**2 - chance, total**2)


def _yes_and_no(table: Array) -> tuple[Array, Array]:
    """Twice the sums of both answers over both readers."""
    yes, first, second, no = _cells(table)
    return 2 * yes + first + second, 2 * no + first + second


def _fleiss(table: Array) -> Array:
    yes, no = _yes_and_no(table)
    total = table.sum(-1)
    chance = (yes**2 + no**2) / 4
    return ratio(total * (table[..., 0] + table[..., 3]) - chance, total**2 - chance, total**2)


def _ac1(table: Array) -> Array:
    yes, no = _yes_and_no(table)
    total = table.sum(-1)
    chance = yes * no / 2
    return ratio(total * (table[..., 0] + table[..., 3]) - chance, total**2 - chance, total**2)


def alpha(coincidences: Array) -> Array:
    """Krippendorff's nominal alpha; the last two axes are the coincidences of answers.

    Each pair of answers of one unit counts in both directions, divided by the unit's answers less one.
    """
    totals = coincidences.sum(-1)
    count = totals.sum(-1)
    same = np.trace(coincidences, axis1=-2, axis2=-1)
    expected = count**2 - (totals**2).sum(-1)
    return 1 - ratio((count - 1) * (count - same), expected, count**2)


def _binary_alpha(table: Array) -> Array:
    yes, first, second, no = _cells(table)
    mixed = first + second
    rows = np.stack([np.stack([2 * yes, mixed], -1), np.stack([mixed, 2 * no], -1)], -2)
    return alpha(rows)


def overlap(sums: Array) -> Array:
    """F1 of two readers' choices: last axis (shared, first reader's, second reader's)."""
    bottom = sums[..., 1] + sums[..., 2]
    return ratio(2 * sums[..., 0], bottom, bottom)


def share(sums: Array) -> Array:
    """Last axis (of these, all)."""
    return ratio(sums[..., 0], sums[..., 1], sums[..., 1])


_ONE_ANSWER = "One answer throughout: there is no variation that chance could be taken from."

POSITIVE = Coefficient(_positive, "No reader said yes, so there is nothing to agree on.")
NEGATIVE = Coefficient(_negative, "No reader said no, so there is nothing to agree on.")
OBSERVED = Coefficient(_observed, "Nothing was judged twice.")
COHEN = Coefficient(_cohen, _ONE_ANSWER)
FLEISS = Coefficient(_fleiss, _ONE_ANSWER)
AC1 = Coefficient(_ac1, "Nothing was judged twice.")
ALPHA = Coefficient(_binary_alpha, _ONE_ANSWER)
ALPHA_OF_ANSWERS = Coefficient(alpha, _ONE_ANSWER)
OVERLAP = Coefficient(overlap, "No reader chose anything.")
SHARE = Coefficient(share, "Nothing was counted.")
