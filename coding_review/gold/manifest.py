"""What a frozen gold set says of itself: a manifest that holds the hash of every chart, and its own SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from coding_review.audit import canonical
from coding_review.models import GoldSet, GoldSetChart, GoldSetLabel

FORMAT = "1"


def chart_hash(chart: GoldSetChart, labels: Iterable[GoldSetLabel]) -> str:
    """Over all that is frozen of a chart: its documents' hashes, its facts and its labels in one order."""
    rows = sorted(
        [
            label.system,
            label.code,
            str(label.status),
            label.reason,
            label.evidence,
            label.role,
            label.poa,
            sorted(label.domains),
            label.optional,
            label.origin,
            # Sets frozen before there was one keep their hash.
            *([] if label.sequence is None else [label.sequence]),
        ]
        for label in labels
    )
    head = [
        chart.chart_key,
        chart.documents,
        chart.facts,
        sorted(chart.domains),
        chart.traps,
        chart.setting,
        chart.specialty,
        chart.lines,
    ]
    return hashlib.sha256(canonical([head, rows]).encode()).hexdigest()


def manifest_hash(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(manifest).encode()).hexdigest()


def chart_lines(
    charts: Sequence[GoldSetChart], labels: dict[str, list[GoldSetLabel]]
) -> list[dict[str, Any]]:
    """One object a chart for the manifest; `labels` by chart key."""
    return [
        {
            "id": chart.chart_key,
            "sha256": chart_hash(chart, labels.get(chart.chart_key, ())),
            "documents": [
                {"document_id": d["document_id"], "version": d.get("version"), "sha256": d["sha256"]}
                for d in chart.documents
            ],
            "labels": len(labels.get(chart.chart_key, ())),
        }
        for chart in charts
    ]


def faults(gold_set: GoldSet) -> list[str]:
    """What of the set is not what was frozen; empty when it is whole."""
    found = []
    if manifest_hash(gold_set.manifest) != gold_set.sha256:
        found.append("its manifest is not the one that was frozen")
    told = {chart["id"]: chart["sha256"] for chart in gold_set.manifest.get("charts", ())}
    for chart in gold_set.charts.prefetch_related("labels"):
        kept = told.pop(chart.chart_key, None)
        if kept is None:
            found.append(f"chart {chart.pk} is not in its manifest")
        elif chart_hash(chart, chart.labels.all()) != kept:
            found.append(f"chart {chart.pk} is not what was frozen")
    if told:
        found.append(f"{len(told)} of its charts are gone")
    return found
