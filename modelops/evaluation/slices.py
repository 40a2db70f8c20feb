"""The same figures for parts of the charts (domain, setting, specialty, length) and of the codes (chapter, block,
frequency in training)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from modelops.evaluation.columns import Ints
from modelops.evaluation.figures import Json, counted, f1_of, mean_and_error
from modelops.evaluation.matching import CATEGORY, CODE_LEVELS, Scale, Sets

NOT_STATED = "not stated"
_LENGTHS = (1, 26, 51, 101, 201)
_FREQUENCIES = (1, 10, 100, 1000)
OUTLIER_CASES = 10
# A whisker reaches this many times the interquartile range.
_REACH = 1.5


def chart_slices(groups: Mapping[str, Ints], sets: Mapping[str, Sets]) -> list[Json]:
    """`groups` are charts' numbers by the slice's name; a chart may be in several or in none."""
    by_chart = {level: at.by_chart() for level, at in sets.items()}
    found = []
    for key, charts in groups.items():
        levels: Json = {}
        for level, counts in by_chart.items():
            hits, predicted, gold = (column[charts] for column in counts)
            levels[level] = counted(hits.sum(), predicted.sum(), gold.sum())
            mean, error = mean_and_error(f1_of(hits, predicted, gold))
            levels[level] |= {"macro_f1": mean, "macro_f1_se": error}
        _, predicted, gold = (column[charts] for column in by_chart["L3"])
        found.append(
            {
                "key": key,
                "charts": len(charts),
                "gold": int(gold.sum()),
                "predicted": int(predicted.sum()),
                "levels": levels,
            }
        )
    return found


def charts_by(names: Sequence[str]) -> dict[str, Ints]:
    """Charts by one word each, in the words' order; those without a word last."""
    found: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        found.setdefault(name or NOT_STATED, []).append(number)
    order = sorted(found, key=lambda name: (name == NOT_STATED, name))
    return {name: np.array(found[name], dtype=np.int64) for name in order}


def charts_by_domain(domains: Sequence[Iterable[str]]) -> dict[str, Ints]:
    found: dict[str, list[int]] = {}
    for number, names in enumerate(domains):
        for name in dict.fromkeys(names):
            found.setdefault(name, []).append(number)
    return {name: np.array(found[name], dtype=np.int64) for name in sorted(found)}


def charts_by_length(lengths: Ints) -> dict[str, Ints]:
    found: dict[str, Ints] = {}
    ends = [*(end - 1 for end in _LENGTHS[1:]), None]
    for low, high in zip(_LENGTHS, ends, strict=True):
        here = (lengths >= low) & (True if high is None else lengths <= high)
        found[f"{low}+" if high is None else f"{low}-{high}"] = np.flatnonzero(here)
    found[NOT_STATED] = np.flatnonzero(lengths < _LENGTHS[0])
    return {name: charts for name, charts in found.items() if len(charts)}


def code_slices(
    scale: Scale, sets: Mapping[str, Sets], groups_of: Sequence[Mapping[str, str]], titles: Mapping[str, str]
) -> list[Json]:
    """`groups_of` names each category's group, once for all charts or once a release of `scale.releases`; categories
    without one are left out."""
    groups = sorted({name for group_of in groups_of for name in group_of.values()})
    numbers = {name: number for number, name in enumerate(groups)}
    found: list[Json] = [
        {"key": name, "title": titles.get(name, ""), "gold": 0, "predicted": 0, "levels": {}}
        for name in groups
    ]
    for level in CODE_LEVELS:
        names, category_of = scale.categories(level)
        # One group more than there are: the codes left out.
        group = np.array(
            [[numbers.get(group_of.get(name, ""), len(groups)) for name in names] for group_of in groups_of],
            dtype=np.int64,
        )
        hits, predicted, gold = sets[level].by_group(group[:, category_of], len(groups) + 1, scale.releases)
        for number, row in enumerate(found):
            row["levels"][level] = counted(hits[number], predicted[number], gold[number])
            if level == "L3":
                row |= {"gold": int(gold[number]), "predicted": int(predicted[number])}
    return [row for row in found if row["gold"] or row["predicted"]]


class Training:
    """How often each category was in training."""

    def __init__(self, cases: Mapping[str, int]) -> None:
        self.cases: dict[str, int] = {}
        for code, count in cases.items():
            category = code.replace(".", "").strip().upper()[:CATEGORY]
            self.cases[category] = self.cases.get(category, 0) + count

    def seen(self, categories: Iterable[str]) -> dict[str, str]:
        return {name: "seen" if self.cases.get(name) else "unseen" for name in categories}

    def frequency(self, categories: Iterable[str]) -> dict[str, str]:
        return {name: _frequency(self.cases.get(name, 0)) for name in categories}


def _frequency(cases: int) -> str:
    if not cases:
        return "0"
    for low, beyond in pairwise(_FREQUENCIES):
        if cases < beyond:
            return f"{low}-{beyond - 1}"
    return f"{_FREQUENCIES[-1]}+"


def frequency_order(row: Json) -> int:
    return int(str(row["key"]).rstrip("+").split("-")[0])


def category_figures(scale: Scale, sets: Sets) -> list[Json]:
    """Each category with a gold case at this level: its cases and the micro F1 over its codes."""
    names, category_of = scale.categories(sets.level)
    hits, predicted, gold = sets.by_group(category_of, len(names), scale.releases)
    f1 = f1_of(hits, predicted, gold)
    order = sorted(np.flatnonzero(gold > 0), key=lambda number: names[number])
    return [
        {"category": names[number], "cases": int(gold[number]), "f1": float(f1[number])} for number in order
    ]


def outliers(scale: Scale, sets: Sets) -> Json:
    """Categories with ten cases and more whose F1 lies beyond the whiskers of the box plot."""
    categories = [row for row in category_figures(scale, sets) if row["cases"] >= OUTLIER_CASES]
    found: Json = {"categories": categories}
    if not categories:
        return (
            found
            | dict.fromkeys(("q1", "median", "q3", "low_fence", "high_fence"))
            | {"below": [], "above": []}
        )
    q1, median, q3 = (float(q) for q in np.percentile([row["f1"] for row in categories], [25, 50, 75]))
    low, high = q1 - _REACH * (q3 - q1), q3 + _REACH * (q3 - q1)
    return found | {
        "q1": q1,
        "median": median,
        "q3": q3,
        "low_fence": low,
        "high_fence": high,
        "below": [row["category"] for row in categories if row["f1"] < low],
        "above": [row["category"] for row in categories if row["f1"] > high],
    }
