"""How long the catalog takes to load, and how many charts the embedded engine codes."""

from __future__ import annotations

import time
from datetime import timedelta

from catalog.choices import CodeSystem
from catalog.loaders.registry import open_source
from catalog.loaders.store import load
from catalog.models import Release
from coding_review.demo.encounters import demo_encounters
from modelops.engines.registry import get_engine
from modelops.engines.types import ChartDocument, ChartText
from tests.bench.figures import report, report_times, times


def load_catalog() -> Release:
    return load(open_source(CodeSystem.ICD10CM)).release


def catalog() -> None:
    begun = time.perf_counter()
    release = load_catalog()
    report(
        f"Catalog load, {release.billable_count:,} billable of {release.node_count:,} nodes",
        f"{time.perf_counter() - begun:.1f} s",
        "60 s",
    )


def demo_charts() -> list[ChartText]:
    """Every demo encounter as the engine reads it; the one outside the release is moved into it."""
    release = Release.objects.get()
    charts = []
    for demo in demo_encounters():
        incoming = demo.delivery
        on = incoming.discharge_date or incoming.date_of_service
        if on is None or not release.covers(on):
            on = release.valid_from + timedelta(days=30)
        charts.append(
            ChartText(
                id=incoming.source_id,
                documents=tuple(
                    ChartDocument(d.source_id, d.text, d.type, d.author_role) for d in incoming.documents
                ),
                claim_type=incoming.claim_types[0],
                setting=incoming.setting,
                date_of_service=on,
                discharge_date=on,
            )
        )
    return charts


def engine() -> None:
    release = Release.objects.get()
    embedded, charts = get_engine("embedded"), demo_charts()
    begun = time.perf_counter()
    embedded.predict(charts[0], release.pk)
    report("Embedded engine, first chart (reads the release's terms)", f"{time.perf_counter() - begun:.1f} s")
    begun, cpu = time.perf_counter(), time.process_time()
    rounds = 3
    for _ in range(rounds):
        for chart in charts:
            embedded.predict(chart, release.pk)
    number, seconds = rounds * len(charts), time.process_time() - cpu
    lines = rounds * sum(len(d.lines) for chart in charts for d in chart.documents)
    report(
        "Embedded engine, one core",
        f"{number / seconds:.1f} charts/s, {lines / seconds:,.0f} lines/s"
        f" ({number} charts in {time.perf_counter() - begun:.1f} s)",
    )
    report_times(
        "Embedded engine, a chart", times(lambda n: embedded.predict(charts[n % len(charts)], release.pk), 28)
    )
