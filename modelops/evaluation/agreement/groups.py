"""The figures of one group of pairs: all of them, one pair, one domain or one chapter. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelops.evaluation.agreement import coefficients
from modelops.evaluation.agreement.coefficients import Array
from modelops.evaluation.agreement.pairs import NOT_ADDED, VERDICTS, Flags, Ints, PairTable
from modelops.evaluation.agreement.resampling import Counted, Resamples, undefined

_NO_LABEL = "No shown label was decided by two readers."
_NO_CHART = "No chart was read by two readers, or no code was seen in the project."
_NO_ADDITION = "No reader added a code."
_NO_COMMON_ADDITION = "No code was added by two readers of one chart."
_NO_LINES = "The number of lines of the charts is not known."
_NO_APPROVED = "No shown label was approved by two readers."
MANY_PAIRS = "Cohen's kappa compares two readers and there are more: see each pair, or Fleiss' kappa."
_WRONG_EVIDENCE = VERDICTS.index("approve_evidence_wrong")
_UNDECIDABLE = VERDICTS.index("undecidable")


@dataclass(frozen=True, slots=True)
class Group:
    """A choice of rows and codes of one table."""

    table: PairTable
    resamples: Resamples
    rows: Flags
    # Releases down, codes across: a code may lie in a chapter in one edition and in another in the next.
    codes: Flags
    # One pair alone: its readers are two, whoever else read the chart. None: all pairs.
    pair: int | None = None

    @classmethod
    def everything(cls, table: PairTable, resamples: Resamples) -> Group:
        rows = np.ones(len(table.code), dtype=np.bool_)
        # No row where no chart was read twice: then there is no release to ask for a code's chapter, and no universe.
        codes = np.ones((1 + max(table.chart_release, default=-1), len(table.codes)), dtype=np.bool_)
        return cls(table, resamples, rows, codes)

    def of_pair(self, pair: int) -> Group:
        return Group(self.table, self.resamples, self.table.pair == pair, self.codes, pair)

    def of_codes(self, codes: Flags) -> Group:
        rows = codes[self.table.release, self.table.code]
        return Group(self.table, self.resamples, rows, codes, self.pair)

    def figures(self) -> dict[str, Any]:
        return {
            "labels": self._labels(),
            "codes": self._codes(),
            "additions": self._additions(),
            "evidence": self._evidence(),
        }

    @property
    def two_readers(self) -> bool:
        return self.pair is not None or len(self.table.names) == 1

    def charts(self) -> Array:
        """Charts by patient."""
        return self._by_chart(np.ones(len(self.table.chart_patient)))

    def _by_chart(self, worth: Array) -> Array:
        """What each patient's charts are worth together, of those that the pair read."""
        if self.pair is not None:
            worth = worth * np.array([self.pair in pairs for pairs in self.table.chart_pairs], dtype=np.bool_)
        found = np.bincount(self.table.chart_patient, worth, minlength=self.table.patients)
        return found.astype(np.float64)

    def _labels(self) -> dict[str, Any]:
        """Shown labels that both readers approved or rejected; what could not be decided is counted apart."""
        table, (first, second) = self.table, self.table.answers
        shown = self.rows & table.label
        decided = shown & (first >= 0) & (second >= 0)
        n = int(decided.sum())
        readers = self._readers(table.decided)
        plain = self._counted(self._answers(decided, np.ones(len(first))), n, _NO_LABEL)
        by_item = self._counted(self._answers(decided, 1 / _pairs(readers)), n, _NO_LABEL)
        by_value = self._counted(self._answers(decided, 1 / np.maximum(readers - 1, 1)), n, _NO_LABEL)
        worded = shown & (table.first < len(VERDICTS)) & (table.second < len(VERDICTS))
        doubt = (table.first == _UNDECIDABLE) | (table.second == _UNDECIDABLE)
        doubtful = self._counted(self._sums([worded & doubt, worded]), int(worded.sum()), _NO_LABEL)
        return {
            "pairs": n,
            "undecidable": doubtful.figure(coefficients.SHARE),
            "observed_agreement": plain.figure(coefficients.OBSERVED),
            "positive_agreement": plain.figure(coefficients.POSITIVE),
            "negative_agreement": plain.figure(coefficients.NEGATIVE),
            "ac1": by_item.figure(coefficients.AC1),
            "cohen_kappa": self._cohen(plain, n),
            "fleiss_kappa": by_item.figure(coefficients.FLEISS),
            "alpha": by_value.figure(coefficients.ALPHA),
            "alpha_of_verdicts": self._alpha_of_verdicts(worded),
        }

    def _alpha_of_verdicts(self, worded: Flags) -> dict[str, Any]:
        """All five verdicts as answers of their own, would query among them."""
        table, kinds = self.table, len(VERDICTS)
        weights = 1 / np.maximum(self._readers(table.spoken) - 1, 1)
        cells = table.first * kinds + table.second
        counts = self._by_patient(cells, worded, kinds * kinds, weights).reshape(-1, kinds, kinds)
        both_ways = counts + counts.transpose(0, 2, 1)
        counted = self._counted(both_ways, int(worded.sum()), _NO_LABEL)
        return counted.figure(coefficients.ALPHA_OF_ANSWERS)

    def _codes(self) -> dict[str, Any]:
        """Every code seen in the project on every chart read twice: given (approved or added), or not. `codes` counts
        those that lie in the group in the release of some chart read twice: without such a chart none does."""
        count = int(self.codes.any(axis=0).sum())
        charts = int(self.charts().sum())
        cells = int(self._by_chart(self._codes_of_charts()).sum())
        plain = self._counted(self._universe(pairs=True), cells, _NO_CHART)
        by_item = self._counted(self._universe(pairs=False), cells, _NO_CHART)
        return {
            "codes": count,
            "charts": charts,
            "positive_agreement": plain.figure(coefficients.POSITIVE),
            "cohen_kappa": self._cohen(plain, cells),
            "fleiss_kappa": by_item.figure(coefficients.FLEISS),
        }

    def _universe(self, *, pairs: bool) -> Array:
        """Cells of codes and charts by patient: each pair of readings counted, or each cell once."""
        table, (first, second) = self.table, self.table.answers
        decided = self.rows & (first >= 0) & (second >= 0)
        weights = np.ones(len(first)) if pairs else 1 / _pairs(self._readers(table.decided))
        counts = self._answers(decided, weights)
        # What no reader has a word on: both say no. Cells with a doubtful answer are in neither.
        worth = np.ones(len(first)) if pairs else 1 / _pairs(self._readers(table.readers))
        listed = np.bincount(table.patient[self.rows], worth[self.rows], minlength=table.patients)
        cells = self._codes_of_charts()
        if pairs and self.pair is None:
            # Each chart as often as it has pairs of readings.
            cells = cells * np.array([len(of_chart) for of_chart in self.table.chart_pairs])
        counts[:, 3] += self._by_chart(cells) - listed
        return counts

    def _codes_of_charts(self) -> Array:
        """Of each chart how many codes of the group its release has there."""
        sizes: Array = self.codes.sum(axis=1).astype(np.float64)
        return sizes[self.table.chart_release]

    def _additions(self) -> dict[str, Any]:
        table = self.table
        added = self.rows & ~table.label
        first, second = table.first != NOT_ADDED, table.second != NOT_ADDED
        n = int(added.sum())
        shared = self._sums([added & first & second, added & first, added & second])
        return {"pairs": n, "f1": self._counted(shared, n, _NO_ADDITION).figure(coefficients.OVERLAP)}

    def _evidence(self) -> dict[str, Any]:
        """Lines cited for codes that both added, each by himself; for shown labels, whether the lines are right."""
        table = self.table
        both = self.rows & ~table.label & (table.first != NOT_ADDED) & (table.second != NOT_ADDED)
        n = int(both.sum())
        shared, first, second, length = (np.where(both, column, 0) for column in table.lines.T)
        lines = self._counted(self._columns([shared, first, second]), n, _NO_COMMON_ADDITION)
        neither = length - (first + second - shared)
        by_line = self._counted(
            self._columns([shared, first - shared, second - shared, neither]), n, _NO_COMMON_ADDITION
        )
        unknown = bool(n) and bool((table.lines[both, 3] < 0).any())
        answers = table.answers
        approved = self.rows & table.label & (answers[0] == 1) & (answers[1] == 1)
        right = table.first != _WRONG_EVIDENCE, table.second != _WRONG_EVIDENCE
        cells = 3 - 2 * right[0].astype(np.int64) - right[1].astype(np.int64)
        count = int(approved.sum())
        shown = self._counted(self._by_patient(cells, approved, 4, np.ones(len(cells))), count, _NO_APPROVED)
        return {
            "pairs": n,
            "line_f1": lines.figure(coefficients.OVERLAP),
            "alpha_of_lines": (
                undefined(_NO_LINES, n).as_json() if unknown else by_line.figure(coefficients.ALPHA)
            ),
            "shown_pairs": count,
            "shown_right_agreement": shown.figure(coefficients.POSITIVE),
            "shown_wrong_agreement": shown.figure(coefficients.NEGATIVE),
        }

    def _cohen(self, counted: Counted, n: int) -> dict[str, Any]:
        if n and not self.two_readers:
            return undefined(MANY_PAIRS, n).as_json()
        return counted.figure(coefficients.COHEN)

    def _counted(self, by_patient: Array, n: int, empty: str) -> Counted:
        return self.resamples.counted(by_patient, n, empty)

    def _readers(self, counted: Ints) -> Ints:
        return counted if self.pair is None else np.minimum(counted, 2)

    def _answers(self, chosen: Flags, weights: Array) -> Array:
        first, second = self.table.answers
        return self._by_patient(3 - 2 * first - second, chosen, 4, weights)

    def _by_patient(self, cells: Ints, chosen: Flags, kinds: int, weights: Array) -> Array:
        """Patients down, kinds of cell across."""
        flat = self.table.patient[chosen] * kinds + cells[chosen]
        counts = np.bincount(flat, weights[chosen], minlength=self.table.patients * kinds)
        return counts.astype(np.float64).reshape(self.table.patients, kinds)

    def _columns(self, columns: Sequence[Ints]) -> Array:
        sums = [np.bincount(self.table.patient, one, minlength=self.table.patients) for one in columns]
        return np.stack(sums, -1).astype(np.float64)

    def _sums(self, flags: Sequence[Flags]) -> Array:
        return self._columns([one.astype(np.int64) for one in flags])


def _pairs(readers: Ints) -> Array:
    """Pairs among so many readers; 1 where there is none, whose rows count nowhere."""
    return np.maximum(readers * (readers - 1) / 2, 1.0)
