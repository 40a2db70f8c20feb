"""Kappa of each code over the charts read twice. Pure.

Codes are many and each has words on few charts, so the resamples are summed over a code's own rows only; all
other charts are the ones where both readers say no.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from modelops.evaluation.agreement import coefficients
from modelops.evaluation.agreement.coefficients import Array, Coefficient
from modelops.evaluation.agreement.groups import MANY_PAIRS, Group
from modelops.evaluation.agreement.resampling import undefined

_NO_CHART = "No chart was read by two readers."


def codes_of(group: Group) -> list[dict[str, Any]]:
    """Codes with a word in the group, in the order of their keys."""
    table, resamples = group.table, group.resamples
    first, second = table.answers
    charts = group.charts()
    n, patients = int(charts.sum()), int((charts > 0).sum())
    drawn_charts = resamples.weights @ charts
    chosen = np.flatnonzero(group.rows)
    if not len(chosen):
        return []
    order = chosen[np.argsort(table.code[chosen], kind="stable")]
    numbers, starts = np.unique(table.code[order], return_index=True)
    found = []
    for number, rows in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        decided = (first[rows] >= 0) & (second[rows] >= 0)
        readers = table.decided[rows] if group.pair is None else np.full(len(rows), 2)
        worth = np.where(decided, 1 / np.maximum(readers * (readers - 1) / 2, 1), 0.0)
        all_readers = table.readers[rows] if group.pair is None else np.full(len(rows), 2)
        # One column a kind of cell, then the share of a chart that the row stands for.
        columns = np.zeros((len(rows), 5))
        columns[np.arange(len(rows)), np.where(decided, 3 - 2 * first[rows] - second[rows], 0)] = worth
        columns[:, 4] = 1 / np.maximum(all_readers * (all_readers - 1) / 2, 1)
        point = _with_the_rest(columns.sum(0), np.float64(n))
        draws = _with_the_rest(resamples.weights[:, table.patient[rows]] @ columns, drawn_charts)
        system, code = table.codes[number]
        found.append(
            {
                "system": system,
                "code": code,
                "given_by_both": int((decided & (first[rows] == 1) & (second[rows] == 1)).sum()),
                "given_by_one": int((decided & (first[rows] != second[rows])).sum()),
                "cohen_kappa": _figure(group, point, draws, n, coefficients.COHEN, patients),
                "fleiss_kappa": _figure(group, point, draws, n, coefficients.FLEISS, patients),
            }
        )
    return found


def _with_the_rest(sums: Array, charts: Array | np.float64) -> Array:
    """The four cells, with all charts that have no word on the code as both saying no."""
    table = sums[..., :4].copy()
    table[..., 3] += charts - sums[..., 4]
    return table


def _figure(
    group: Group, point: Array, draws: Array, n: int, coefficient: Coefficient, patients: int
) -> dict[str, Any]:
    if not n:
        return undefined(_NO_CHART).as_json()
    if coefficient is coefficients.COHEN and not group.two_readers:
        return undefined(MANY_PAIRS, n).as_json()
    value = float(coefficient.formula(point[np.newaxis])[0])
    return group.resamples.judged(value, coefficient.formula(draws), n, coefficient, patients).as_json()
