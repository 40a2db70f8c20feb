"""Tables 1 to 3 of the report, as the paper has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelops.evaluation.report.figures import LEVELS, levels_of
from modelops.evaluation.report.paper import published
from modelops.evaluation.report.parts import (
    NOT_GIVEN,
    PUBLISHED,
    Metrics,
    Section,
    Table,
    at,
    count,
    figure,
    number,
    plus_minus,
)

Knowledge = Mapping[str, Any]
_LABELS = {
    "approve_only": "the labeller's codes as the experts approved them, nothing added",
    "approve_and_add": "approved codes and those that the experts added",
}


def tables(metrics: Metrics, knowledge: Knowledge | None) -> tuple[Section, ...]:
    return (_weighted(metrics), _knowledge(knowledge), _expert(metrics))


def _weighted(metrics: Metrics) -> Section:
    rows = []
    for level in levels_of(metrics):
        own = at(metrics, f"levels.{level}") or {}
        cells = [
            plus_minus(at(own, f"weighted.{part}"), at(own, f"weighted.{part}_sd"))
            for part in ("precision", "recall", "f1")
        ]
        rows.append(
            (
                LEVELS[level],
                *cells,
                number(at(own, "unweighted.f1")),
                plus_minus(at(own, "macro.f1"), at(own, "macro.f1_se")),
                number(at(own, "micro.f1")),
                published(f"levels.{level}.micro.f1"),
            )
        )
    return Section(
        "table-1",
        "Table 1",
        "Figures by code, weighted by case count",
        "Each code's own precision, recall and F1, averaged with its number of gold cases as weight; ± is the "
        "weighted standard deviation. Beside it each code counting once, and F1 over charts (± standard error) and "
        "over all codes.",
        Table(
            (
                "Level",
                "Precision ± sd",
                "Recall ± sd",
                "F1 ± sd",
                "F1, codes unweighted",
                "F1, charts ± se",
                "F1, micro",
                f"F1, {PUBLISHED}",
            ),
            tuple(rows),
            7,
        ),
        notes=(
            "Weighting by case count favours frequent codes: read it beside the unweighted column. How the paper "
            "averaged its published F1 is not known here for every level.",
        ),
    )


def _knowledge(knowledge: Knowledge | None) -> Section:
    head = (
        "table-2",
        "Table 2",
        "General medical knowledge before and after training",
        "Accuracy in multiple choice by lm-evaluation-harness on local task files.",
    )
    tasks = (knowledge or {}).get("tasks") or {}
    if not tasks:
        return Section(*head, absent="not measured for this model version (manage.py general_knowledge).")
    rows = []
    for task, found in tasks.items():
        before, after = at(found, "before.accuracy"), at(found, "after.accuracy")
        both = figure(before) is not None and figure(after) is not None
        rows.append(
            (
                str(found.get("title", task)),
                count(found.get("questions")),
                plus_minus(before, at(found, "before.se")),
                plus_minus(after, at(found, "after.se")),
                f"{after - before:+.3f}" if both else "–",
                NOT_GIVEN,
            )
        )
    return Section(
        *head,
        Table(("Task", "Questions", "Before ± se", "After ± se", "Difference", PUBLISHED), tuple(rows), 5),
        notes=("The paper says that its model kept its performance; its figures by task are not at hand.",),
    )


def _expert(metrics: Metrics) -> Section:
    rows: list[tuple[str, ...]] = []
    undefined = at(metrics, "undefined") or {}
    why = []
    for mode in _LABELS:
        for filtered in ("filtered", "unfiltered"):
            levels = at(metrics, f"expert.{mode}.{filtered}")
            if not levels:
                reason = undefined.get(f"expert.{mode}.{filtered}") or undefined.get(f"expert.{mode}")
                why.append(f"{_told(mode)}, {_told(filtered)}: {reason or 'undefined'}.")
                continue
            rows.extend(_expert_row(mode, filtered, level, levels) for level in LEVELS if level in levels)
    return Section(
        "table-3",
        "Table 3",
        "Against labels judged by experts",
        "With the domain filter as post-processing and without it. Approve only: "
        + _LABELS["approve_only"]
        + ". Approve and add: "
        + _LABELS["approve_and_add"]
        + ".",
        Table(
            (
                "Labels, filter, level",
                "Precision",
                "Recall",
                "F1",
                "Precision by chart ± se",
                "Recall by chart ± se",
                "F1 by chart ± se",
                PUBLISHED,
            ),
            tuple(rows),
            7,
        )
        if rows
        else None,
        notes=(
            "Approve-only labels know the labeller's codes alone: they flatter recall and count a correct extra code "
            "as wrong.",
            *why,
        ),
        absent="" if rows else "the gold set does not say which codes were labels and which additions.",
    )


def _told(name: str) -> str:
    return {"filtered": "domains only", "unfiltered": "all codes"}.get(name, name.replace("_", " "))


def _expert_row(mode: str, filtered: str, level: str, levels: Mapping[str, Any]) -> tuple[str, ...]:
    micro, macro = at(levels, f"{level}.micro") or {}, at(levels, f"{level}.macro") or {}
    beside = NOT_GIVEN
    if (mode, filtered, level) == ("approve_only", "filtered", "L3"):
        beside = f"P {published('expert.precision')}, R {published('expert.recall')}"
    return (
        f"{_told(mode).capitalize()}, {_told(filtered)}, {LEVELS[level]}",
        *(number(micro.get(part)) for part in ("precision", "recall", "f1")),
        *(plus_minus(macro.get(part), macro.get(f"{part}_se")) for part in ("precision", "recall", "f1")),
        beside,
    )
