"""HTTP to one server, from many threads, that ends when the deadline does or somebody cancels.

The exchange itself runs in an event loop of its own thread: there a request can be given up while it is
under way, whatever it hangs in, and the server sees the connection close and frees its slot. A time limit on
single reads, which is what blocking clients offer, ends neither an answer that drips nor a cancelled one.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from modelops.engines.llm.transport import Deadline
from modelops.errors import Cancelled, LlmError, OutputInvalid, ServerUnavailable, TooSlow

# How often a waiting thread looks whether it was cancelled.
_LOOK = 0.1
_CONNECT_SECONDS = 5.0
# Below the five seconds after which uvicorn, and so vLLM, closes an idle connection.
_KEEP_SECONDS = 3.0


# What is sent as the bearer's token, "" for none, or what gives it: asked once, when the first request goes out.
Key = str | Callable[[], str]


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Loop:
    """The event loop of this process's connections. Its thread starts with the first request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="llm-connections", daemon=True).start()
            return self._loop

    def forget(self) -> None:
        """A forked child has the object but not the thread."""
        self._lock = threading.Lock()
        self._loop = None


_LOOP = _Loop()
os.register_at_fork(after_in_child=_LOOP.forget)


def checked_address(base_url: str) -> str:
    """The address without its last "/" and "/v1". Raises ServerUnavailable, worth no retry, for one that is
    none, and for one with user or password: addresses stand in logs and results, keys have a place of their own.
    """
    address = base_url.strip().rstrip("/").removesuffix("/v1")
    try:
        parts = urlsplit(address)
        fits = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and "@" not in parts.netloc
            and parts.port != 0
        )
    except ValueError:
        fits = False
    if not fits:
        raise ServerUnavailable(
            "An address of a language model's server is not of the form http://host:port.", retryable=False
        )
    return address


class Connection:
    """Keeps connections to one server open. Neither proxies of the environment nor redirects are followed:
    what is sent is a chart, and it goes where the setting says or nowhere."""

    def __init__(self, base_url: str, key: Key, *, limit_bytes: int) -> None:
        self.name = checked_address(base_url)
        self._key = key
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: httpx.AsyncClient | None = None
        self._closed = False

    def ask(
        self, method: str, path: str, *, deadline: Deadline, seconds: float, content: bytes | None = None
    ) -> Reply:
        """One request; `seconds` is the longest this one may take, the deadline's end comes first.

        Raises ServerUnavailable, OutputInvalid (more bytes than allowed), TooSlow, Cancelled, and what the key
        raises. They are raised anew, with no cause: what lies below holds the request.
        """
        deadline.check()
        loop, client = self._opened()
        exchange = self._exchange(client, method, path, content, min(seconds, deadline.left()))
        future = asyncio.run_coroutine_threadsafe(exchange, loop)
        cancelled = False
        while not cancelled:
            try:
                outcome = future.result(_LOOK)
                break
            except TimeoutError:
                cancelled = deadline.stop()
        if cancelled:
            future.cancel()
            raise Cancelled
        if isinstance(outcome, ServerUnavailable) and deadline.left() <= 0:
            raise TooSlow
        if isinstance(outcome, LlmError):
            raise outcome
        return outcome

    def close(self) -> None:
        with self._lock:
            self._closed = True
            loop, client = self._loop, self._client
            self._loop = self._client = None
        if loop is not None and client is not None and loop.is_running():
            asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(_CONNECT_SECONDS)

    def _opened(self) -> tuple[asyncio.AbstractEventLoop, httpx.AsyncClient]:
        loop = _LOOP.running()
        with self._lock:
            if self._closed:
                raise ServerUnavailable("The connection to the language model's server was closed.")
            if self._client is None or self._loop is not loop:
                self._loop, self._client = loop, self._made()
            return loop, self._client

    def _made(self) -> httpx.AsyncClient:
        key = self._key() if callable(self._key) else self._key
        return httpx.AsyncClient(
            base_url=self.name,
            headers={"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {}),
            timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=128, keepalive_expiry=_KEEP_SECONDS
            ),
            trust_env=False,
            follow_redirects=False,
        )

    async def _exchange(
        self, client: httpx.AsyncClient, method: str, path: str, content: bytes | None, seconds: float
    ) -> Reply | LlmError:
        """Errors are returned, not raised: the caller's thread raises them without what caused them."""
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            async with (
                asyncio.timeout(seconds),
                client.stream(method, path, content=content, headers=headers) as response,
            ):
                body = bytearray()
                async for piece in response.aiter_raw():
                    body += piece
                    if len(body) > self._limit:
                        return OutputInvalid("The language model's server sent more than an answer can be.")
                return Reply(response.status_code, response.headers, bytes(body))
        except TimeoutError:
            return ServerUnavailable(f"The language model's server did not answer within {seconds:.0f} s.")
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return ServerUnavailable("The language model's server cannot be reached.")
        except httpx.HTTPError:
            return ServerUnavailable("The connection to the language model's server broke.")
        except RuntimeError:
            # What httpx says of a client that another thread has closed meanwhile.
            return ServerUnavailable("The connection to the language model's server was closed.")
