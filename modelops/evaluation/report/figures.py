"""Figures 1 to 6 of the report: what is drawn, with the table of each.

The paper's numbering is kept where it is known (3b outlier categories, 5 frequency in training); the other numbers
follow the order of its results: what was evaluated, levels, categories, domains, procedures.
"""

from __future__ import annotations

from typing import Any

from modelops.evaluation.report.paper import published
from modelops.evaluation.report.parts import (
    NOT_GIVEN,
    PUBLISHED,
    Bars,
    Chart,
    Metrics,
    Points,
    Section,
    Series,
    Table,
    at,
    count,
    figure,
    number,
    share,
    within,
)

LEVELS: dict[str, str] = {
    "chapter": "Chapter",
    "block": "Block",
    "L0": "L0 category",
    "L1": "L1 four characters",
    "L2": "L2 five characters",
    "L3": "L3 exact code",
    "L4": "L4 exact, with evidence",
    "L4_identical": "L4 with identical lines",
}
DOMAINS = {"advanced_illness": "Advanced illness", "frailty": "Frailty", "sdoh": "Social determinants"}
_SHORT = {"chapter": "Chapter", "block": "Block", "L4_identical": "L4 same\nlines"}
_OUTLIERS_SHOWN = 25


def figures(metrics: Metrics) -> tuple[Section, ...]:
    return (
        _evaluated(metrics),
        _by_level(metrics),
        _categories(metrics),
        _outliers(metrics),
        _by_domain(metrics),
        _by_frequency(metrics),
        _each_category(metrics),
        _procedures(metrics),
    )


def levels_of(metrics: Metrics) -> list[str]:
    present = at(metrics, "levels") or {}
    return [level for level in LEVELS if level in present]


def _evaluated(metrics: Metrics) -> Section:
    charts = at(metrics, "charts") or {}
    steps = (
        ("Codes in the gold set", charts.get("gold_codes")),
        ("Codes predicted", charts.get("predicted_codes")),
        ("Right category (L0)", at(metrics, "levels.L0.micro.hits")),
        ("Exact code (L3)", at(metrics, "levels.L3.micro.hits")),
        ("Exact, with evidence (L4)", at(metrics, "levels.L4.micro.hits")),
    )
    rows = [
        ("Charts", count(charts.get("total"))),
        ("Patients", count(charts.get("patients"))),
        ("Charts without a valid prediction", count(at(metrics, "response.without_valid_prediction"))),
        *((label, count(value)) for label, value in steps),
        ("Gold codes per chart", number(charts.get("codes_per_chart"), 2)),
        ("Predicted codes per chart", number(charts.get("predicted_per_chart"), 2)),
        ("Optional codes left out", count(charts.get("optional_left_out"))),
        ("Labels rejected by the experts", count(charts.get("rejected_labels"))),
    ]
    return Section(
        "figure-1",
        "Figure 1",
        "What was evaluated",
        "From the charts to the codes that count: how many were judged, predicted and met.",
        Table(("What", "Count"), tuple(rows)),
        Bars(
            tuple(label for label, _ in steps),
            (Series("codes", tuple(figure(value) for _, value in steps)),),
            "codes",
            horizontal=True,
            top=None,
        ),
    )


def _by_level(metrics: Metrics) -> Section:
    levels = levels_of(metrics)
    micro = {level: at(metrics, f"levels.{level}.micro") or {} for level in levels}
    parts = (("Precision", "precision"), ("Recall", "recall"), ("F1", "f1"))
    rows = tuple(
        (
            LEVELS[level],
            *(within(micro[level].get(key), at(micro[level], f"interval.{key}")) for _, key in parts),
            share(at(metrics, f"levels.{level}.can_differ")),
            published(f"levels.{level}.micro.f1"),
        )
        for level in levels
    )
    series = tuple(
        Series(
            name,
            tuple(figure(micro[level].get(key)) for level in levels),
            tuple(_pair(at(micro[level], f"interval.{key}")) for level in levels),
        )
        for name, key in parts
    )
    return Section(
        "figure-2",
        "Figure 2",
        "Precision, recall and F1 by level",
        "Micro figures over all codes, from the chapter to the exact code with a shared evidence line.",
        Table(
            ("Level", "Precision (95%)", "Recall (95%)", "F1 (95%)", "Can differ", f"F1, {PUBLISHED}"),
            rows,
            5,
        ),
        Bars(tuple(_SHORT.get(level, level) for level in levels), series, "share"),
        (
            "Can differ: share of gold codes that can be right at the level before and wrong at this one. Where it is "
            "small, two levels nearly coincide.",
            f"The paper's zero-shot baseline before training: exact F1 {published('baseline.L3.f1')} (other data).",
        ),
    )


