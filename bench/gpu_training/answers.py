"""What was trained, asked for the codes of charts: by processes of the training environment, a chart at a time, so
that another call goes on where this one's time was over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue

from django.conf import settings

from bench.gpu_training.size import GpuSize
from catalog.jsonl import Outcome
from modelops.batch import Bands, predict_line
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.engine import LlmEngine
from modelops.engines.llm.make import NAME
from modelops.engines.llm.parts import parts_of
from modelops.engines.llm.served import FixedModel
from modelops.engines.local_transformers.process import LocalServer, Plan
from modelops.in_order import in_order
from modelops.jobs import training_environment
from tests.mini.charts import PROMPT
from tests.mini.scoring import CHART_SECONDS, CONTEXT_TOKENS, OUTPUT_TOKENS

_MODEL = "trained"


def ask(gold: Path, answers: Path, checkpoint: Path, size: GpuSize, over: Callable[[], bool]) -> bool:
    """Adds to `answers` a line for each chart that has none yet; whether all have one now. One more is asked about at
    least. Raises ServerUnavailable where the checkpoint cannot be loaded."""
    left = _unanswered(gold, answers)
    if not left:
        return True
    servers = [
        LocalServer(Plan(training_environment(), checkpoint, _MODEL, slots=1, context=CONTEXT_TOKENS))
        for _ in range(min(size.askers, len(left)))
    ]
    idle: SimpleQueue[tuple[LocalServer, LlmEngine]] = SimpleQueue()
    for server in servers:
        idle.put((server, _engine(server)))
    bands = Bands(high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM)

    def answer(raw: bytes) -> Outcome:
        server, engine = idle.get()
        try:
            # One that cannot be loaded is no chart without an answer.
            server.models()
            return predict_line(raw, engine, bands)
        finally:
            idle.put((server, engine))

    count = 0
    try:
        with answers.open("a", encoding="utf-8") as out:
            for outcome in in_order(_while_there_is_time(left, over), answer, len(servers)):
                out.write(f"{outcome.as_line()}\n")
                out.flush()
                count += 1
    finally:
        for server in servers:
            server.close()
    return count == len(left)


def _while_there_is_time(left: list[bytes], over: Callable[[], bool]) -> Iterator[bytes]:
    for number, raw in enumerate(left):
        if number and over():
            return
        yield raw


def _unanswered(gold: Path, answers: Path) -> list[bytes]:
    """Lines of `gold`. The last answer may have been cut when a call was ended: it is taken out."""
    kept = answers.read_bytes() if answers.is_file() else b""
    whole = kept[: kept.rfind(b"\n") + 1]
    if whole != kept:
        answers.write_bytes(whole)
    answered = {json.loads(line).get("id") for line in whole.splitlines()}
    lines = [line for line in gold.read_bytes().splitlines() if line.strip()]
    return [line for line in lines if json.loads(line).get("id") not in answered]


def _engine(server: LocalServer) -> LlmEngine:
    config = LlmConfig.from_settings(
        prompt=PROMPT,
        model=_MODEL,
        grounding="",
        closed=False,
        context_tokens=CONTEXT_TOKENS,
        output_tokens=OUTPUT_TOKENS,
        in_flight=1,
        chart_seconds=CHART_SECONDS,
    )
    parts = parts_of(config)
    return LlmEngine(
        server,
        config,
        name=NAME,
        model=FixedModel(_MODEL),
        grounding=parts.grounding,
        verifier=parts.verifier,
        procedures=parts.procedures,
    )
