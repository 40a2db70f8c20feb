"""Knowledge first: what the embedded engine is sure of stands, and the language model is asked about the rest alone.

Which terms the knowledge layer is sure of is sureness.py; the lines of all other terms go to the model, with the lines
beside them and the heading they stand under.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from modelops.engines.embedded.engine import EmbeddedEngine
from modelops.engines.embedded.lexicon import headings
from modelops.engines.embedded.sections import Sections
from modelops.engines.embedded.standing import Standings
from modelops.engines.llm.line_lookup import LineLookup
from modelops.engines.llm.make import vllm_engine
from modelops.engines.llm.numbered import NumberedLine, number_lines
from modelops.engines.llm.ports import AsksAboutRest, Rest
from modelops.engines.llm.transport import never
from modelops.engines.sureness import LookupTerms, Place, Settled, Sureness, Term, settle
from modelops.engines.types import (
    ChartText,
    CodeSuggestion,
    Discarded,
    Engine,
    EngineInfo,
    EngineResult,
)

# What the knowledge layer was not sure of and the model, asked, did not name.
REASON = "not_confirmed"
# What it found too unlikely to ask about, and the model did not name either.
DOUBTED = "doubted"
# Which layer a code is from, for whoever reads why it is suggested.
KNOWN = "Settled by the knowledge layer: the language model was not asked about it."


class Terms(Protocol):
    """Finds the words that may name a condition."""

    def terms(self, lines: Sequence[NumberedLine], release_id: int) -> Sequence[Term]: ...


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of one chart the model was asked about; `usage` has them as hybrid_terms, hybrid_terms_asked… and by
    the rule that settled them (hybrid_by_confidence…)."""

    terms: int
    terms_asked: int
    lines: int
    lines_asked: int
    by_rule: Mapping[str, int]

    @property
    def usage(self) -> dict[str, int]:
        return {
            "hybrid_terms": self.terms,
            "hybrid_terms_asked": self.terms_asked,
            "hybrid_lines": self.lines,
            "hybrid_lines_asked": self.lines_asked,
            "hybrid_charts_asked": int(self.lines_asked > 0),
            **{f"hybrid_by_{rule}": count for rule, count in self.by_rule.items() if count},
        }


class HybridEngine:
    """A StoppableEngine. `terms` finds what the knowledge layer may not know, `sure` says which of it all it is sure
    of."""

    def __init__(
        self, knowledge: Engine, model: AsksAboutRest, terms: Terms, sure: Sureness | None = None
    ) -> None:
        self._knowledge = knowledge
        self._model = model
        self._terms = terms
        self._sure = sure or Sureness()
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
            details={**of_model.details, "knowledge": knowledge, "sure": self._sure.said},
        )

    def predict(self, chart: ChartText, release_id: int) -> EngineResult:
        return self.predict_until(chart, release_id, never)

    def predict_until(self, chart: ChartText, release_id: int, stop: Callable[[], bool]) -> EngineResult:
        """See StoppableEngine. Where the model fails, the chart fails: half an answer would look like a whole one."""
        # The knowledge layer keeps caches of its own and is asked by one thread at a time.
        with self._lock:
            known = self._knowledge.predict(chart, release_id)
        lines = number_lines(chart)
        terms = self._terms.terms(lines, release_id)
        settled = settle(self._sure, chart, known, terms, Standings(chart) if terms else None)
        filled = {(line.document_id, line.line) for line in lines if line.text.strip()}
        shown = frozenset(_with_surroundings(chart, settled.asked, self._sure.beside) & filled)
        shares = Shares(settled.terms, settled.terms_asked, len(filled), len(shown), settled.by_rule)
        if not shown:
            return joined(known, settled, EngineResult((), usage=known.usage), shares)
        told = tuple((said.code, said.description) for said in settled.stand)
        answer = self._model.predict_rest(chart, release_id, Rest(shown, told), stop)
        made_by = self._info(answer.made_by or self._model.info)
        return replace(joined(known, settled, answer, shares), made_by=made_by)


def joined(known: EngineResult, settled: Settled, answer: EngineResult, shares: Shares) -> EngineResult:
    """The settled codes, then the model's; a code of both keeps the knowledge layer's answer. What the knowledge
    layer was unsure of, or doubted, stands only where the model names it too."""
    taken = {(said.system, said.code) for said in settled.stand}
    added = [said for said in answer.suggestions if (said.system, said.code) not in taken]
    named = {(said.system, said.code) for said in added}
    again = tuple(
        Discarded(said.code, "duplicate") for said in answer.suggestions if (said.system, said.code) in taken
    )
    left = tuple(_left(settled.unsure, REASON, named))
    doubted = tuple(_left(settled.doubted, DOUBTED, named))
    usage = Counter(answer.usage)
    usage.update(
        {
            "dropped_duplicate": len(again),
            f"dropped_{REASON}": len(left),
            f"dropped_{DOUBTED}": len(doubted),
        }
    )
    return EngineResult(
        suggestions=(*map(_settled, settled.stand), *added),
        context=known.context,
        discarded=(*known.discarded, *answer.discarded, *again, *left, *doubted),
        usage={**+usage, **shares.usage},
    )


def _left(
    suggestions: Iterable[CodeSuggestion], reason: str, named: Container[tuple[str, str]]
) -> Iterator[Discarded]:
    return (Discarded(said.code, reason) for said in suggestions if (said.system, said.code) not in named)


def _settled(said: CodeSuggestion) -> CodeSuggestion:
    return replace(said, rationale=f"{said.rationale} {KNOWN}".strip())


def _with_surroundings(chart: ChartText, wanted: Iterable[Place], beside: int) -> set[Place]:
    """The lines, those beside them, and the first line of the section each stands in."""
    starts = {
        document.document_id: sorted(Sections(document.lines, headings()).borders)
        for document in chart.documents
    }
    found: set[Place] = set()
    for document_id, line in wanted:
        found.update((document_id, near) for near in range(line - beside, line + beside + 1))
        at = bisect_right(starts[document_id], line)
        if at:
            found.add((document_id, starts[document_id][at - 1]))
    return found


def hybrid_engine(**overrides: object) -> HybridEngine:
    """By the settings; `overrides` as in modelops.engines.llm.make.vllm_engine. The lines are looked up once, for the
    terms here and for the candidates of the model's prompt."""
    lookup = LineLookup()
    model = vllm_engine(lookup=lookup, **overrides)
    return HybridEngine(EmbeddedEngine(), model, LookupTerms(lookup), Sureness.from_settings())