def _pair(interval: Any) -> tuple[float, float] | None:
    if not isinstance(interval, list | tuple) or len(interval) != 2:
        return None
    low, high = figure(interval[0]), figure(interval[1])
    return None if low is None or high is None else (low, high)


def _categories(metrics: Metrics) -> Section:
    found = at(metrics, "outliers.L3.categories") or []
    head = (
        "figure-3a",
        "Figure 3a",
        "How F1 is spread over categories",
        "Exact F1 of each three-character category with at least ten gold cases, counted in tenths.",
    )
    values = [value for value in (figure(row.get("f1")) for row in found) if value is not None]
    if not values:
        return Section(*head, absent="no category has ten gold cases.")
    bins = [0] * 10
    for value in values:
        bins[min(9, int(value * 10))] += 1
    labels = tuple(f"{i / 10:.1f}–{(i + 1) / 10:.1f}" for i in range(10))
    quartiles = at(metrics, "outliers.L3") or {}
    return Section(
        *head,
        Table(
            ("F1", "Categories", PUBLISHED),
            tuple((label, count(n), NOT_GIVEN) for label, n in zip(labels, bins, strict=True)),
            2,
        ),
        Bars(labels, (Series("categories", tuple(float(n) for n in bins)),), "categories", top=None),
        (
            f"{len(values)} categories; quartiles {number(quartiles.get('q1'))}, "
            f"{number(quartiles.get('median'))}, {number(quartiles.get('q3'))}.",
        ),
    )


def _outliers(metrics: Metrics) -> Section:
    head = (
        "figure-3b",
        "Figure 3b",
        "Categories that stand out",
        "Below Q1 − 1.5 or above Q3 + 1.5 interquartile ranges of exact F1, over categories with at least ten gold "
        "cases.",
    )
    outliers = at(metrics, "outliers.L3") or {}
    categories = outliers.get("categories") or []
    if not categories:
        return Section(*head, absent="no category has ten gold cases.")
    out = {_name(entry) for side in ("below", "above") for entry in outliers.get(side) or ()}
    chosen = sorted(
        (row for row in categories if row["category"] in out), key=lambda row: (row["f1"], row["category"])
    )
    note = f"Fences: {number(outliers.get('low_fence'))} and {number(outliers.get('high_fence'))}."
    if not chosen:
        return Section(*head, notes=(note,), absent="no category lies outside of the fences.")
    shown = chosen[:_OUTLIERS_SHOWN]
    more = () if len(chosen) == len(shown) else (f"The {len(shown)} lowest of {len(chosen)} are shown.",)
    return Section(
        *head,
        Table(
            ("Category", "Gold cases", "F1", PUBLISHED),
            tuple((row["category"], count(row["cases"]), number(row["f1"]), NOT_GIVEN) for row in shown),
            3,
        ),
        Points(
            tuple((float(row["cases"]), float(row["f1"]), row["category"]) for row in categories),
            "gold cases of the category",
            "exact F1",
            frozenset(row["category"] for row in shown),
            logarithmic=True,
        ),
        (note, *more),
    )


def _name(entry: Any) -> str:
    return str(entry["category"] if isinstance(entry, dict) else entry)


def _by_domain(metrics: Metrics) -> Section:
    head = (
        "figure-4",
        "Figure 4",
        "F1 by domain",
        "The codes of each domain's value set alone: predicted and gold codes outside of it are left out first.",
    )
    domains = at(metrics, "domain_filter.by_domain") or {}
    if not domains:
        return Section(*head, absent="no value sets were loaded, or none was asked for.")
    levels = [level for level in LEVELS if all(level in (d.get("levels") or {}) for d in domains.values())]
    names = [DOMAINS.get(name, name) for name in domains]
    rows = tuple(
        (
            DOMAINS.get(name, name),
            count(at(domain, "levels.L3.micro.gold")),
            *(number(at(domain, f"levels.{level}.micro.f1")) for level in levels),
            NOT_GIVEN,
        )
        for name, domain in domains.items()
    )
    series = tuple(
        Series(LEVELS[level], tuple(figure(at(d, f"levels.{level}.micro.f1")) for d in domains.values()))
        for level in levels
        if level in ("L0", "L3", "L4")
    )
    columns = ("Domain", "Gold codes", *(f"F1 {_column(level)}" for level in levels), PUBLISHED)
    return Section(*head, Table(columns, rows, len(columns) - 1), Bars(tuple(names), series, "F1 (micro)"))


