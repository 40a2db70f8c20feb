"""Predictions as lines of the batch interface without text: those an engine made on a gold set's charts, or a file's.

Quotes, rationales and titles are left out, since neither the figures nor the stored run need a word of a chart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from coding_review.choices import RunStatus
from coding_review.models import GoldSet, GoldSetChart, PredictionRun
from modelops.choices import Band
from modelops.engines.bands import band_of
from modelops.evaluation_files import Lines, predicted_charts

_OF_CHART = ("id", "engine", "model_version", "catalog_release")
_OF_CODE = ("system", "code", "confidence", "band", "role", "poa", "sequence", "modifiers", "units")
_OF_PLACE = ("document_id", "line_start", "line_end", "col_start", "col_end")
_RANK = {Band.LOW: 0, Band.MEDIUM: 1, Band.HIGH: 2}
_CHARTS_AT_ONCE = 200


def bare_lines(lines: list[bytes], out: IO[bytes]) -> tuple[int, Lines]:
    """How many predictions were written, and what was wrong with the lines (then `out` is of no use)."""
    told = Lines("predictions")
    rows = sum(1 for _ in predicted_charts(lines, told))
    if told.error_count:
        return rows, told
    for raw in lines:
        if raw.strip():
            row = json.loads(raw.decode("utf-8-sig"))
            out.write(_line(bare_row(row)))
    return rows, told


def bare_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A prediction without a word of the chart."""
    codes = [
        {
            **_only(code, _OF_CODE),
            "evidence": [_only(place, _OF_PLACE) for place in code.get("evidence") or ()],
        }
        for code in row.get("codes") or ()
    ]
    return {
        **_only(row, _OF_CHART),
        "codes": codes,
        "discarded": [_only(item, ("code", "reason")) for item in row.get("discarded") or ()],
        # What it says may quote the chart.
        "error": "failed" if row.get("error") else None,
    }


def _only(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}


def engine_runs(gold_set: GoldSet, engine: str) -> dict[int, PredictionRun]:
    """By gold set chart: the engine's newest finished run over the document versions that were frozen."""
    charts = {
        chart.code_set_id: chart
        for chart in gold_set.charts.standing()
        .filter(code_set__isnull=False)
        .only("code_set_id", "documents")
    }
    runs = (
        PredictionRun.objects.filter(code_set__in=charts, engine=engine, status=RunStatus.DONE)
        .select_related("release")
        .prefetch_related("documents")
        .order_by("pk")
    )
    found: dict[int, PredictionRun] = {}
    for run in runs:
        chart = charts[run.code_set_id]
        if {document.pk for document in run.documents.all()} == _versions(chart).keys():
            found[chart.pk] = run
    return found


def engines_of(gold_sets: Iterable[GoldSet]) -> list[str]:
    """Engines that have predicted a chart of these sets."""
    runs = PredictionRun.objects.filter(
        status=RunStatus.DONE, code_set__gold_set_charts__gold_set__in=gold_sets
    )
    return sorted(set(runs.values_list("engine", flat=True)))


def _versions(chart: GoldSetChart) -> dict[int, str]:
    """The document's id in the set by the version that was frozen."""
    return {
        document["document_version_id"]: str(document["document_id"])
        for document in chart.documents
        if document.get("document_version_id")
    }


def engine_lines(gold_set: GoldSet, engine: str) -> Iterator[bytes]:
    """One line a chart that the engine predicted; the others have no answer."""
    runs = engine_runs(gold_set, engine)
    charts = gold_set.charts.standing().filter(pk__in=runs).order_by("pk")
    for chart in charts.iterator(chunk_size=_CHARTS_AT_ONCE):
        run = runs[chart.pk]
        yield _line(
            {
                "id": chart.chart_key,
                "engine": run.engine,
                "model_version": run.model_version,
                "catalog_release": run.release.edition if run.release else "",
                "codes": list(_codes(run, _versions(chart))),
                "discarded": list(run.discarded.order_by("pk").values("code", "reason")),
                "error": None,
            }
        )


def _codes(run: PredictionRun, names: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    for suggestion in run.suggestions.prefetch_related("evidence").order_by("rank"):
        yield {
            "system": suggestion.system,
            "code": suggestion.code,
            "confidence": suggestion.confidence,
            "band": suggestion.band,
            "evidence": [
                {"document_id": names[place.document_version_id], **_only(place.__dict__, _OF_PLACE[1:])}
                for place in suggestion.evidence.all()
            ],
        }


def from_band(lines: Iterable[bytes], least: str, *, high: float, medium: float) -> Iterator[bytes]:
    """Without the codes below a band; what states neither band nor confidence stays."""
    for raw in lines:
        row = json.loads(raw)
        row["codes"] = [
            code for code in row["codes"] if _rank(code, high=high, medium=medium) >= _RANK[Band(least)]
        ]
        yield _line(row)


def _rank(code: Mapping[str, Any], *, high: float, medium: float) -> int:
    stated = str(code.get("band") or "").lower()
    if stated in Band.values:
        return _RANK[Band(stated)]
    confidence = code.get("confidence")
    return _RANK[Band.HIGH if confidence is None else band_of(confidence, high=high, medium=medium)]


def _line(row: Mapping[str, Any]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")
