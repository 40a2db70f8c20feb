"""Which predicted codes meet which gold codes, level by level, over all charts at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelops.evaluation.charts import DIAGNOSES
from modelops.evaluation.columns import Flags, Gold, Ints, Numbered, Predictions, Rows, Words
from modelops.evaluation.keys import among, distinct, places_of
from modelops.evaluation.levels import MAX_LINES_CITED
from modelops.evaluation.releases import Releases

CODE_LEVELS = ("L0", "L1", "L2", "L3", "L4", "L4_identical")
GROUP_LEVELS = ("chapter", "block")
# Levels at which the code stands whole, so that a row is a member of the set.
EXACT = frozenset({"L3", "L4", "L4_identical"})
_CUT = {"L0": 3, "L1": 4, "L2": 5}
CATEGORY = 3


class Scale:
    """What each code of the vocabulary is at each level, and the category of what it is there.

    `of` has one line for all charts, at chapter and block one a release.
    """

    def __init__(self, words: Words, releases: Releases) -> None:
        self.releases = releases
        keys = [key if system == DIAGNOSES else "" for system, key in words.codes.names]
        self.size = len(keys)
        self.levels = ((*GROUP_LEVELS,) if releases.placed else ()) + CODE_LEVELS
        self.names: dict[str, list[str]] = {}
        self.of: dict[str, Ints] = {}
        for level, cut in _CUT.items():
            self._add(level, [key[:cut] for key in keys])
        for at, level in enumerate(GROUP_LEVELS if releases.placed else ()):
            numbered = Numbered()
            lines = []
            for places in (edition.places for edition in releases.editions):
                # A category that the release does not have stands alone: it must not meet another such category.
                names = [places[c][at] if (c := key[:CATEGORY]) in places else c for key in keys]
                lines.append([numbered(name) for name in names])
            self.of[level] = np.array(lines, dtype=np.int64)
            self.names[level] = numbered.names
        for level in EXACT:
            self.names[level], self.of[level] = keys, np.arange(len(keys), dtype=np.int64)
        self.length = np.array([len(key) for key in keys], dtype=np.int64)

    def _add(self, level: str, names: list[str]) -> None:
        numbered = Numbered()
        self.of[level] = np.array([numbered(name) for name in names], dtype=np.int64)
        self.names[level] = numbered.names

    def categories(self, level: str) -> tuple[list[str], Ints]:
        """The categories' names, and for each code of a code level the number of its category."""
        numbered = Numbered()
        of = np.array([numbered(name[:CATEGORY]) for name in self.names[level]], dtype=np.int64)
        return numbered.names, of


