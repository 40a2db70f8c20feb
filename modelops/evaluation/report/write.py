"""From figures to the finished page in one call: for the command; pages use what was stored."""

from __future__ import annotations

from collections.abc import Sequence

from modelops.evaluation.report.drawing import draw_all
from modelops.evaluation.report.page import report_page
from modelops.evaluation.report.parts import Metrics
from modelops.evaluation.report.sections import sections, warnings
from modelops.evaluation.report.tables import Knowledge


def report_html(
    metrics: Metrics,
    facts: Sequence[tuple[str, str]],
    *,
    title: str = "Evaluation report",
    gold_kind: str = "",
    knowledge: Knowledge | None = None,
) -> str:
    """`facts`: what was evaluated, as term and value (gold set, predictions, release, revision, …)."""
    shown = sections(metrics, knowledge)
    return report_page(title, facts, warnings(metrics, gold_kind), shown, draw_all(shown))
