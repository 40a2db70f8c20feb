"""What a language model's server is to an engine: requests, answers, deadlines. Plain frozen data.

Nothing here reads settings or opens a connection. Every part is safe to use from many threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from modelops.errors import Cancelled, TooSlow

# Asked again and again while something waits: must return at once and raise nothing. True: give up.
Stop = Callable[[], bool]

# A token whose alternatives all lie at or below this log probability was the only one the grammar allowed:
# servers write masked tokens as -9999, and no real distribution reaches there.
MASKED = -1000.0


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of `time.monotonic()` by which a chart must be done, and who may end it sooner."""

    ends_at: float
    stop: Stop = never

    @classmethod
    def after(cls, seconds: float, stop: Stop = never) -> Deadline:
        return cls(time.monotonic() + seconds, stop)

    def left(self) -> float:
        """Seconds until the end, never below 0."""
        return max(0.0, self.ends_at - time.monotonic())

    def check(self) -> None:
        """Raises Cancelled when it was stopped, else TooSlow when nothing is left."""
        if self.stop():
            raise Cancelled
        if self.left() <= 0:
            raise TooSlow

    def sleep(self, seconds: float, every: float = 0.1) -> None:
        """Waits, looking at `stop` every so often. Raises Cancelled or TooSlow as `check` does."""
        until = time.monotonic() + seconds
        self.check()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(every, left, self.left() + 0.001))
            self.check()


@dataclass(frozen=True, slots=True)
class Message:
    """`role` is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question. `schema`: the JSON schema that the server must hold the answer to, None for free text.

    `model`: the name of a model or adapter that the server has; "" is the server's own. There is no seed: it
    ends some servers (see docs/llm-engine.md), and greedy answers repeat themselves without one.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None
    max_tokens: int
    temperature: float = 0.0
    top_logprobs: bool = True
    model: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """One token of an answer; `forced`: the grammar left no alternative, so it says nothing of certainty.

    The texts of an answer's tokens make up its text, except where a server splits a character between tokens.
    """

    text: str
    logprob: float
    forced: bool


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What came back, valid Unicode and otherwise unchecked. `finish_reason` is "stop", or "length" when cut.

    `server` is the address of who answered; `model` is what it says it ran; `attempts` how
    many requests it took.
    """

    text: str
    finish_reason: str
    tokens: tuple[Token, ...]
    prompt_tokens: int
    output_tokens: int
    model: str
    server: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Pressure:
    """A server's own word: requests running and waiting, and the share 0..1 of its cache in use."""

    running: int
    waiting: int
    kv_usage: float


class ChatServer(Protocol):
    """One server, or several that act as one. Thread-safe.

    What can go wrong is a subclass of `modelops.errors.LlmError`; none of them carries text of a request or
    an answer, in its message or in what it was raised from.
    """

    def chat(self, request: ChatRequest, deadline: Deadline) -> ChatAnswer:
        """Asks, and asks again what is worth it, until the deadline.

        Raises ServerUnavailable or ServerBusy when trying did not help, RequestRefused, ContextTooLong,
        WrongModel, OutputInvalid (the server broke its own protocol or sent too much), TooSlow, Cancelled.
        """
        ...

    # With a deadline the next three keep to it, and raise TooSlow and Cancelled as `chat` does; without one they end
    # by themselves.

    def count_tokens(self, text: str, deadline: Deadline | None = None) -> int:
        """How many tokens the text has, without any that a prompt begins with."""
        ...

    def count_prompt_tokens(self, messages: tuple[Message, ...], deadline: Deadline | None = None) -> int:
        """How many tokens a chat request with these messages has, template included."""
        ...

    def max_context(self, deadline: Deadline | None = None) -> int:
        """Tokens that prompt and answer may have together."""
        ...

    def models(self) -> list[str]:
        """Names a request may use: models and loaded adapters."""
        ...

    def load_adapter(self, name: str, path: str) -> None:
        """Makes the adapter at `path` (as the server sees it) usable by `name`; again is no error.

        Raises RequestRefused when the server cannot read it or has no adapters.
        """
        ...

    def unload_adapter(self, name: str) -> None:
        """Takes it out; one that is not there is no error."""
        ...

    def pressure(self) -> Pressure: ...

    def healthy(self) -> bool:
        """Whether it would take a request now. Never raises."""
        ...

    def close(self) -> None:
        """Lets go of connections. What is still asked afterwards fails with ServerUnavailable."""
        ...
