"""Results as they stand in a model version's metrics, and in Table 2 of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelops.evaluation.knowledge.harness import TASKS, Measured

BEFORE, AFTER = "before", "after"
STAGES = (BEFORE, AFTER)


def with_results(kept: Mapping[str, Any], stage: str, measured: Measured) -> dict[str, Any]:
    """`kept` with this stage's results in place of its earlier ones.

    Where the other stage was asked other questions (or other numbers of them) its results go: two accuracies on
    different questions make no regression.
    """
    other = BEFORE if stage == AFTER else AFTER
    tasks: dict[str, Any] = {}
    for name, accuracy in measured.tasks.items():
        earlier = (kept.get("tasks") or {}).get(name) or {}
        same = (
            kept.get("data_sha256") == measured.data_sha256 and earlier.get("questions") == accuracy.questions
        )
        tasks[name] = {
            "title": TASKS[name],
            "questions": accuracy.questions,
            **({other: earlier[other]} if same and other in earlier else {}),
            stage: {"accuracy": accuracy.accuracy, "se": accuracy.standard_error},
        }
    return {"tasks": tasks, "data_sha256": measured.data_sha256, "harness": measured.harness}