@dataclass(frozen=True, slots=True)
class Sets:
    """The sets of all charts at one level: each (chart, code) once on either side, and whether it is met.

    `code` is a number of the level, below `width`.
    """

    level: str
    charts: int
    width: int
    predicted_chart: Ints
    predicted_code: Ints
    predicted_met: Flags
    gold_chart: Ints
    gold_code: Ints
    gold_met: Flags

    def by_chart(self) -> tuple[Ints, Ints, Ints]:
        """Hits, predicted and gold of every chart."""
        return (
            np.bincount(self.gold_chart[self.gold_met], minlength=self.charts),
            np.bincount(self.predicted_chart, minlength=self.charts),
            np.bincount(self.gold_chart, minlength=self.charts),
        )

    def by_code(self) -> tuple[Ints, Ints, Ints]:
        """Hits, predicted and gold of every code of the level."""
        return self._counts(self.predicted_code, self.gold_code, self.width)

    def by_group(self, group: Ints, groups: int, releases: Releases) -> tuple[Ints, Ints, Ints]:
        """The same of the groups that its codes belong to; `group` as Releases.look_up takes it."""
        return self._counts(
            releases.look_up(group, self.predicted_chart, self.predicted_code),
            releases.look_up(group, self.gold_chart, self.gold_code),
            groups,
        )

    def _counts(self, predicted: Ints, gold: Ints, size: int) -> tuple[Ints, Ints, Ints]:
        return (
            np.bincount(gold[self.gold_met], minlength=size),
            np.bincount(predicted, minlength=size),
            np.bincount(gold, minlength=size),
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows that take part."""

    predicted: Flags
    gold: Flags


class Match:
    """One model's diagnoses laid against the gold set's: `partner` is each predicted row's gold row, -1 for none."""

    def __init__(self, gold: Gold, predictions: Predictions, scale: Scale) -> None:
        self.charts = len(gold.charts)
        self.scale = scale
        self.gold: Rows = gold.diagnoses
        self.predicted: Rows = predictions.diagnoses
        width = scale.size
        mine = self.predicted.chart * width + self.predicted.code
        theirs = self.gold.chart * width + self.gold.code
        self.partner = places_of(mine, theirs)
        self.optional: Flags = among(mine, gold.optional_chart * width + gold.optional_code)
        self.cited = self.predicted.lines_cited
        self.gold_cited = self.gold.lines_cited
        self.shared = self._shared_lines()
        few = (self.cited <= MAX_LINES_CITED) & (self.shared > 0)
        same = (self.shared == self.cited) & (self.shared == self._gold_of_partner(self.gold_cited))
        self._condition: dict[str, Flags] = {
            "L3": np.ones(len(self.predicted), dtype=np.bool_),
            "L4": few,
            "L4_identical": few & same,
        }

    def _gold_of_partner(self, column: Ints) -> Ints:
        found = np.full(len(self.predicted), -1, dtype=np.int64)
        with_partner = self.partner >= 0
        found[with_partner] = column[self.partner[with_partner]]
        return found

    def _shared_lines(self) -> Ints:
        """How many lines each predicted row shares with its gold row."""
        if not len(self.predicted.line) or not len(self.gold.line):
            return np.zeros(len(self.predicted), dtype=np.int64)
        lines = distinct(np.concatenate([self.predicted.line, self.gold.line]))
        mine, theirs = np.searchsorted(lines, self.predicted.line), np.searchsorted(lines, self.gold.line)
        partner = self.partner[self.predicted.line_row]
        key = partner * len(lines) + mine
        shared = (partner >= 0) & among(key, self.gold.line_row * len(lines) + theirs)
        return np.bincount(self.predicted.line_row[shared], minlength=len(self.predicted)).astype(np.int64)

    def select(
        self, *, codes: Flags | None = None, gold: Flags | None = None, optional_counts: bool = False
    ) -> Selection:
        """`codes` of the vocabulary that take part (default all; a line a release), `gold` rows that do (default all).

        Optional codes leave the predictions, unless they are gold among the rows that take part.
        """
        mine = np.ones(len(self.predicted), dtype=np.bool_)
        theirs = np.ones(len(self.gold), dtype=np.bool_) if gold is None else gold.copy()
        if codes is not None:
            held, of = codes.astype(np.int64), self.scale.releases
            mine &= of.look_up(held, self.predicted.chart, self.predicted.code) > 0
            theirs &= of.look_up(held, self.gold.chart, self.gold.code) > 0
        if not optional_counts:
            mine &= ~self.optional | self._in(theirs)
        return Selection(mine, theirs)

    def _in(self, gold: Flags) -> Flags:
        found = np.zeros(len(self.predicted), dtype=np.bool_)
        with_partner = self.partner >= 0
        found[with_partner] = gold[self.partner[with_partner]]
        return found

    def met(self, level: str, selection: Selection) -> Flags:
        """Which predicted rows are met at a level of whole codes."""
        return selection.predicted & self._in(selection.gold) & self._condition[level]

    def sets(self, level: str, selection: Selection) -> Sets:
        names, of = self.scale.names[level], self.scale.of[level]
        width = max(1, len(names))
        if level in EXACT:
            met = self.met(level, selection)
            gold_met = np.zeros(len(self.gold), dtype=np.bool_)
            gold_met[self.partner[met]] = True
            mine, theirs = selection.predicted, selection.gold
            return Sets(
                level,
                self.charts,
                width,
                self.predicted.chart[mine],
                self.predicted.code[mine],
                met[mine],
                self.gold.chart[theirs],
                self.gold.code[theirs],
                gold_met[theirs],
            )
        mine_keys = self._members(self.predicted, selection.predicted, of, width)
        their_keys = self._members(self.gold, selection.gold, of, width)
        return Sets(
            level,
            self.charts,
            width,
            mine_keys // width,
            mine_keys % width,
            places_of(mine_keys, their_keys) >= 0,
            their_keys // width,
            their_keys % width,
            places_of(their_keys, mine_keys) >= 0,
        )

    def _members(self, rows: Rows, taking_part: Flags, of: Ints, width: int) -> Ints:
        chart, code = rows.chart[taking_part], rows.code[taking_part]
        return distinct(chart * width + self.scale.releases.look_up(of, chart, code))
