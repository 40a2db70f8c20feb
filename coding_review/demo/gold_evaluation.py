"""The embedded engine against the demo's gold set: both as files of the batch interface, through manage.py evaluate."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management import call_command

from coding_review.choices import GoldLabelStatus, RunStatus
from coding_review.models import GoldSet, GoldSetChart, PredictionRun, Suggestion
from modelops.models import EvaluationRun


def ensure_evaluation(gold_set: GoldSet, engine: str) -> EvaluationRun:
    """The stored run of the engine on the set; made now if there is none."""
    found = EvaluationRun.objects.filter(gold_set_sha256=gold_set.sha256).order_by("pk").first()
    if found is not None:
        return found
    charts = list(gold_set.charts.standing().prefetch_related("labels").order_by("pk"))
    with TemporaryDirectory() as folder:
        gold, predicted = Path(folder) / "gold.jsonl", Path(folder) / "predicted.jsonl"
        _write(gold, (_gold_line(chart) for chart in charts))
        _write(predicted, _predicted_lines(charts, engine))
        quiet = {"stdout": StringIO(), "stderr": StringIO()}
        call_command("evaluate", str(gold), str(predicted), store=True, gold_set=gold_set.pk, **quiet)
    return EvaluationRun.objects.filter(gold_set_sha256=gold_set.sha256).latest("pk")


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _gold_line(chart: GoldSetChart) -> dict[str, Any]:
    """Without text: places are by document and line."""
    labels = list(chart.labels.all())
    return {
        "id": chart.chart_key,
        "patient_id": chart.facts.get("patient_id", ""),
        "setting": chart.setting,
        "specialty": chart.specialty,
        "domains": chart.domains,
        "documents": [{"document_id": document["document_id"]} for document in chart.documents],
        "codes": [
            {
                "system": label.system,
                "code": label.code,
                "status": label.status,
                "source": label.origin,
                "evidence": label.evidence,
            }
            for label in labels
            if label.status != GoldLabelStatus.UNDECIDED
        ],
        "optional": [{"system": label.system, "code": label.code} for label in labels if label.optional],
    }


def _predicted_lines(charts: list[GoldSetChart], engine: str) -> Iterator[dict[str, Any]]:
    """What the newest finished run of the engine suggested for each chart."""
    for chart in charts:
        run = (
            PredictionRun.objects.filter(code_set=chart.code_set_id, engine=engine, status=RunStatus.DONE)
            .select_related("release")
            .order_by("pk")
            .last()
        )
        suggestions = Suggestion.objects.filter(run=run).order_by("rank") if run is not None else []
        yield {
            "id": chart.chart_key,
            "engine": engine,
            "model_version": run.model_version if run is not None else "",
            "catalog_release": str(run.release) if run is not None and run.release else "",
            "codes": [_suggested(suggestion) for suggestion in suggestions],
            "error": None if run is not None else "not predicted",
        }


def _suggested(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "system": suggestion.system,
        "code": suggestion.code,
        "confidence": suggestion.confidence,
        "band": suggestion.band,
        "evidence": [
            {
                "document_id": evidence.document_version.document.source_id,
                "line_start": evidence.line_start,
                "line_end": evidence.line_end,
            }
            for evidence in suggestion.evidence.select_related("document_version__document")
        ],
    }
