"""One window put to the server until there is an answer that can be read: cut answers get more room or less text,
invalid JSON one more try, and nothing is taken half."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from modelops.engines.llm.code_prompts import CODE_PROMPTS, CODES
from modelops.engines.llm.confidence import code_probabilities
from modelops.engines.llm.config import LlmConfig
from modelops.engines.llm.parse import BadAnswer, Parsed, parse_answer
from modelops.engines.llm.ports import Candidate
from modelops.engines.llm.prompt import code_messages
from modelops.engines.llm.schema import MAX_ITEMS, Schema, closed_schema, open_schema
from modelops.engines.llm.together import together
from modelops.engines.llm.transport import ChatAnswer, ChatRequest, ChatServer, Deadline, Message
from modelops.engines.llm.windows import Window
from modelops.engines.types import ChartText
from modelops.errors import ContextTooLong, OutputInvalid

# A greedy model repeats an answer that was invalid.
RETRY_TEMPERATURE = 0.3

Result = TypeVar("Result")


class BoundTalk:
    """The server with one chart's deadline, cancellation, counts and model. See ports.Talk. Belongs to one thread;
    `most`: how many works of `at_once` run at once."""

    def __init__(
        self, server: ChatServer, deadline: Deadline, usage: Counter[str], model: str, most: int = 1
    ) -> None:
        self._server = server
        self._deadline = deadline
        self.usage = usage
        self._model = model
        self._most = most
        # By the server's own word.
        self.answered_by = ""

    def check(self) -> None:
        """Raises Cancelled or TooSlow where the chart's time has ended."""
        self._deadline.check()

    def at_once(self, works: Iterable[Callable[[BoundTalk], Result]], count: int) -> list[Result]:
        """See ports.Talk. Each work has a talk of its own, whose counts are added when all have ended."""
        failed = threading.Event()
        deadline = replace(self._deadline, stop=lambda: failed.is_set() or self._deadline.stop())
        talks: list[BoundTalk] = []

        def bound() -> Iterator[Callable[[], Result]]:
            for work in works:
                talks.append(BoundTalk(self._server, deadline, Counter(), self._model, self._most))
                yield partial(work, talks[-1])

        try:
            return together(bound(), count=count, most=self._most, failed=failed)
        finally:
            for talk in talks:
                self.usage.update(talk.usage)
                self.answered_by = talk.answered_by or self.answered_by

    def chat(self, request: ChatRequest) -> ChatAnswer:
        self._deadline.check()
        if not request.model:
            request = replace(request, model=self._model)
        answer = self._server.chat(request, self._deadline)
        self.usage["requests"] += answer.attempts
        self.usage["retries"] += answer.attempts - 1
        self.usage["prompt_tokens"] += answer.prompt_tokens
        self.usage["output_tokens"] += answer.output_tokens
        self.answered_by = answer.model
        return answer

    def count_tokens(self, text: str) -> int:
        self._deadline.check()
        return self._server.count_tokens(text, self._deadline)

    def count_prompt_tokens(self, messages: tuple[Message, ...]) -> int:
        self._deadline.check()
        return self._server.count_prompt_tokens(messages, self._deadline)

    def max_context(self) -> int:
        return self._server.max_context(self._deadline)


@dataclass(frozen=True, slots=True)
class Answered:
    """A readable answer about a window; `probabilities` by the position of its objects, None: not measured."""

    window: Window
    parsed: Parsed
    probabilities: Sequence[float | None]
    turn: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about every window of a chart."""

    chart: ChartText
    settled: Sequence[tuple[str, str]] = ()
    prompt: str = CODES


class Asker:
    """Belongs to one thread, as its talk does, whose counts it adds to."""

    def __init__(self, talk: BoundTalk, config: LlmConfig, question: Question) -> None:
        self._talk = talk
        self._config = config
        self._question = question
        self._usage = talk.usage
        self._context = min(config.context_tokens, talk.max_context())

    def ask(self, window: Window, candidates: Sequence[Candidate], turn: int) -> list[Answered]:
        """The answers that together cover the window. Raises OutputInvalid where no answer can be used, and what
        ChatServer.chat raises."""
        return self._ask(window, candidates, turn, smaller=False)

    def _ask(
        self, window: Window, candidates: Sequence[Candidate], turn: int, *, smaller: bool
    ) -> list[Answered]:
        """`smaller`: the window is already a half of one that did not do."""
        config = self._config
        temperature = config.temperature if turn == 0 else max(config.temperature, config.pass_temperature)
        room, helped, retried = config.output_tokens, smaller, False
        while True:
            try:
                answer = self._talk.chat(self._request(window, candidates, temperature, room))
            except ContextTooLong:
                if helped or not window.halves():
                    raise
                return self._halved(window, candidates, turn)
            if answer.finish_reason == "length":
                self._usage["cut_answers"] += 1
                if helped:
                    raise OutputInvalid("The language model's answer was cut off twice.")
                if answer.prompt_tokens + 2 * room <= self._context:
                    room, helped = 2 * room, True
                    self._usage["retries"] += 1
                    continue
                if not window.halves():
                    raise OutputInvalid("The language model's answer was cut off.")
                return self._halved(window, candidates, turn)
            parsed, why = _read(answer.text)
            if parsed is None:
                self._usage["invalid_answers"] += 1
                if retried:
                    raise OutputInvalid(f"The language model's answer was invalid twice ({why}).")
                retried, temperature = True, max(temperature, RETRY_TEMPERATURE)
                self._usage["retries"] += 1
                continue
            if parsed.listed >= MAX_ITEMS:
                # The grammar ends a list there: there may have been more.
                self._usage["full_lists"] += 1
                if not smaller and window.is_divisible:
                    return self._halved(window, candidates, turn)
            probabilities = code_probabilities(answer.tokens, parsed.listed, closed=config.closed)
            return [Answered(window, parsed, probabilities, turn)]

    def _halved(self, window: Window, candidates: Sequence[Candidate], turn: int) -> list[Answered]:
        self._usage["halved_windows"] += 1
        return [
            answered
            for half in window.halves()
            for answered in self._ask(half, within(candidates, half), turn, smaller=True)
        ]

    def _request(
        self, window: Window, candidates: Sequence[Candidate], temperature: float, room: int
    ) -> ChatRequest:
        return ChatRequest(
            messages=code_messages(
                self._question.chart,
                window.pieces,
                candidates,
                closed=self._config.closed,
                settled=self._question.settled,
                prompt=self._question.prompt,
            ),
            schema=self._schema(window, candidates),
            max_tokens=room,
            temperature=temperature,
        )

    def _schema(self, window: Window, candidates: Sequence[Candidate]) -> Schema:
        limits = CODE_PROMPTS[self._question.prompt]
        if self._config.closed:
            return closed_schema(candidates, limits=limits)
        return open_schema(window.first, window.last, limits=limits)


def _read(text: str) -> tuple[Parsed | None, str]:
    """What can be read, or why not; no error is left behind that holds the answer's words."""
    try:
        return parse_answer(text), ""
    except BadAnswer as error:
        return None, str(error)


def within(candidates: Sequence[Candidate], window: Window) -> tuple[Candidate, ...]:
    """Those that words of the window led to, with these words alone."""
    found = []
    for candidate in candidates:
        segments = tuple(segment for segment in candidate.segments if window.holds(segment.number))
        if segments:
            found.append(Candidate(candidate.code, candidate.description, segments, candidate.score))
    return tuple(found)
