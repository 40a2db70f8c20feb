"""One vLLM server by its OpenAI-compatible addresses. What it sends is checked before it is believed."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from modelops.engines.llm.connection import Connection, Key, Reply
from modelops.engines.llm.metrics import read_pressure
from modelops.engines.llm.retrying import ATTEMPTS, LONGEST_PAUSE, until
from modelops.engines.llm.transport import (
    MASKED,
    ChatAnswer,
    ChatRequest,
    Deadline,
    Message,
    Pressure,
    Token,
)
from modelops.errors import (
    ContextTooLong,
    LlmError,
    OutputInvalid,
    RequestRefused,
    ServerBusy,
    ServerUnavailable,
    WrongModel,
)

logger = logging.getLogger("modelops.llm")

CHAT = "/v1/chat/completions"
REQUEST_SECONDS = 120.0
LIMIT_BYTES = 8 * 1024 * 1024

# What is asked beside the charts: a server that is well answers these at once.
_ASIDE_SECONDS = 10.0
_HEALTH_SECONDS = 2.0
_COUNTED = 65536
# A token below this was not the only one, whatever the server lists beside it.
_CERTAIN = -1e-3
# Of what a busy server asks for.
_LONGEST_REST = 600.0
_TOO_LONG = ("context length", "maximum model length", "max_model_len", "too long")

Found = TypeVar("Found")


class VllmServer:
    """A ChatServer of one address. Thread-safe; connections are opened with the first request.

    `model` is what requests without a model ask for; "" means the server's first.
    `request_seconds` ends one attempt, so that a server that hangs is asked again before the chart's time is
    over; `attempts` counts all tries of one question.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: Key = "",
        model: str = "",
        attempts: int = ATTEMPTS,
        request_seconds: float = REQUEST_SECONDS,
        limit_bytes: int = LIMIT_BYTES,
    ) -> None:
        self._connection = Connection(base_url, key, limit_bytes=limit_bytes)
        self._model = model
        self._attempts = attempts
        self._request_seconds = request_seconds
        self._lock = threading.Lock()
        self._context = 0
        self._counts: OrderedDict[bytes, int] = OrderedDict()

    @property
    def name(self) -> str:
        """The address."""
        return self._connection.name

    def __repr__(self) -> str:
        return f"VllmServer({self.name!r})"

    def chat(self, request: ChatRequest, deadline: Deadline) -> ChatAnswer:
        answer, attempts = until(deadline, lambda: self.attempt(request, deadline), attempts=self._attempts)
        return replace(answer, attempts=attempts)

    def attempt(self, request: ChatRequest, deadline: Deadline) -> ChatAnswer:
        """One request, whatever comes of it. Raises as `chat` does."""
        model = request.model or self._own_model(deadline)
        reply = self._ask("POST", CHAT, deadline, self._request_seconds, _body(request, model))
        answer = _read(reply, lambda said: _answer(said, self.name))
        if answer.model != model:
            raise WrongModel
        return answer

    def count_tokens(self, text: str, deadline: Deadline | None = None) -> int:
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        with self._lock:
            if key in self._counts:
                self._counts.move_to_end(key)
                return self._counts[key]
        count = self._count({"prompt": _valid(text), "add_special_tokens": False}, deadline)
        with self._lock:
            self._counts[key] = count
            while len(self._counts) > _COUNTED:
                self._counts.popitem(last=False)
        return count

    def count_prompt_tokens(self, messages: tuple[Message, ...], deadline: Deadline | None = None) -> int:
        return self._count({"messages": _messages(messages)}, deadline)

    def max_context(self, deadline: Deadline | None = None) -> int:
        if not self._context:
            lengths = {name: length for name, length in self._served(deadline) if length}
            if not lengths:
                raise OutputInvalid("The language model's server does not say how much it takes.")
            self._context = lengths.get(self._model) or min(lengths.values())
        return self._context

    def models(self) -> list[str]:
        return [name for name, _ in self._served()]

    def load_adapter(self, name: str, path: str) -> None:
        try:
            self._aside("POST", "/v1/load_lora_adapter", {"lora_name": name, "lora_path": path}, attempts=1)
            return
        except RequestRefused as error:
            refused = RequestRefused(
                f"The language model's server does not load the adapter {name!r} ({error.status}).",
                status=error.status,
            )
        # Also what it says of a name that it has already.
        if name not in self.models():
            raise refused

    def unload_adapter(self, name: str) -> None:
        try:
            self._aside("POST", "/v1/unload_lora_adapter", {"lora_name": name}, attempts=1)
            return
        except RequestRefused as error:
            refused = RequestRefused(
                f"The language model's server does not unload the adapter {name!r} ({error.status}).",
                status=error.status,
            )
        if name in self.models():
            raise refused

    def pressure(self) -> Pressure:
        """Raises OutputInvalid where the server has no such metrics."""
        # One second more than the request: who hangs is down, no chart's time is over.
        deadline = Deadline.after(_HEALTH_SECONDS + 1)
        reply = self._ask("GET", "/metrics", deadline, _HEALTH_SECONDS)
        said = read_pressure(reply.body.decode("utf-8", "replace"))
        if said is None:
            raise OutputInvalid("The language model's server does not say how busy it is.")
        return said

    def healthy(self) -> bool:
        try:
            self._ask("GET", "/health", Deadline.after(_HEALTH_SECONDS), _HEALTH_SECONDS)
        except LlmError:
            return False
        return True

    def close(self) -> None:
        self._connection.close()

    def _own_model(self, deadline: Deadline) -> str:
        if not self._model:
            names = [name for name, _ in self._served(deadline)]
            if not names:
                raise WrongModel
            self._model = names[0]
        return self._model

    def _served(self, deadline: Deadline | None = None) -> list[tuple[str, int]]:
        """Models and adapters with their context length, 0 where it is not said."""
        reply = self._aside("GET", "/v1/models", deadline=deadline)
        return _read(reply, _cards)

    def _count(self, said: dict[str, Any], deadline: Deadline | None) -> int:
        reply = self._aside("POST", "/tokenize", said, deadline=deadline)
        return _read(reply, lambda answer: _whole(answer["count"]))

    def _aside(
        self,
        method: str,
        path: str,
        said: dict[str, Any] | None = None,
        *,
        attempts: int | None = None,
        deadline: Deadline | None = None,
    ) -> Reply:
        attempts = attempts or self._attempts
        # Without a chart's deadline: longer than all attempts with their pauses. Who hangs is down, no chart's time
        # is over.
        ends = deadline or Deadline.after((_ASIDE_SECONDS + LONGEST_PAUSE) * attempts)
        content = None if said is None else _bytes(said)
        reply, _ = until(
            ends, lambda: self._ask(method, path, ends, _ASIDE_SECONDS, content), attempts=attempts
        )
        return reply

    def _ask(
        self, method: str, path: str, deadline: Deadline, seconds: float, content: bytes | None = None
    ) -> Reply:
        """A reply that is not an error."""
        error: LlmError | None = None
        try:
            reply = self._connection.ask(method, path, deadline=deadline, seconds=seconds, content=content)
            error = _refusal(path, reply)
        except (ServerUnavailable, OutputInvalid) as raised:
            logger.warning("%s %s: %s", self.name, path, raised)
            raise
        if error is not None:
            logger.warning("%s %s: %d, %s", self.name, path, reply.status, error.code)
            raise error
        return reply


