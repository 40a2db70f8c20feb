"""What the engine asks of grounding, verification and procedure coding, and what it gives them: data and Protocols.

The engine is given these parts when it is made and knows no more of them than stands here. All of them are asked by
many threads at once and keep no state of a chart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from modelops.engines.llm.transport import ChatAnswer, ChatRequest, Message
from modelops.engines.llm.windows import Window
from modelops.engines.types import ChartText, CodeSuggestion, Discarded, EngineInfo, EngineResult

Result = TypeVar("Result")


class Line(Protocol):
    """A line of the chart: `number` counts over all documents from 1, `line` within its document."""

    @property
    def number(self) -> int: ...
    @property
    def document_id(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Segment:
    """Words of one line, `text` verbatim; columns are code points of the line, `col_end` exclusive."""

    number: int
    col_start: int
    col_end: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A billable code of the release and the words of the chart that led to it, the likeliest first."""

    code: str
    description: str
    segments: tuple[Segment, ...]
    score: float = 0.0


class Talk(Protocol):
    """A model server as the parts of one prediction see it: the engine binds deadline, cancellation and the counting
    of requests and tokens to it. Raises what ChatServer.chat raises."""

    def chat(self, request: ChatRequest) -> ChatAnswer: ...
    def count_prompt_tokens(self, messages: tuple[Message, ...]) -> int: ...
    def max_context(self) -> int: ...

    def at_once(self, works: Iterable[Callable[[Talk], Result]], count: int) -> list[Result]:
        """What each work returns, in their order; `count` is how many there are at most. They run at once, each in a
        thread with a talk of its own, and touch nothing else that changes, nor the database. `works` is read in the
        calling thread. Where one fails the others are stopped, and its error is raised when all have ended."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a part made of its input; `usage` is added to that of the prediction."""

    suggestions: tuple[CodeSuggestion, ...]
    discarded: tuple[Discarded, ...] = ()
    usage: Mapping[str, int] = field(default_factory=dict)


class Grounding(Protocol):
    @property
    def said(self) -> str:
        """Its limits in one line: what confidences depend on is stored with a prediction."""
        ...

    def candidates(self, chart: ChartText, lines: Sequence[Line], release_id: int) -> tuple[Candidate, ...]:
        """Codes that the catalog finds in the lines of one window of the chart, each code once, the likeliest first:
        a prompt with less room takes the first of them."""
        ...


class Verifier(Protocol):
    @property
    def prompt_version(self) -> str: ...

    def verify(
        self, suggestions: Sequence[CodeSuggestion], candidates: Sequence[Candidate], talk: Talk
    ) -> Outcome:
        """Looks again at each suggestion by its code, description and evidence alone: kept, replaced by a candidate,
        or discarded as `verified_out`. `candidates` are those of all windows."""
        ...


class ProcedureCoder(Protocol):
    @property
    def prompt_version(self) -> str: ...

    def code(self, chart: ChartText, windows: Sequence[Window], talk: Talk) -> Outcome:
        """Procedures from the chart's `procedure_releases`; nothing, and nothing asked, on facility inpatient claims
        and without a release."""
        ...


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left to ask of a chart: the (document_id, line) to show, and the (code, description) already settled,
    which the prompt tells so that they are not given again."""

    lines: frozenset[tuple[str, int]]
    settled: tuple[tuple[str, str], ...] = ()


class AsksAboutRest(Protocol):
    """An engine that can be asked about a part of a chart; evidence stays that of the whole chart."""

    @property
    def info(self) -> EngineInfo: ...
    @property
    def in_flight(self) -> int: ...

    def predict_rest(
        self, chart: ChartText, release_id: int, rest: Rest, stop: Callable[[], bool]
    ) -> EngineResult:
        """As StoppableEngine.predict_until, of the lines in `rest` alone."""
        ...
