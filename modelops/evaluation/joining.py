"""Parts of one file, packed apart, become what the whole file packed at once would be. Pure.

Each part numbers its words in the order in which it met them. Joined in the order of the file, the same words get
the same numbers as in one pass, so every figure is the same to the last bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import numpy as np

from modelops.evaluation.columns import LINES_OF_A_DOCUMENT, Gold, Ints, Numbered, Predictions, Rows, Words


def join_gold(parts: Sequence[Gold]) -> Gold:
    """No chart may be in two parts."""
    words, charts, patients = Words(), Numbered(), Numbered()
    starts = accumulate((len(part.charts) for part in parts[:-1]), initial=0)
    placed = [(part, _Renumbered(words, part.words), at) for part, at in zip(parts, starts, strict=True)]
    for part in parts:
        for name in part.charts.names:
            charts(name)
    return Gold(
        words=words,
        charts=charts,
        patients=patients,
        patient=_joined([_renumber(patients, part.patients, part.patient) for part in parts]),
        setting=[name for part in parts for name in part.setting],
        specialty=[name for part in parts for name in part.specialty],
        length=_joined([part.length for part in parts]),
        day=[name for part in parts for name in part.day],
        domains=[names for part in parts for names in part.domains],
        diagnoses=_rows([to.diagnoses(part.diagnoses, at) for part, to, at in placed]),
        procedures=_rows([to.procedures(part.procedures, at) for part, to, at in placed]),
        optional_chart=_joined([part.optional_chart + at for part, _, at in placed]),
        optional_code=_joined([to.code[part.optional_code] for part, to, _ in placed]),
        trap_chart=_joined([part.trap_chart + at for part, _, at in placed]),
        trap_code=_joined([to.code[part.trap_code] for part, to, _ in placed]),
        trap_kind=[kind for part in parts for kind in part.trap_kind],
        rejected=sum(part.rejected for part in parts),
        other_systems=sum(part.other_systems for part in parts),
    )


def join_predictions(gold: Gold, parts: Sequence[tuple[Predictions, Words]]) -> Predictions:
    """Of each part its predictions, whose charts are numbered as in `gold`, and the words they are numbered by.

    `gold` learns their words. No chart may be in two parts.
    """
    found = [(predictions, _Renumbered(gold.words, words)) for predictions, words in parts]
    total = np.zeros(len(gold.charts), dtype=np.int64)
    reasons: Counter[str] = Counter()
    for one, _ in found:
        reasons.update(one.reasons)
    return Predictions(
        diagnoses=_rows([to.diagnoses(one.diagnoses, 0) for one, to in found]),
        procedures=_rows([to.procedures(one.procedures, 0) for one, to in found]),
        status=sum((one.status for one, _ in found), total),
        codes_put_out=sum(one.codes_put_out for one, _ in found),
        left_aside=sum((one.left_aside for one, _ in found), total),
        reasons=reasons,
        without_gold=sum(one.without_gold for one, _ in found),
    )


class _Renumbered:
    """The words of a part, each with its number in the whole."""

    def __init__(self, whole: Words, part: Words) -> None:
        self.code = _numbers(whole.codes, part.codes)
        self._detail = _numbers(whole.details, part.details)
        self._document = _numbers(whole.documents, part.documents)
        self._poa = _numbers(whole.indicators, part.indicators)
        self._band = _numbers(whole.bands, part.bands)

    def procedures(self, rows: Rows, charts_before: int) -> Rows:
        return replace(self.diagnoses(rows, charts_before), detail=self._detail[rows.detail])

    def diagnoses(self, rows: Rows, charts_before: int) -> Rows:
        """They have no modifiers and units: their `detail` is 0 and names no word."""
        return replace(
            rows,
            chart=rows.chart + charts_before,
            code=self.code[rows.code],
            poa=self._poa[rows.poa],
            band=self._band[rows.band],
            line=self._document[rows.line // LINES_OF_A_DOCUMENT] * LINES_OF_A_DOCUMENT
            + rows.line % LINES_OF_A_DOCUMENT,
        )


def _numbers(whole: Callable[[Any], int], part: Numbered) -> Ints:
    return np.array([whole(name) for name in part.names], dtype=np.int64)


def _renumber(whole: Numbered, part: Numbered, column: Ints) -> Ints:
    """-1 stays what it is."""
    return np.append(_numbers(whole, part), -1)[column]


def _joined(columns: Sequence[Ints]) -> Ints:
    return np.concatenate(columns) if columns else np.zeros(0, dtype=np.int64)


def _rows(parts: Sequence[Rows]) -> Rows:
    before = accumulate((len(part) for part in parts[:-1]), initial=0)
    moved = [replace(part, line_row=part.line_row + at) for part, at in zip(parts, before, strict=True)]
    return Rows(**{name: np.concatenate([getattr(part, name) for part in moved]) for name in Rows.__slots__})
