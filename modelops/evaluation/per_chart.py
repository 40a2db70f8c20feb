"""One chart, its gold set and a prediction side by side. Pure; counts as `evaluate` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from catalog.keys import code_key
from modelops.evaluation.charts import DIAGNOSES, GoldChart, GoldCode, Line, PredictedChart, PredictedCode
from modelops.evaluation.figures import Json
from modelops.evaluation.levels import count


@dataclass(slots=True)
class _Side:
    """A code as first written, with all the lines it cites."""

    written: str
    lines: frozenset[Line]
    confidence: float | None = None


def chart_view(gold: GoldChart, predicted: PredictedChart | None) -> Json:
    """Diagnoses that are met, unsupported, missed or optional, and the chart's figures at L3 and L4."""
    theirs = _sides([code for code in gold.codes if not code.rejected])
    mine = _sides(predicted.codes if predicted is not None and not predicted.error else ())
    optional = {code_key(code) for system, code in gold.optional if system == DIAGNOSES}
    found: Json = {"met": [], "unsupported": [], "missed": [], "optional": []}
    for key in sorted({*mine, *theirs}):
        found[_place(key, mine, theirs, optional)].append(_row(mine.get(key), theirs.get(key)))
    lines_mine = {key: side.lines for key, side in mine.items()}
    lines_theirs = {key: side.lines for key, side in theirs.items()}
    for level in ("L3", "L4"):
        counts = count(lines_mine, lines_theirs, level, optional)
        found[level] = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    return found


def _sides(codes: Iterable[GoldCode | PredictedCode]) -> dict[str, _Side]:
    found: dict[str, _Side] = {}
    for code in codes:
        if code.system != DIAGNOSES:
            continue
        side = found.setdefault(code_key(code.code), _Side(code.code, frozenset()))
        side.lines |= code.lines
        sure = code.confidence if isinstance(code, PredictedCode) else None
        if sure is not None and (side.confidence is None or sure > side.confidence):
            side.confidence = sure
    return found


def _place(key: str, mine: Mapping[str, _Side], theirs: Mapping[str, _Side], optional: set[str]) -> str:
    if key in theirs:
        return "met" if key in mine else "missed"
    return "optional" if key in optional else "unsupported"


def _row(mine: _Side | None, theirs: _Side | None) -> Json:
    written = theirs or mine
    return {
        "code": written.written if written is not None else "",
        "lines_gold": None if theirs is None else _lines(theirs),
        "lines_predicted": None if mine is None else _lines(mine),
        "confidence": None if mine is None else mine.confidence,
    }


def _lines(side: _Side) -> list[list[str | int]]:
    return [[document, line] for document, line in sorted(side.lines)]


def gold_of_views(chart: str, views: Iterable[Json], patient: str = "") -> GoldChart:
    """The gold chart that views of it were made of, as far as they tell: its codes with their lines, and of the
    optional codes those that were predicted."""
    codes: dict[str, GoldCode] = {}
    optional: set[tuple[str, str]] = set()
    for view in views:
        for row in (*view["met"], *view["missed"]):
            codes.setdefault(row["code"], GoldCode(row["code"], _cited(row["lines_gold"])))
        optional.update((DIAGNOSES, row["code"]) for row in view["optional"])
    return GoldChart(chart, tuple(codes.values()), frozenset(optional), patient=patient)


def predicted_of_view(chart: str, view: Json) -> PredictedChart:
    rows = (*view["met"], *view["unsupported"], *view["optional"])
    return PredictedChart(
        chart,
        tuple(
            PredictedCode(row["code"], _cited(row["lines_predicted"]), confidence=row["confidence"])
            for row in rows
        ),
    )


def _cited(lines: Iterable[Any] | None) -> frozenset[Line]:
    return frozenset((str(document), int(line)) for document, line in lines or ())
