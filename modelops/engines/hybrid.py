"""Knowledge first: what the embedded engine is sure of stands, and the language model is asked about the rest alone.

A term is one place that names a condition: cited by a suggestion, read as context (negated, of the family), or found
by the catalog's lookup. A term is settled where the knowledge layer answered it with HIGH confidence or read it as
context; the lines of all other terms go to the model, with the lines beside them and the heading they stand under.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from modelops.engines.embedded.engine import EmbeddedEngine
from modelops.engines.embedded.lexicon import headings
from modelops.engines.embedded.sections import Sections
from modelops.engines.llm.make import vllm_engine
from modelops.engines.llm.numbered import NumberedLine, number_lines
from modelops.engines.llm.parts import grounding
from modelops.engines.llm.ports import AsksAboutRest, Grounding, Rest
from modelops.engines.llm.transport import never
from modelops.engines.types import (
    ChartText,
    CodeSuggestion,
    Discarded,
    Engine,
    EngineInfo,
    EngineResult,
    Evidence,
)

# What the knowledge layer was not sure of and the model, asked, did not name.
REASON = "verified_out"
_BESIDE = 1

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of one chart the model was asked about; `usage` has them as hybrid_terms, hybrid_terms_asked…"""

    terms: int
    terms_asked: int
    lines: int
    lines_asked: int

    @property
    def usage(self) -> dict[str, int]:
        return {
            "hybrid_terms": self.terms,
            "hybrid_terms_asked": self.terms_asked,
            "hybrid_lines": self.lines,
            "hybrid_lines_asked": self.lines_asked,
            "hybrid_charts_asked": int(self.lines_asked > 0),
        }


class HybridEngine:
    """A StoppableEngine. `terms` finds what the knowledge layer may not know (the lookup, without knowledge);
    `high`: the confidence from which the knowledge layer's answer stands."""

    def __init__(self, knowledge: Engine, model: AsksAboutRest, terms: Grounding, *, high: float) -> None:
        self._knowledge = knowledge
        self._model = model
        self._terms = terms
        self._high = high
        self._lock = threading.Lock()

    @property
    def info(self) -> EngineInfo:
        """That of the model, under this engine's name and with the knowledge layer's version."""
        return self._info(self._model.info)

    @property
    def in_flight(self) -> int:
        """How many charts at once keep the model's servers busy."""
        return self._model.in_flight

    def _info(self, of_model: EngineInfo) -> EngineInfo:
        knowledge = self._knowledge.info.model_version
        return replace(
            of_model,
            name="hybrid",
            model_version=f"{of_model.model_version}+{knowledge}",
            details={**of_model.details, "knowledge": knowledge, "high": f"{self._high:g}"},
        )

    def predict(self, chart: ChartText, release_id: int) -> EngineResult:
        return self.predict_until(chart, release_id, never)

    def predict_until(self, chart: ChartText, release_id: int, stop: Callable[[], bool]) -> EngineResult:
        """See StoppableEngine. Where the model fails, the chart fails: half an answer would look like a whole one."""
        # The knowledge layer keeps caches of its own and is asked by one thread at a time.
        with self._lock:
            known = self._knowledge.predict(chart, release_id)
        lines = number_lines(chart)
        settled = tuple(said for said in known.suggestions if said.confidence >= self._high)
        unsure = tuple(said for said in known.suggestions if said.confidence < self._high)
        asked, shares = self._asked(chart, lines, release_id, known, settled, unsure)
        if not asked:
            return replace(known, usage={**known.usage, **shares.usage})
        told = tuple((said.code, said.description) for said in settled)
        answer = self._model.predict_rest(chart, release_id, Rest(asked, told), stop)
        return joined(known, settled, unsure, answer, shares)

    def _asked(
        self,
        chart: ChartText,
        lines: Sequence[NumberedLine],
        release_id: int,
        known: EngineResult,
        settled: Sequence[CodeSuggestion],
        unsure: Sequence[CodeSuggestion],
    ) -> tuple[frozenset[Place], Shares]:
        of_settled = _Spans(place for said in settled for place in said.evidence)
        of_settled.add(mention.evidence for mention in known.context)
        of_unsure = _Spans(place for said in unsure for place in said.evidence)
        places = {line.number: (line.document_id, line.line) for line in lines}
        others = _Spans(())
        for candidate in self._terms.candidates(chart, lines, release_id):
            for segment in candidate.segments:
                span = (*places[segment.number], segment.col_start, segment.col_end)
                if not any(spans.meets(*span) for spans in (of_settled, of_unsure, others)):
                    others.put(*span)
        wanted = {*of_unsure.lines, *others.lines}
        filled = {(line.document_id, line.line) for line in lines if line.text.strip()}
        shown = frozenset(_with_surroundings(chart, wanted) & filled)
        asked = of_unsure.count + others.count
        return shown, Shares(of_settled.count + asked, asked, len(filled), len(shown))


