"""Two stored runs against one gold set: how far their difference could be chance.

From the codes and lines that were kept with the runs, by the means of manage.py evaluate --against: paired bootstrap
over patients where the gold set is one of this system, and McNemar's test.
"""

from __future__ import annotations

from typing import Any

from coding_review.kept import Kept
from coding_review.models import GoldSetChart
from modelops.evaluation.metrics import compare
from modelops.evaluation.per_chart import gold_of_views, predicted_of_view
from modelops.models import EvaluationRun

# Above so many charts a page would be waited for too long.
MOST_CHARTS = 5_000
OTHER_GOLD = "The runs were not scored against the same labels."
TOO_MANY = (
    f"Of more than {MOST_CHARTS:,} charts the operator compares both files: "
    "manage.py evaluate GOLD A --against B."
)
NO_CHARTS = "No charts were kept with one of the runs."

# Runs never change.
_KEPT: Kept[tuple[int, int], dict[str, Any]] = Kept(50)


def why_not(a: EvaluationRun, b: EvaluationRun) -> str:
    """Why two runs cannot be compared so; empty where they can."""
    if a.gold_set_sha256 != b.gold_set_sha256:
        return OTHER_GOLD
    if max(a.charts_count, b.charts_count) > MOST_CHARTS:
        return TOO_MANY
    return "" if a.charts.exists() and b.charts.exists() else NO_CHARTS


def comparison(a: EvaluationRun, b: EvaluationRun) -> dict[str, Any]:
    """`comparison` of docs/evaluation.md, and `patients`: of how many it was drawn, None where they are not known.

    For runs that may be compared (`why_not`).
    """
    found = _KEPT.get((a.pk, b.pk))
    if found is None:
        found = _compared(a, b)
        _KEPT.keep((a.pk, b.pk), found)
    return found


def _compared(a: EvaluationRun, b: EvaluationRun) -> dict[str, Any]:
    first, second = (dict(run.charts.values_list("chart", "view")) for run in (a, b))
    patients = _patients(a.gold_set_sha256)
    charts = list(dict.fromkeys([*first, *second]))
    gold = [
        gold_of_views(
            chart, [views[chart] for views in (first, second) if chart in views], patients.get(chart, "")
        )
        for chart in charts
    ]
    found = compare(
        gold,
        [predicted_of_view(chart, view) for chart, view in first.items()],
        [predicted_of_view(chart, view) for chart, view in second.items()],
    )
    named = {patients[chart] for chart in charts if chart in patients}
    return found | {"patients": len(named) if named else None}


def _patients(gold_set_sha256: str) -> dict[str, str]:
    """By chart, of the frozen set of that hash: the encounter's patient, or what an outside set names."""
    rows = GoldSetChart.objects.filter(gold_set__sha256=gold_set_sha256).values_list(
        "chart_key", "code_set__encounter__patient_id", "facts"
    )
    found = {
        chart: f"patient {patient}" if patient is not None else str(facts.get("patient_id") or "")
        for chart, patient, facts in rows
    }
    return {chart: patient for chart, patient in found.items() if patient}
