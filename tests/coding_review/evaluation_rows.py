"""Stored evaluation runs for tests: small views, the report's sample figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coding_review.actions.store_evaluation import store_evaluation
from modelops.evaluation.runs import NewRun, chart_row
from modelops.models import EvaluationRun
from tests.modelops.report_sample import metrics


def row(
    code: str, gold: list[int] | None, predicted: list[int] | None, sure: float | None = None
) -> dict[str, Any]:
    return {
        "code": code,
        "lines_gold": None if gold is None else [["d1", line] for line in gold],
        "lines_predicted": None if predicted is None else [["d1", line] for line in predicted],
        "confidence": sure,
    }


def view(
    f1: float, *, met: Any = (), missed: Any = (), unsupported: Any = (), optional: Any = ()
) -> dict[str, Any]:
    figures = {"precision": f1, "recall": f1, "f1": f1}
    return {
        "met": list(met),
        "missed": list(missed),
        "unsupported": list(unsupported),
        "optional": list(optional),
        "L3": figures,
        "L4": figures,
    }


FIRST = view(0.5, met=[row("E11.22", [3], [3, 4], 0.93)], missed=[row("I50.23", [2], None)])
SECOND = view(1.0, met=[row("E11.22", [3], [4], 0.7), row("I50.23", [2], [2], 0.88)])
OTHER_CHART = view(0.0, unsupported=[row("J18.9", None, [5], 0.4)])


def stored(
    folder: Path,
    *,
    actor: Any = None,
    name: str = "one",
    charts: dict[str, dict[str, Any]] | None = None,
    gold_sha256: str = "a" * 64,
    **more: Any,
) -> EvaluationRun:
    predictions = folder / f"{name}.jsonl"
    predictions.write_text(f'{{"id": "{name}"}}\n', encoding="utf-8")
    kept = charts if charts is not None else {"c-1": FIRST, "c-2": OTHER_CHART}
    return store_evaluation(
        actor,
        NewRun(
            engine="embedded",
            gold_set_name="Frailty v1",
            gold_set_sha256=gold_sha256,
            metrics=more.pop("metrics", None) or metrics(),
            charts=(chart_row(chart, found) for chart, found in kept.items()),
            predictions=predictions,
            catalog_release="2026-04",
            **more,
        ),
    )
