"""The whole report as data, in the order it is read."""

from __future__ import annotations

from dataclasses import replace

from modelops.evaluation.report.figures import figures
from modelops.evaluation.report.parts import Chart, Metrics, Points, Section, at
from modelops.evaluation.report.supplement import supplement
from modelops.evaluation.report.tables import Knowledge, tables

_FEW_CHARTS = 100


def sections(metrics: Metrics, knowledge: Knowledge | None = None) -> tuple[Section, ...]:
    """`metrics`: the public JSON of docs/evaluation.md; `knowledge`: of general_knowledge.py, where measured."""
    found = (*tables(metrics, knowledge), *figures(metrics), *supplement(metrics))
    return tuple(section if _drawn(section.chart) else replace(section, chart=None) for section in found)


def _drawn(chart: Chart | None) -> bool:
    """Whether there is anything to draw: a chart of undefined figures is its table of dashes only."""
    if isinstance(chart, Points):
        return bool(chart.points)
    return chart is not None and any(value is not None for s in chart.series for value in s.values)


def warnings(metrics: Metrics, gold_kind: str = "") -> tuple[str, ...]:
    """What a reader must know before the first figure. `gold_kind`: as the gold set was frozen, "" if unknown."""
    said = []
    if gold_kind == "approved_labels":
        said.append(
            "The reference is approved labels: recall sees only the labeller's codes, and a correct extra code "
            "counts as wrong. It is not a gold set."
        )
    if gold_kind == "single_read_reference":
        said.append("The reference was read by one person: it is a single-read reference, not a gold set.")
    total = at(metrics, "charts.total") or 0
    if total < _FEW_CHARTS:
        said.append(f"{total} charts only: intervals are wide, and small differences say nothing.")
    errors = at(metrics, "input.error_count")
    if errors:
        said.append(f"{errors} lines of the files could not be read and are left out.")
    return tuple(said)