def _column(level: str) -> str:
    return _SHORT.get(level, level).replace("\n", " ")


def _by_frequency(metrics: Metrics) -> Section:
    head = (
        "figure-5",
        "Figure 5",
        "F1 by how often the category was trained on",
        "Gold codes by the number of training cases of their three-character category.",
    )
    return _slices(head, at(metrics, "by.frequency"), "Training cases")


def _slices(head: tuple[str, str, str, str], slices: Any, first: str) -> Section:
    if not slices:
        return Section(*head, absent="the number of training cases was not given (--train-categories).")
    rows = tuple(
        (
            str(part["key"]),
            count(part.get("gold")),
            *(number(at(part, f"levels.{level}.f1")) for level in ("L0", "L3", "L4")),
            NOT_GIVEN,
        )
        for part in slices
    )
    series = tuple(
        Series(LEVELS[level], tuple(figure(at(part, f"levels.{level}.f1")) for part in slices))
        for level in ("L0", "L3", "L4")
    )
    columns = (first, "Gold codes", "F1 L0", "F1 L3", "F1 L4", PUBLISHED)
    chart: Chart = Bars(tuple(str(part["key"]) for part in slices), series, "F1 (micro)")
    return Section(*head, Table(columns, rows, 5), chart)


def _each_category(metrics: Metrics) -> Section:
    head = (
        "figure-5-categories",
        "Figure 5, categories",
        "Each category's F1 beside its training cases",
        "One mark a category that occurs in the gold set; the axis of training cases is logarithmic.",
    )
    found = [row for row in at(metrics, "training.categories") or [] if figure(row.get("f1")) is not None]
    if not found:
        return Section(*head, absent="the number of training cases was not given (--train-categories).")
    by_frequency = sorted(found, key=lambda row: (-row["training"], row["category"]))
    shown = by_frequency[:15] + [row for row in by_frequency[-15:] if row not in by_frequency[:15]]
    return Section(
        *head,
        Table(
            ("Category", "Training cases", "Gold cases", "F1", PUBLISHED),
            tuple(
                (row["category"], count(row["training"]), count(row["cases"]), number(row["f1"]), NOT_GIVEN)
                for row in shown
            ),
            4,
        ),
        Points(
            tuple((float(row["training"]), float(row["f1"]), row["category"]) for row in found),
            "training cases of the category",
            "exact F1",
            logarithmic=True,
        ),
        (f"The table has the most and the least trained of {len(found)} categories.",)
        if len(shown) < len(found)
        else (),
    )


def _procedures(metrics: Metrics) -> Section:
    head = (
        "figure-6",
        "Figure 6",
        "Procedures by exact set of each note",
        "A note counts as met when its predicted and gold sets are the same and not empty.",
    )
    systems = {"cpt": "CPT", "hcpcs": "HCPCS"}
    rows, names, values = [], [], []
    for key, name in systems.items():
        for label, path in (("exact set", "exact_set"), ("single codes", "codes")):
            found = at(metrics, f"procedures.{key}.{path}")
            if not found or not (found.get("gold") or found.get("predicted")):
                continue
            beside = published("cpt.f1") if (key, path) == ("cpt", "exact_set") else NOT_GIVEN
            figures_of = [found.get(part) for part in ("precision", "recall", "f1")]
            rows.append((f"{name}, {label}", count(found.get("gold")), *map(number, figures_of), beside))
            names.append(f"{name}\n{label}")
            values.append([figure(value) for value in figures_of])
    if not rows:
        return Section(*head, absent=f"the charts carry no procedures. Paper: CPT F1 {published('cpt.f1')}.")
    series = tuple(
        Series(name, tuple(value[i] for value in values))
        for i, name in enumerate(("Precision", "Recall", "F1"))
    )
    return Section(
        *head,
        Table(("Procedures", "Gold", "Precision", "Recall", "F1", f"F1, {PUBLISHED}"), tuple(rows), 5),
        Bars(tuple(names), series, "share"),
    )
