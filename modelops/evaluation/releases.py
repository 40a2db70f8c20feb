"""Each chart by its own release: a chapter, a block and a domain are what they were on the chart's day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.keys import code_key
from modelops.evaluation.charts import Edition, Options
from modelops.evaluation.columns import Flags, Ints


@dataclass(frozen=True, slots=True)
class Releases:
    """`editions`: the options' own first, then those of the charts' days; `of_chart` numbers them chart by chart."""

    editions: tuple[Edition, ...]
    of_chart: Ints

    @property
    def placed(self) -> bool:
        """Whether any of them says where a category lies."""
        return any(edition.places for edition in self.editions)

    def table(self, row: Callable[[Edition], Sequence[int]]) -> Ints:
        """Editions down, codes of the vocabulary across."""
        return np.array([row(edition) for edition in self.editions], dtype=np.int64)

    def look_up(self, table: Ints, chart: Ints, code: Ints) -> Ints:
        """What each row's code is in the release of the row's chart. A table of one line holds for all charts."""
        if table.ndim == 1:
            return table[code]
        return table[0][code] if len(table) == 1 else table[self.of_chart[chart], code]

    def members(self, keys: Sequence[str], codes_of: Callable[[Edition], Iterable[str]]) -> Flags:
        """Editions down, codes across: whether the edition's `codes_of` hold the code."""
        found = []
        for edition in self.editions:
            wanted = {code_key(code) for code in codes_of(edition)}
            found.append([key in wanted for key in keys] or [False])
        return np.array(found, dtype=np.bool_)

    def as_json(self) -> list[dict[str, Any]]:
        """How many charts go by each release. The first stands in for charts of no day, and of days without one."""
        counts = np.bincount(self.of_chart, minlength=len(self.editions)).tolist()
        return [
            {"release": edition.release, "charts": count, "stands_in": number == 0}
            for number, (edition, count) in enumerate(zip(self.editions, counts, strict=True))
        ]


def releases_of(options: Options, days: Sequence[str]) -> Releases:
    own = Edition(options.release, options.places, options.domains)
    editions: list[Edition] = [own]
    # By identity: an edition is large, and the same object for all its days.
    numbers: dict[int, int] = {id(own): 0}
    of_day: dict[str, int] = {}
    for day in dict.fromkeys(days):
        edition = options.editions.get(day, own)
        number = numbers.setdefault(id(edition), len(editions))
        if number == len(editions):
            editions.append(edition)
        of_day[day] = number
    return Releases(tuple(editions), np.array([of_day[day] for day in days], dtype=np.int64))
