"""An engine whose answer stands in the text it reads, registered through the setting ENGINES.

A line "Heart failure [I50.22 0.95]" suggests that code with the words before the bracket as its quote.
"[wait 3]" makes it take three seconds, "[fail]" and "[fail retryable]" raise, "[crash]" is a bug.

The engine "served" stands for one that asks a server: it can be stopped while it waits, "[hang]" never ends by
itself, and its server is away while a file of that name lies where the environment says.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelops.engines.registry import get_engine
from modelops.engines.types import (
    ChartDocument,
    ChartText,
    CodeSuggestion,
    Discarded,
    EngineInfo,
    EngineResult,
    Evidence,
)
from modelops.errors import Cancelled, EngineError, ServerUnavailable

NAME = "marked"
PATH = "tests.engines.MarkedEngine"
SERVED = "served"
SERVED_PATH = "tests.engines.ServedEngine"
# Names a file: while it is there, the server of the engine "served" is away.
AWAY = "TESTS_SERVER_AWAY"

_CODE = re.compile(r"^(?P<quote>.*?)\s*\[(?P<code>[A-Z][0-9A-Z.]+) (?P<confidence>[01]?\.\d+)\]$")
# Output that the engine itself leaves out: "[out Z99.9 fabricated]".
_LEFT_OUT = re.compile(r"\[out (\S+) (\w+)\]")
_WAIT = re.compile(r"\[wait (\d+(?:\.\d+)?)\]")


class MarkedEngine:
    model_version = "marked-1"

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(name=NAME, model_version=self.model_version)

    def predict(self, chart: ChartText, release_id: int) -> EngineResult:
        found: dict[str, tuple[float, list[Evidence]]] = {}
        for document in chart.documents:
            self._obey(document.text)
            for code, confidence, evidence in marked(document):
                found.setdefault(code, (confidence, []))[1].append(evidence)
        return EngineResult(
            tuple(
                CodeSuggestion("icd10cm", code, "as the engine says", confidence, "", tuple(evidence))
                for code, (confidence, evidence) in found.items()
            )
        )

    def _obey(self, text: str) -> None:
        for seconds in _WAIT.findall(text):
            time.sleep(float(seconds))
        if "[fail retryable]" in text:
            raise EngineError("The model server is busy.", retryable=True)
        if "[fail]" in text:
            raise EngineError("The model gave no answer.")
        if "[crash]" in text:
            raise LookupError(text)


class ServedEngine(MarkedEngine):
    """Of any thread. Looks twenty times a second whether it is to stop."""

    @property
    def info(self) -> EngineInfo:
        return EngineInfo(
            name=SERVED,
            model_version="served-1",
            prompt_version="plain-1@0123456789ab",
            adapter="cardiology-7",
            prompt_hash="ab" * 32,
        )

    def predict_until(self, chart: ChartText, release_id: int, stop: Callable[[], bool]) -> EngineResult:
        if Path(os.environ.get(AWAY, "/nonexistent")).exists():
            raise ServerUnavailable
        until = time.monotonic()
        for document in chart.documents:
            until += sum(float(seconds) for seconds in _WAIT.findall(document.text))
            until += 3600 * document.text.count("[hang]")
        while time.monotonic() < until:
            if stop():
                raise Cancelled
            time.sleep(0.05)
        result = super().predict(chart, release_id)
        left_out = tuple(
            Discarded(code, reason)
            for document in chart.documents
            for code, reason in _LEFT_OUT.findall(document.text)
        )
        usage = {"requests": 1, "prompt_tokens": 900, "output_tokens": 120}
        return replace(result, discarded=left_out, usage=usage)

    def _obey(self, text: str) -> None:
        super()._obey(_WAIT.sub("", text))


def marked(document: ChartDocument) -> Iterator[tuple[str, float, Evidence]]:
    for number, line in enumerate(document.lines, start=1):
        if match := _CODE.match(line):
            quote = match["quote"]
            start = len(quote) - len(quote.lstrip())
            evidence = Evidence(document.document_id, number, number, start, len(quote), quote[start:])
            yield match["code"], float(match["confidence"]), evidence


@pytest.fixture
def marked_engine(settings: Any) -> Iterator[type[MarkedEngine]]:
    """The engine in force; its model_version may be changed for the length of a test."""
    settings.ENGINE, settings.ENGINES = NAME, {NAME: PATH}
    get_engine.cache_clear()
    before = MarkedEngine.model_version
    yield MarkedEngine
    MarkedEngine.model_version = before
    get_engine.cache_clear()


@pytest.fixture
def served_engine(settings: Any) -> Iterator[None]:
    """The engine that asks a server is in force; the embedded engine's place is taken by the marked one."""
    settings.ENGINE, settings.INFERENCE_ENGINES = SERVED, [SERVED]
    settings.ENGINES = {SERVED: SERVED_PATH, "embedded": PATH}
    get_engine.cache_clear()
    yield
    get_engine.cache_clear()