def _refusal(path: str, reply: Reply) -> LlmError | None:
    """What a status means, None for success. The reply's own words may quote the prompt and stay here."""
    status = reply.status
    if 200 <= status < 300:
        return None
    if status == 429:
        return ServerBusy(retry_after=_retry_after(reply.headers.get("retry-after", "")))
    if status >= 500 or status == 408:
        return ServerUnavailable(f"The language model's server answered with {status}.", status=status)
    if status in (401, 403):
        return RequestRefused(f"The language model's server refused the key ({status}).", status=status)
    if path == CHAT:
        words = reply.body[:4000].decode("utf-8", "replace")
        if status == 404 and "NotFoundError" in words:
            return WrongModel()
        if status in (400, 413, 422) and any(sign in words.lower() for sign in _TOO_LONG):
            return ContextTooLong(status=status)
    return RequestRefused(f"The language model's server refused the request ({status}).", status=status)


def _retry_after(said: str) -> float | None:
    """Seconds from a number or an HTTP date, ten minutes at the most: one answer takes no server out of use for a day.
    None for anything else."""
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(0.0, seconds), _LONGEST_REST) if math.isfinite(seconds) else None


def _read(reply: Reply, take: Callable[[Any], Found]) -> Found:
    """What `take` finds in the reply's JSON. Raises OutputInvalid, worth another try, without a cause: the
    errors of a JSON parser carry the whole text."""
    try:
        return take(json.loads(reply.body))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        pass
    raise OutputInvalid("The language model's server did not keep to its protocol.", retryable=True)


def _body(request: ChatRequest, model: str) -> bytes:
    said: dict[str, Any] = {
        "model": model,
        "messages": _messages(request.messages),
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
    }
    if request.top_logprobs:
        # Two: the token itself and whether the grammar left another.
        said |= {"logprobs": True, "top_logprobs": 2}
    if request.schema is not None:
        named = {"name": "answer", "schema": request.schema, "strict": True}
        said["response_format"] = {"type": "json_schema", "json_schema": named}
    return _bytes(said)


def _bytes(said: Mapping[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _messages(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": _valid(message.content)} for message in messages]


def _valid(text: str) -> str:
    """The text with U+FFFD for every lone surrogate, which no encoding of Unicode can carry."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _answer(said: Any, server: str) -> ChatAnswer:
    choice, usage = said["choices"][0], said["usage"]
    logprobs = choice.get("logprobs") or {}
    return ChatAnswer(
        text=_valid(_words(choice["message"]["content"] or "")),
        finish_reason=_words(choice["finish_reason"] or ""),
        tokens=tuple(_token(entry) for entry in logprobs.get("content") or ()),
        prompt_tokens=_whole(usage["prompt_tokens"]),
        output_tokens=_whole(usage["completion_tokens"]),
        model=_words(said["model"]),
        server=server,
    )


def _token(entry: Any) -> Token:
    """`forced` where every other candidate was masked. The token itself is one of those listed."""
    text, logprob = _words(entry["token"]), float(entry["logprob"])
    others = [one for one in entry["top_logprobs"] if one["token"] != text or one["logprob"] != logprob]
    forced = logprob > _CERTAIN and all(one["logprob"] <= MASKED for one in others)
    return Token(_valid(text), logprob, forced)


def _cards(said: Any) -> list[tuple[str, int]]:
    return [(_words(card["id"]), _whole(card.get("max_model_len") or 0)) for card in said["data"]]


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError
    return value
