"""What the paper does not have: evidence, calibration, slices, what figures flatter, work left to a coder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelops.evaluation.report.figures import LEVELS, levels_of
from modelops.evaluation.report.parts import (
    Bars,
    Lines,
    Metrics,
    Section,
    Series,
    Table,
    at,
    count,
    figure,
    number,
    plus_minus,
    share,
    within,
)

_SLICES = {
    "chapter": ("By chapter", "Gold and predicted codes of each chapter."),
    "domain": ("By domain of the chart", "Whole charts, by the domain they were drawn for."),
    "setting": ("By setting", "Whole charts, by where care was given."),
    "specialty": ("By specialty", "Whole charts, by specialty."),
    "length": ("By length of the chart", "Whole charts, by their number of lines."),
    "seen": ("Seen and unseen categories", "Gold codes by whether their category was trained on."),
}
_CODERS_WORK = (
    ("Charts that need no change", "coding.changes.no_change", share),
    ("… and whose evidence stands too", "coding.changes.no_change_with_evidence", share),
    ("Unsupported codes per chart", "coding.changes.unsupported.per_chart", number),
    ("… of which of another category", "coding.changes.unsupported.major.per_chart", number),
    ("Missed codes per chart", "coding.changes.missed.per_chart", number),
    ("… of which nothing of the category", "coding.changes.missed.major.per_chart", number),
    ("Principal or first-listed right", "coding.principal.accuracy", share),
    ("… or first in the prediction's order", "coding.principal.first_in_order", share),
    ("Sequence, Kendall's tau", "coding.sequence.tau", number),
    ("Present on admission right", "coding.poa.accuracy", share),
)
_OUTPUT = (
    ("Charts without a valid prediction", "response.without_valid_prediction", count),
    ("Their share (response quality)", "response.share", share),
    ("Traps predicted", "traps.predicted", count),
    ("Traps in all", "traps.total", count),
    ("Output discarded", "discarded.total", count),
    ("Share of output discarded", "discarded.share", share),
)


def supplement(metrics: Metrics) -> tuple[Section, ...]:
    found = [
        _flattered(metrics),
        _evidence(metrics),
        _work(metrics),
        _output(metrics),
        _calibration(metrics),
        _risk(metrics),
        _thresholds(metrics),
        *(_by(metrics, key) for key in _SLICES if at(metrics, f"by.{key}")),
        *((_comparison(metrics),) if at(metrics, "comparison") else ()),
    ]
    return tuple(
        Section(
            section.key,
            f"Supplement {n}",
            section.title,
            section.lead,
            section.table,
            section.chart,
            section.notes,
            section.absent,
        )
        for n, section in enumerate(found, start=1)
    )


def _section(
    key: str,
    title: str,
    lead: str,
    table: Table | None = None,
    chart: Bars | Lines | None = None,
    **more: Any,
) -> Section:
    return Section(key, "", title, lead, table, chart, **more)


def _flattered(metrics: Metrics) -> Section:
    """The same predictions under each choice that can flatter them."""
    ways = (
        ("Micro, as defined", "levels.{}.micro.f1"),
        ("Micro, optional codes counted as wrong", "optional_counted.levels.{}.micro.f1"),
        ("Micro, domains only", "domain_filter.levels.{}.micro.f1"),
        ("Weighted by cases", "levels.{}.weighted.f1"),
        ("Codes unweighted", "levels.{}.unweighted.f1"),
        ("Mean over charts", "levels.{}.macro.f1"),
    )
    levels = [level for level in ("L0", "L3", "L4") if level in levels_of(metrics)]
    rows = tuple(
        (label, *(number(at(metrics, path.format(level))) for level in levels)) for label, path in ways
    )
    series = tuple(
        Series(LEVELS[level], tuple(figure(at(metrics, path.format(level))) for _, path in ways))
        for level in levels
    )
    return _section(
        "supplement-choices",
        "F1 with and without filter, optional codes and weights",
        "One set of predictions, six ways to sum it up.",
        Table(("F1", *levels), rows),
        Bars(tuple(label for label, _ in ways), series, "F1", horizontal=True),
    )


def _evidence(metrics: Metrics) -> Section:
    found = at(metrics, "evidence") or {}
    rows = [
        ("Codes met exactly", count(found.get("codes")), "–"),
        ("Jaccard of lines ± se", plus_minus(found.get("jaccard"), found.get("jaccard_se")), "–"),
        ("Sharing a line", share(found.get("shared")), "–"),
        ("With identical lines", share(found.get("identical")), "–"),
        *(
            (label, *(number(at(found, f"{side}.{key}"), 2) for side in ("lines_cited", "gold_lines")))
            for label, key in (("Lines per code, mean", "mean"), ("Lines per code, median", "median"))
        ),
        (
            "Codes citing above five lines",
            *(share(at(found, f"{side}.above_five_share")) for side in ("lines_cited", "gold_lines")),
        ),
    ]
    buckets = ("0", "1", "2", "3", "4", "5", "6+")
    series = tuple(
        Series(label, tuple(figure(at(found, f"{side}.histogram.{b}")) for b in buckets))
        for label, side in (("predicted", "lines_cited"), ("gold", "gold_lines"))
    )
    return _section(
        "supplement-evidence",
        "Evidence and lines cited",
        "A code that cites above five lines has shown nothing: L4 does not count it.",
        Table(("Evidence", "Predicted", "Gold"), tuple(rows)),
        Bars(buckets, series, "codes", top=None),
    )


def _told(metrics: Metrics, rows: Sequence[tuple[str, str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((label, form(at(metrics, path))) for label, path, form in rows)


def _work(metrics: Metrics) -> Section:
    return _section(
        "supplement-work",
        "What is left to the coder",
        "Beyond F1 of sets: charts right as they are, codes to remove and to add, order and roles.",
        Table(("What", "Figure"), _told(metrics, _CODERS_WORK)),
        notes=(f"Grouping agreement: {at(metrics, 'coding.grouping.reason') or 'not measured'}.",),
    )


def _output(metrics: Metrics) -> Section:
    by_reason = at(metrics, "discarded.by_reason") or {}
    by_kind = at(metrics, "traps.by_kind") or {}
    rows = [
        *_told(metrics, _OUTPUT),
        *((f"Discarded: {reason.replace('_', ' ')}", count(n)) for reason, n in by_reason.items()),
        *(
            (f"Trap, {kind.replace('_', ' ')}", f"{count(at(row, 'predicted'))} of {count(at(row, 'total'))}")
            for kind, row in by_kind.items()
        ),
    ]
    return _section(
        "supplement-output",
        "Response quality, traps, discards",
        "Traps are codes that the text mentions and that must not be coded.",
        Table(("What", "Figure"), tuple(rows)),
    )


def _calibration(metrics: Metrics) -> Section:
    head = ("supplement-calibration", "Calibration", "Share that is right at each confidence, in ten bins.")
    bins = [b for b in at(metrics, "calibration.bins") or [] if b.get("count")]
    if not bins:
        return _section(*head, absent="the predictions carry no confidence.")
    rows = tuple(
        (
            f"{b['low']:.1f}–{b['high']:.1f}",
            count(b["count"]),
            number(b.get("confidence")),
            number(b.get("correct")),
        )
        for b in bins
    )
    return _section(
        *head,
        Table(("Bin", "Codes", "Mean confidence", "Share right"), rows),
        Lines(
            tuple(float(b["confidence"]) for b in bins),
            (Series("predicted codes", tuple(figure(b.get("correct")) for b in bins)),),
            "confidence",
            "share right",
            diagonal=True,
        ),
        notes=(
            f"Expected calibration error {number(at(metrics, 'calibration.ece'))}, Brier score "
            f"{number(at(metrics, 'calibration.brier'))}.",
        ),
    )


def _risk(metrics: Metrics) -> Section:
    head = (
        "supplement-risk",
        "Risk and coverage",
        "Share of wrong codes among the most confident, by how many of them are kept.",
    )
    points = at(metrics, "risk_coverage.points") or []
    if not points:
        return _section(*head, absent="the predictions carry no confidence.")
    ordered = sorted(points, key=lambda point: point["coverage"])
    every = max(1, len(ordered) // 10)
    rows = tuple((share(p["coverage"]), number(p["threshold"]), share(p["risk"])) for p in ordered[::every])
    return _section(
        *head,
        Table(("Coverage", "Confidence from", "Risk"), rows),
        Lines(
            tuple(float(p["coverage"]) for p in ordered),
            (Series("risk", tuple(figure(p["risk"]) for p in ordered)),),
            "coverage (share of predictions kept)",
            "risk (share wrong)",
        ),
        notes=(f"Area under the curve {number(at(metrics, 'risk_coverage.area'))}.",),
    )


def _thresholds(metrics: Metrics) -> Section:
    head = ("supplement-thresholds", "Threshold sweep", "Figures when codes below a confidence are left out.")
    found = at(metrics, "thresholds") or []
    if not found:
        return _section(*head, absent="the predictions carry no confidence.")
    rows = tuple(
        (
            f"{row['threshold']:.2f}",
            number(row.get("per_chart"), 2),
            *(number(at(row, f"L3.{part}")) for part in ("precision", "recall", "f1")),
            number(at(row, "L4.f1")),
        )
        for row in found
    )
    series = tuple(
        Series(label, tuple(figure(at(row, path)) for row in found))
        for label, path in (("Precision", "L3.precision"), ("Recall", "L3.recall"), ("F1", "L3.f1"))
    )
    return _section(
        *head,
        Table(("From", "Codes per chart", "Precision L3", "Recall L3", "F1 L3", "F1 L4"), rows),
        Lines(
            tuple(float(row["threshold"]) for row in found), series, "confidence from", "share, exact code"
        ),
    )


def _by(metrics: Metrics, key: str) -> Section:
    title, lead = _SLICES[key]
    slices = at(metrics, f"by.{key}")
    rows, names = [], []
    for part in slices:
        name = str(part.get("title") or part["key"] or "not given")
        names.append(_cut(name) if key == "chapter" else name)
        rows.append(
            (
                name,
                *((count(part.get("charts")),) if "charts" in part else ()),
                count(part.get("gold")),
                count(part.get("predicted")),
                *(number(at(part, f"levels.L3.{figure_of}")) for figure_of in ("precision", "recall", "f1")),
                number(at(part, "levels.L4.f1")),
            )
        )
    has_charts = bool(slices) and "charts" in slices[0]
    columns = (
        title.removeprefix("By ").capitalize(),
        *(("Charts",) if has_charts else ()),
        "Gold",
        "Predicted",
        "Precision L3",
        "Recall L3",
        "F1 L3",
        "F1 L4",
    )
    series = tuple(
        Series(LEVELS[level], tuple(figure(at(part, f"levels.{level}.f1")) for part in slices))
        for level in ("L3", "L4")
    )
    return _section(
        f"supplement-{key}",
        title,
        lead,
        Table(columns, tuple(rows)),
        Bars(tuple(names), series, "F1 (micro)", horizontal=True),
    )


def _cut(name: str, size: int = 42) -> str:
    return name if len(name) <= size else f"{name[: size - 1].rstrip()}…"


def _comparison(metrics: Metrics) -> Section:
    found: Mapping[str, Any] = at(metrics, "comparison.levels") or {}
    rows = []
    for level, own in found.items():
        if level not in LEVELS:
            continue
        for label, key in (("micro", "micro_f1"), ("charts", "macro_f1")):
            part = own.get(key) or {}
            rows.append(
                (
                    f"{LEVELS[level]}, {label}",
                    number(part.get("a")),
                    number(part.get("b")),
                    within(part.get("difference"), [part.get("low"), part.get("high")]),
                    number(part.get("p")),
                )
            )
    tests = []
    for what in ("codes", "charts"):
        part = at(metrics, f"comparison.mcnemar.{what}") or {}
        tests.append(
            f"McNemar over {what}: only A {count(part.get('only_a'))}, only B {count(part.get('only_b'))}, "
            f"p {number(part.get('p'))}."
        )
    return _section(
        "supplement-comparison",
        "Compared with the second predictions",
        "F1 of A (these predictions) and B on the same charts; paired bootstrap by patient.",
        Table(("Level", "A", "B", "A − B (95%)", "p"), tuple(rows)),
        notes=tuple(tests),
    )