def joined(
    known: EngineResult,
    settled: Sequence[CodeSuggestion],
    unsure: Sequence[CodeSuggestion],
    answer: EngineResult,
    shares: Shares,
) -> EngineResult:
    """The settled codes, then the model's; a code of both keeps the knowledge layer's answer. What the knowledge
    layer was unsure of stands only where the model names it too."""
    taken = {(said.system, said.code) for said in settled}
    added = [said for said in answer.suggestions if (said.system, said.code) not in taken]
    named = {(said.system, said.code) for said in added}
    again = tuple(
        Discarded(said.code, "duplicate") for said in answer.suggestions if (said.system, said.code) in taken
    )
    left = tuple(Discarded(said.code, REASON) for said in unsure if (said.system, said.code) not in named)
    return EngineResult(
        suggestions=(*settled, *added),
        context=known.context,
        discarded=(*known.discarded, *answer.discarded, *again, *left),
        usage={**answer.usage, **shares.usage},
    )


class _Spans:
    """Places of a chart, those that touch counted once."""

    def __init__(self, places: Iterable[Evidence]) -> None:
        self._by_line: dict[Place, list[tuple[int, int]]] = {}
        self.count = 0
        self.add(places)

    @property
    def lines(self) -> Iterable[Place]:
        return self._by_line

    def add(self, places: Iterable[Evidence]) -> None:
        for place in places:
            new = False
            for line in range(place.line_start, place.line_end + 1):
                start = place.col_start if line == place.line_start else 0
                end = place.col_end if line == place.line_end else 1 << 30
                if not self.meets(place.document_id, line, start, end):
                    self._by_line.setdefault((place.document_id, line), []).append((start, end))
                    new = True
            self.count += new

    def put(self, document_id: str, line: int, start: int, end: int) -> None:
        self._by_line.setdefault((document_id, line), []).append((start, end))
        self.count += 1

    def meets(self, document_id: str, line: int, start: int, end: int) -> bool:
        return any(start < last and first < end for first, last in self._by_line.get((document_id, line), ()))


def _with_surroundings(chart: ChartText, wanted: Iterable[Place]) -> set[Place]:
    """The lines, those beside them, and the first line of the section each stands in."""
    starts = {
        document.document_id: sorted(Sections(document.lines, headings()).borders)
        for document in chart.documents
    }
    found: set[Place] = set()
    for document_id, line in wanted:
        found.update((document_id, near) for near in range(line - _BESIDE, line + _BESIDE + 1))
        at = bisect_right(starts[document_id], line)
        if at:
            found.add((document_id, starts[document_id][at - 1]))
    return found


def hybrid_engine(**overrides: object) -> HybridEngine:
    """By the settings; `overrides` as in modelops.engines.llm.make.vllm_engine."""
    return HybridEngine(
        EmbeddedEngine(), vllm_engine(**overrides), grounding(knowledge=False), high=settings.BAND_HIGH
    )
