"""Several servers that act as one: each request goes where it finds room, and around what is down."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol, TypeVar

from tenacity import RetryCallState

from modelops.engines.llm.breaker import Breaker, Standing
from modelops.engines.llm.client import REQUEST_SECONDS, VllmServer
from modelops.engines.llm.connection import Key
from modelops.engines.llm.rate import SharedRate
from modelops.engines.llm.retrying import ATTEMPTS, pause, until, worth_it
from modelops.engines.llm.transport import ChatAnswer, ChatRequest, Deadline, Message, Pressure
from modelops.errors import (
    Cancelled,
    LlmError,
    OutputInvalid,
    RequestRefused,
    ServerBusy,
    ServerUnavailable,
    TooSlow,
    WrongModel,
)

logger = logging.getLogger("modelops.llm")

# How old a server's word on its queue may be, and how long one that gives none is not asked again.
PRESSURE_SECONDS = 0.5
SILENT_SECONDS = 10.0

_LOOK = 0.1

Found = TypeVar("Found")


class Rate(Protocol):
    def acquire(self, deadline: Deadline) -> None:
        """Returns when a request may go out. Raises TooSlow, Cancelled, ServerUnavailable."""
        ...


@dataclass(eq=False)
class _Member:
    server: VllmServer
    weight: float
    breaker: Breaker = field(default_factory=Breaker)
    outstanding: int = 0
    served: int = 0
    # Moments of time.monotonic().
    busy_until: float = 0.0
    asked_again_at: float = 0.0
    # What the server said last; None before it was asked.
    waiting: int | None = None
    being_asked: bool = False


class ServerPool:
    """A ChatServer over servers with weights. Thread-safe: no lock is held while a server is waited for.

    A request goes to the server with the fewest requests of this process for its weight, among those that
    - have fewer than `in_flight` of them,
    - report at most `max_waiting` requests in their own queue (0: not asked),
    - did not ask for a pause (429) that still lasts,
    - and whose breaker is closed, or due and /health answers.
    Where there is none for now it waits; where all are left alone it fails with ServerUnavailable at once.
    A question that fails is asked again elsewhere first, `attempts` times in all.
    """

    def __init__(
        self,
        servers: Sequence[tuple[VllmServer, float]],
        *,
        in_flight: int = 16,
        max_waiting: int = 8,
        attempts: int = ATTEMPTS,
        rate: Rate | None = None,
        breaker: Callable[[], Breaker] = Breaker,
    ) -> None:
        if not servers:
            raise ServerUnavailable("No address of a language model's server is set.", retryable=False)
        self._members = [_Member(server, weight, breaker()) for server, weight in servers]
        self._in_flight, self._max_waiting, self._attempts = in_flight, max_waiting, attempts
        self._rate = rate
        self._changed = threading.Condition()
        self._adapters: dict[str, str] = {}

    def chat(self, request: ChatRequest, deadline: Deadline) -> ChatAnswer:
        tried: set[_Member] = set()

        def again(error: BaseException) -> bool:
            # A model that one server lacks may be on the next.
            return worth_it(error) or (isinstance(error, WrongModel) and len(tried) < len(self._members))

        def wait(state: RetryCallState) -> float:
            return 0.0 if self._another(tried) else pause(state)

        answer, attempts = until(
            deadline,
            lambda: self._attempt(request, deadline, tried),
            attempts=max(self._attempts, len(self._members)),
            again=again,
            wait=wait,
        )
        return replace(answer, attempts=attempts)

    def count_tokens(self, text: str, deadline: Deadline | None = None) -> int:
        return self._any(lambda server: server.count_tokens(text, deadline))

    def count_prompt_tokens(self, messages: tuple[Message, ...], deadline: Deadline | None = None) -> int:
        return self._any(lambda server: server.count_prompt_tokens(messages, deadline))

    def max_context(self, deadline: Deadline | None = None) -> int:
        """The least of the servers that answer."""
        return min(self._all(lambda server: server.max_context(deadline)))

    def models(self) -> list[str]:
        """What every server that answers has, in the order of the first."""
        first, *others = self._all(lambda server: server.models())
        return [name for name in first if all(name in names for names in others)]

    def load_adapter(self, name: str, path: str) -> None:
        """On every server; one that cannot be reached now gets it when it is first asked for it, as does one
        that was started anew. Raises what a server refused it with, ServerUnavailable where none has it."""
        self._all(lambda server: server.load_adapter(name, path))
        with self._changed:
            self._adapters[name] = path

    def unload_adapter(self, name: str) -> None:
        with self._changed:
            self._adapters.pop(name, None)
        self._all(lambda server: server.unload_adapter(name))

    def pressure(self) -> Pressure:
        found = self._all(lambda server: server.pressure())
        return Pressure(
            sum(one.running for one in found),
            sum(one.waiting for one in found),
            max(one.kv_usage for one in found),
        )

    def healthy(self) -> bool:
        return any(member.server.healthy() for member in self._members)

    def standings(self) -> dict[str, str]:
        """By server: closed, open or due, as its breaker stands."""
        return {member.server.name: member.breaker.standing().value for member in self._members}

    def close(self) -> None:
        for member in self._members:
            member.server.close()

    def _attempt(self, request: ChatRequest, deadline: Deadline, tried: set[_Member]) -> ChatAnswer:
        if self._rate is not None:
            self._rate.acquire(deadline)
        member = self._take(deadline, tried)
        tried.add(member)
        settle: Callable[[], None] = member.breaker.left
        try:
            answer = self._asked(member, request, deadline)
            settle = member.breaker.succeeded
        except (ServerUnavailable, WrongModel, OutputInvalid) as error:
            settle = partial(self._blame, member, error)
            raise
        except RequestRefused:
            # The request was at fault; the server is well.
            settle = member.breaker.succeeded
            raise
        except ServerBusy as error:
            settle = member.breaker.succeeded
            member.busy_until = time.monotonic() + (error.retry_after or 0.0)
            raise
        finally:
            # Left as it is by TooSlow, which may have had a second only, and by a cancellation.
            settle()
            with self._changed:
                member.outstanding -= 1
                self._changed.notify()
        return answer

    def _asked(self, member: _Member, request: ChatRequest, deadline: Deadline) -> ChatAnswer:
        try:
            return member.server.attempt(request, deadline)
        except WrongModel:
            path = self._adapters.get(request.model)
            if path is None:
                raise
        # A server that was started anew has lost what was loaded into the old one.
        member.server.load_adapter(request.model, path)
        return member.server.attempt(request, deadline)

    def _blame(self, member: _Member, error: LlmError) -> None:
        answered = not isinstance(error, ServerUnavailable) or error.status > 0
        if member.breaker.failed(answered=answered):
            logger.warning("%s is left alone: %s", member.server.name, error.code)

    def _take(self, deadline: Deadline, tried: set[_Member]) -> _Member:
        """A server with room, counted as used. Waits for one; raises ServerUnavailable when all are down."""
        while True:
            deadline.check()
            self._ask_for_pressure()
            with self._changed:
                standings = {member: member.breaker.standing() for member in self._members}
                if all(standing is Standing.OPEN for standing in standings.values()):
                    raise ServerUnavailable("No server of the language model is up.")
                member = self._best([m for m in self._members if standings[m] is not Standing.OPEN], tried)
                if member is None:
                    self._changed.wait(min(_LOOK, deadline.left()))
                    continue
                due = standings[member] is Standing.DUE
                if not member.breaker.enter():
                    continue
                member.outstanding += 1
                member.served += 1
            if due and not member.server.healthy():
                member.breaker.failed()
                with self._changed:
                    member.outstanding -= 1
                continue
            return member

    def _best(self, members: list[_Member], tried: set[_Member]) -> _Member | None:
        now = time.monotonic()
        free = [
            member
            for member in members
            if member.outstanding < self._in_flight and member.busy_until <= now and self._keeps_up(member)
        ]
        return min(
            free,
            key=lambda m: (m in tried, m.outstanding / m.weight, m.served / m.weight),
            default=None,
        )

    def _keeps_up(self, member: _Member) -> bool:
        return not self._max_waiting or (member.waiting is not None and member.waiting <= self._max_waiting)

    def _another(self, tried: set[_Member]) -> bool:
        return any(
            member not in tried and member.breaker.standing() is Standing.CLOSED for member in self._members
        )

    def _ask_for_pressure(self) -> None:
        """One thread asks a server whose word is old; the others go by what it said before."""
        if not self._max_waiting:
            return
        for member in self._members:
            with self._changed:
                if member.being_asked or member.asked_again_at > time.monotonic():
                    continue
                if member.breaker.standing() is not Standing.CLOSED:
                    continue
                member.being_asked = True
            waiting, pause_seconds = 0, SILENT_SECONDS
            try:
                waiting, pause_seconds = member.server.pressure().waiting, PRESSURE_SECONDS
            except (TooSlow, ServerUnavailable) as error:
                # It may be too busy to say: what it said before stands.
                waiting, pause_seconds = member.waiting or 0, PRESSURE_SECONDS
                logger.warning("%s does not say now how busy it is: %s", member.server.name, error.code)
            except LlmError as error:
                logger.warning("%s does not say how busy it is: %s", member.server.name, error.code)
            finally:
                with self._changed:
                    member.waiting, member.being_asked = waiting, False
                    member.asked_again_at = time.monotonic() + pause_seconds
                    self._changed.notify_all()

    def _any(self, ask: Callable[[VllmServer], Found]) -> Found:
        """From the first server that answers, those in use first."""
        order = sorted(
            self._members, key=lambda m: (m.breaker.standing() is not Standing.CLOSED, m.outstanding)
        )
        last: LlmError = ServerUnavailable()
        for member in order:
            try:
                return ask(member.server)
            except (TooSlow, Cancelled):
                # The chart's time is over, whoever would be asked next.
                raise
            except LlmError as error:
                last = error
        raise last

    def _all(self, ask: Callable[[VllmServer], Found]) -> list[Found]:
        """From every server that can be reached, at least one. Raises what another error was."""
        found: list[Found] = []
        down: LlmError | None = None
        for member in self._members:
            try:
                found.append(ask(member.server))
            except ServerUnavailable as error:
                down = error
        if not found:
            raise down or ServerUnavailable()
        return found


def pool_of(
    addresses: Sequence[str],
    *,
    key: Key = "",
    model: str = "",
    in_flight: int = 16,
    max_waiting: int = 8,
    rate: str = "",
    rate_store: str = "memory://",
    attempts: int = ATTEMPTS,
    request_seconds: float = REQUEST_SECONDS,
) -> ServerPool:
    """A pool as the settings describe it: addresses as "http://host:8000" or "http://host:8000=2" with its
    weight. Raises ValueError for a weight that is none; opens no connection."""
    servers = []
    for said in addresses:
        address, weight = weighted(said)
        # The pool itself asks again for charts; these are for what is asked beside them.
        server = VllmServer(address, key=key, model=model, attempts=2, request_seconds=request_seconds)
        servers.append((server, weight))
    return ServerPool(
        servers,
        in_flight=in_flight,
        max_waiting=max_waiting,
        attempts=attempts,
        rate=SharedRate(rate, rate_store) if rate else None,
    )


def weighted(said: str) -> tuple[str, float]:
    """Address and weight of one entry of LLM_BASE_URLS; the weight is 1 where none is given."""
    address, sign, weight = said.strip().rpartition("=")
    if not sign:
        return weight, 1.0
    number = float(weight)
    if not 0 < number < float("inf"):
        raise ValueError("a weight is above 0")
    return address, number
