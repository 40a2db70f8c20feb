"""The stand-in: the part of vLLM's addresses that the product uses, 16 slots, metrics, and faults on order."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.standin import answers, terms
from tests.standin.faults import CHAT, Order, Orders, spoiled_text

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# What a chat template adds to every message.
TEMPLATE_TOKENS = 4


@dataclass
class Config:
    model: str = "standin"
    key: str = ""
    slots: int = 16
    context: int = 8192
    max_loras: int = 2
    # How long a request keeps its slot: for all, and more for every token of the answer.
    request_seconds: float = 0.0
    token_seconds: float = 0.0


@dataclass
class State:
    orders: Orders = field(default_factory=Orders)
    requests: Counter[str] = field(default_factory=Counter)
    # Requests that a fault was given to, by the first numbered line of their prompt.
    struck: Counter[str] = field(default_factory=Counter)
    script: deque[str] = field(default_factory=deque)
    bodies: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=200))
    adapters: dict[str, str] = field(default_factory=dict)
    running: int = 0
    waiting: int = 0
    peak_running: int = 0
    peak_waiting: int = 0
    abandoned: int = 0
    slot_seconds: float = 0.0
    # When the first request got a slot, and when the last gave its own up.
    busy_from: float | None = None
    busy_until: float = 0.0
    prompt_tokens: int = 0
    output_tokens: int = 0
    # Set by a test: what /metrics says instead of the truth.
    told_waiting: int | None = None


class StandIn:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.state = State()
        self._slots = asyncio.Semaphore(config.slots)
        self._ill = False

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=32 * 1024 * 1024)
        app.add_routes(
            [
                web.post(CHAT, self._chat),
                web.post("/tokenize", self._tokenize),
                web.get("/v1/models", self._models),
                web.post("/v1/load_lora_adapter", self._load),
                web.post("/v1/unload_lora_adapter", self._unload),
                web.get("/health", self._health),
                web.get("/metrics", self._metrics),
                web.get("/standin/state", self._told),
                web.get("/standin/requests", self._asked),
                web.post("/standin/faults", self._order),
                web.post("/standin/script", self._script),
                web.post("/standin/set", self._set),
                web.post("/standin/reset", self._reset),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The key, the count, and the faults that strike whatever is asked; those of chats come later."""
        if request.path.startswith("/standin/"):
            return await handler(request)
        self.state.requests[request.path] += 1
        key = self.config.key
        if key and request.path.startswith("/v1") and request.headers.get("Authorization") != f"Bearer {key}":
            return web.json_response({"error": "Unauthorized"}, status=401)
        if request.path == CHAT:
            return await handler(request)
        order = self.state.orders.next_for(request.path)
        if order is None:
            return await handler(request)
        return await self._instead(request, order, "") or await handler(request)

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        order = self.state.orders.next_for(CHAT)
        body = json.loads(await request.read())
        self.state.bodies.append(body)
        messages = body["messages"]
        model = body.get("model") or self.config.model
        prompt = _prompt_tokens(messages)
        if order is not None:
            self.state.struck[_first_line(messages)] += 1
        if order is not None and order.kind in ("status", "busy", "reset"):
            # Before a slot: this is how an overloaded server or the proxy before it answers.
            return await self._instead(request, order, messages[-1]["content"]) or web.Response()
        if model not in (self.config.model, *self.state.adapters):
            return _error(404, f"The model `{model}` does not exist.", "NotFoundError", "model")
        context = self.config.context
        if body["max_tokens"] > context:
            asked = f"max_tokens={body['max_tokens']}"
            return _error(400, f"{asked} cannot be greater than max_model_len={context}.")
        if prompt >= context:
            # vLLM 0.32: room for the answer is not counted here; what is left of it is given.
            return _error(
                400,
                f"This model's maximum context length is {context} tokens. However, your prompt contains {prompt} "
                f"input tokens: {messages[-1]['content'][:80]}",
            )
        async with _Slot(self, self._slots):
            return await self._answer(request, body, model, prompt, order)

    async def _answer(
        self, request: web.Request, body: dict[str, Any], model: str, prompt: int, order: Order | None
    ) -> web.StreamResponse:
        schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
        try:
            if self.state.script:
                pieces: list[answers.Piece] = [(self.state.script.popleft(), False)]
            else:
                pieces = answers.answer(body["messages"], schema)
        except answers.BadSchema as error:
            return _error(400, f"Invalid schema ({error}): {body['messages'][-1]['content'][:80]}")
        kind = order.kind if order else ""
        if kind in ("invalid_json", "wrong_schema", "unicode_junk", "injection", "mute"):
            pieces = [(spoiled_text(kind, "".join(text for text, _ in pieces)), False)]
        tokens = [(token, forced) for text, forced in pieces for token in answers.tokens_of(text)]
        room = min(body["max_tokens"], self.config.context - prompt)
        limit = max(1, len(tokens) // 2) if kind == "length" else room
        cut = len(tokens) > limit or kind == "length"
        tokens = tokens[:limit]
        seconds = self.config.request_seconds + self.config.token_seconds * len(tokens)
        if kind == "slow" and order:
            seconds += order.seconds
        if seconds > 0:
            await asyncio.sleep(seconds)
        self.state.prompt_tokens += prompt
        self.state.output_tokens += len(tokens)
        named = f"{model}-of-another-day" if kind == "wrong_model" else model
        payload = _completion(tokens, named, "length" if cut else "stop", prompt, bool(body.get("logprobs")))
        if order is not None:
            spoiled = await self._instead(request, order, body["messages"][-1]["content"], payload)
            if spoiled is not None:
                return spoiled
        return web.Response(body=payload, content_type="application/json")

    async def _instead(
        self, request: web.Request, order: Order, prompt: str, payload: bytes = b"{}"
    ) -> web.StreamResponse | None:
        """The fault as a response, None when it lies in the answer itself."""
        if order.kind == "status":
            return _error(order.status, f"Something broke at: {prompt}", "InternalServerError")
        if order.kind == "busy":
            headers = {"Retry-After": f"{order.seconds:g}"} if order.seconds else {}
            return _error(429, f"Too many requests: {prompt}", "RateLimit", headers=headers)
        if order.kind == "reset":
            _reset(request)
            return web.Response()
        if order.kind == "hang":
            await asyncio.sleep(3600)
        if order.kind == "slow" and request.path != CHAT:
            await asyncio.sleep(order.seconds)
        if order.kind == "invalid_body":
            return web.Response(body=b"<html>" + prompt.encode("utf-8", "replace"), content_type="text/html")
        if order.kind == "foreign_body":
            return web.json_response({"choices": [{"text": prompt}], "usage": None})
        if order.kind in ("half", "drip", "huge"):
            return await _by_pieces(request, order, payload)
        return None

    async def _tokenize(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        if "messages" in body:
            count = _prompt_tokens(body["messages"])
        else:
            count = answers.count(body["prompt"]) + bool(body.get("add_special_tokens", True))
        said = {"count": count, "max_model_len": self.config.context, "tokens": [0] * count}
        return web.json_response(said)

    async def _models(self, request: web.Request) -> web.StreamResponse:
        base = {"id": self.config.model, "object": "model", "max_model_len": self.config.context}
        more = [
            {"id": name, "object": "model", "root": path, "parent": self.config.model, "max_model_len": None}
            for name, path in self.state.adapters.items()
        ]
        return web.json_response({"object": "list", "data": [base, *more]})

    async def _load(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        name, path = body["lora_name"], body["lora_path"]
        if name in self.state.adapters and not body.get("load_inplace"):
            return _error(400, f"The lora adapter '{name}' has already been loaded.", "InvalidUserInput")
        if not path or "missing" in path:
            return _error(404, f"No adapter found for '{path}'.", "NotFoundError")
        self.state.adapters[name] = path
        return web.Response(text=f"Success: LoRA adapter '{name}' added successfully.")

    async def _unload(self, request: web.Request) -> web.StreamResponse:
        name = json.loads(await request.read())["lora_name"]
        if self.state.adapters.pop(name, None) is None:
            return _error(404, f"The lora adapter '{name}' cannot be found.", "NotFoundError")
        return web.Response(text=f"Success: LoRA adapter '{name}' removed successfully.")

    async def _health(self, request: web.Request) -> web.StreamResponse:
        return web.Response(status=503 if self._ill else 200)

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        state, model = self.state, self.config.model
        waiting = state.waiting if state.told_waiting is None else state.told_waiting
        label = f'{{engine="0",model_name="{model}"}}'
        lines = [
            "# HELP vllm:num_requests_running Number of requests in model execution batches.",
            "# TYPE vllm:num_requests_running gauge",
            f"vllm:num_requests_running{label} {float(state.running)}",
            "# TYPE vllm:num_requests_waiting gauge",
            f"vllm:num_requests_waiting{label} {float(waiting)}",
            "# TYPE vllm:num_requests_waiting_by_reason gauge",
            f'vllm:num_requests_waiting_by_reason{{engine="0",model_name="{model}",reason="capacity"}} 99.0',
            "# TYPE vllm:kv_cache_usage_perc gauge",
            f"vllm:kv_cache_usage_perc{label} {state.running / self.config.slots / 2}",
            "# TYPE vllm:generation_tokens counter",
            f"vllm:generation_tokens_total{label} {float(state.output_tokens)}",
        ]
        return web.Response(text="\n".join(lines) + "\n")

    async def _told(self, request: web.Request) -> web.StreamResponse:
        state = self.state
        return web.json_response(
            {
                "requests": state.requests,
                "chats": state.requests[CHAT],
                "faults": state.orders.given,
                "struck": state.struck,
                "running": state.running,
                "waiting": state.waiting,
                "peak_running": state.peak_running,
                "peak_waiting": state.peak_waiting,
                "abandoned": state.abandoned,
                "slot_seconds": state.slot_seconds,
                "busy_seconds": 0.0 if state.busy_from is None else state.busy_until - state.busy_from,
                "prompt_tokens": state.prompt_tokens,
                "output_tokens": state.output_tokens,
                "adapters": state.adapters,
                "processor_seconds": time.process_time(),
            }
        )

    async def _asked(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(list(self.state.bodies))

    async def _order(self, request: web.Request) -> web.StreamResponse:
        try:
            self.state.orders.add(Order.read(await request.json()))
        except (TypeError, ValueError) as error:
            return web.Response(status=400, text=str(error))
        return web.Response()

    async def _script(self, request: web.Request) -> web.StreamResponse:
        """{"contents": [...]}: what the model says to the next requests, word for word."""
        self.state.script.extend((await request.json())["contents"])
        return web.Response()

    async def _set(self, request: web.Request) -> web.StreamResponse:
        """Any of waiting (what /metrics says, null for the truth), healthy, request_seconds, token_seconds."""
        said = await request.json()
        if "waiting" in said:
            self.state.told_waiting = said["waiting"]
        self._ill = not said.get("healthy", not self._ill)
        self.config.request_seconds = said.get("request_seconds", self.config.request_seconds)
        self.config.token_seconds = said.get("token_seconds", self.config.token_seconds)
        return web.Response()

    async def _reset(self, request: web.Request) -> web.StreamResponse:
        """Counts, orders and script are forgotten; what still runs keeps its slot and is counted."""
        running, waiting = self.state.running, self.state.waiting
        old, self.state = self.state, State()
        old.orders.clear()
        self.state.running, self.state.waiting = running, waiting
        self._ill = False
        self.config.request_seconds = self.config.token_seconds = 0.0
        return web.Response()


class _Slot:
    """One of the server's places for a running request."""

    def __init__(self, standin: StandIn, slots: asyncio.Semaphore) -> None:
        self._standin, self._slots = standin, slots
        self._since = 0.0

    async def __aenter__(self) -> None:
        self._standin.state.waiting += 1
        self._standin.state.peak_waiting = max(
            self._standin.state.peak_waiting, self._standin.state.waiting - (not self._slots.locked())
        )
        try:
            await self._slots.acquire()
        except asyncio.CancelledError:
            self._standin.state.abandoned += 1
            raise
        finally:
            self._standin.state.waiting -= 1
        state = self._standin.state
        state.running += 1
        state.peak_running = max(state.peak_running, state.running)
        self._since = time.monotonic()
        if state.busy_from is None:
            state.busy_from = self._since

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._slots.release()
        state = self._standin.state
        state.running -= 1
        state.busy_until = time.monotonic()
        state.slot_seconds += state.busy_until - self._since
        if kind is not None and issubclass(kind, asyncio.CancelledError):
            state.abandoned += 1


def _prompt_tokens(messages: list[dict[str, str]]) -> int:
    return sum(answers.count(message["content"]) + TEMPLATE_TOKENS for message in messages)


def _first_line(messages: list[dict[str, str]]) -> str:
    found = terms.numbered_lines(messages[-1]["content"])
    return found[0][1] if found else ""


def _completion(
    tokens: list[tuple[str, bool]], model: str, finish: str, prompt: int, logprobs: bool
) -> bytes:
    text = json.dumps("".join(token for token, _ in tokens))
    entries = ",".join(answers.logprob_entry(token, forced) for token, forced in tokens)
    content = f'{{"content":[{entries}]}}' if logprobs else "null"
    return (
        f'{{"id":"chatcmpl-standin","object":"chat.completion","created":{int(time.time())},'
        f'"model":{json.dumps(model)},"choices":[{{"index":0,"message":{{"role":"assistant","content":{text}}},'
        f'"logprobs":{content},"finish_reason":"{finish}"}}],"usage":{{"prompt_tokens":{prompt},'
        f'"completion_tokens":{len(tokens)},"total_tokens":{prompt + len(tokens)}}}}}'
    ).encode()


def _error(
    status: int,
    message: str,
    kind: str = "BadRequestError",
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """As vLLM writes it: the message may quote the prompt."""
    said = {"error": {"message": message, "type": kind, "param": param, "code": status}}
    return web.json_response(said, status=status, headers=headers)


def _reset(request: web.Request) -> None:
    """The peer sees a reset, not an orderly end."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def _by_pieces(request: web.Request, order: Order, payload: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    if order.kind == "huge":
        response.content_length = 64 * 1024 * 1024
        await response.prepare(request)
        for _ in range(64):
            await response.write(b" " * 1024 * 1024)
        return response
    response.content_length = len(payload)
    await response.prepare(request)
    if order.kind == "half":
        await response.write(payload[: len(payload) // 2])
        if request.transport is not None:
            request.transport.close()
        return response
    for piece in re.findall(rb"(?s).{1,64}", payload):
        await response.write(piece)
        await asyncio.sleep(order.seconds)
    return response
