"""An engine whose answer stands in the text it reads, registered through the setting ENGINES.

A line "Heart failure [I50.22 0.95]" suggests that code with the words before the bracket as its quote.
"[wait 3]" makes it take three seconds, "[fail]" and "[fail retryable]" raise, "[crash]" is a bug.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from modelops.engines.registry import get_engine
from modelops.engines.types import (
    ChartDocument,
    ChartText,
    CodeSuggestion,
    EngineInfo,
    EngineResult,
    Evidence,
)
from modelops.errors import EngineError

NAME = "marked"
PATH = "tests.engines.MarkedEngine"

_CODE = re.compile(r"^(?P<quote>.*?)\s*\[(?P<code>[A-Z][0-9A-Z.]+) (?P<confidence>[01]?\.\d+)\]$")
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
