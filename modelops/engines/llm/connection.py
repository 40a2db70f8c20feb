"""HTTP to one server, from many threads, that ends when the deadline does or somebody cancels.

An exchange stays in the thread that asks for it, on sockets that are never waited for longer than a tenth of a second
(sockets.py): there it can be given up while it is under way, whatever it hangs in, and the server sees the connection
close and frees its slot. Handing each request to an event loop and its answer back cost more processor time than all
else that is done for a chart.
"""

from __future__ import annotations

import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore

from modelops.engines.llm.sockets import Closed, OutOfTime, Patience, PatientSockets, patient
from modelops.engines.llm.transport import Deadline
from modelops.errors import Cancelled, LlmError, OutputInvalid, ServerUnavailable, TooSlow

# Below the five seconds after which uvicorn, and so vLLM, closes an idle connection.
_KEEP_SECONDS = 3.0
_BROKEN = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.ConnectionNotAvailable,
)

# What is sent as the bearer's token, "" for none, or what gives it: asked once, when the first request goes out.
Key = str | Callable[[], str]


@dataclass(frozen=True, slots=True)
class Reply:
    """`headers` by their names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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
            and address.isascii()
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
        self._headers: list[tuple[str, str]] | None = None
        self._ssl: ssl.SSLContext | None = None
        self._idle: list[httpcore.HTTPConnection] = []
        self._process = os.getpid()
        self._closed = False

    def ask(
        self, method: str, path: str, *, deadline: Deadline, seconds: float, content: bytes | None = None
    ) -> Reply:
        """One request; `seconds` is the longest this one may take, the deadline's end comes first.

        Raises ServerUnavailable, OutputInvalid (more bytes than allowed), TooSlow, Cancelled, and what the key
        raises. They are raised anew, with no cause: what lies below holds the request.
        """
        deadline.check()
        headers = self._made_ready()
        patience = Patience(
            time.monotonic() + min(seconds, deadline.left()), deadline.stop, lambda: self._closed
        )
        with patient(patience):
            outcome = self._exchange(method, path, headers, content, seconds)
        if isinstance(outcome, ServerUnavailable) and deadline.left() <= 0:
            raise TooSlow
        if isinstance(outcome, LlmError):
            raise outcome
        return outcome

    def close(self) -> None:
        """What is under way ends within a tenth of a second."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _made_ready(self) -> list[tuple[str, str]]:
        """The headers of every request."""
        with self._lock:
            if self._closed:
                raise ServerUnavailable("The connection to the language model's server was closed.")
            if self._process != os.getpid():
                # A forked child has the parent's sockets, which the parent goes on using.
                self._process, self._idle = os.getpid(), []
            if self._headers is None:
                key = self._key() if callable(self._key) else self._key
                if self.name.startswith("https"):
                    self._ssl = httpcore.default_ssl_context()
                self._headers = [("Accept", "*/*"), ("Accept-Encoding", "identity")]
                self._headers += [("Authorization", f"Bearer {key}")] if key else []
            return self._headers

    def _taken(self) -> httpcore.HTTPConnection:
        """The one that was used last, if it is still open; else a new one, which connects when it is used."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                origin = httpcore.URL(self.name).origin
                return httpcore.HTTPConnection(
                    origin,
                    ssl_context=self._ssl,
                    keepalive_expiry=_KEEP_SECONDS,
                    network_backend=PatientSockets(),
                )
            if not connection.has_expired():
                return connection
            connection.close()

    def _give_back(self, connection: httpcore.HTTPConnection) -> None:
        """Kept where it can be used again; the one that nobody needed for longest goes when its time is over."""
        over = []
        with self._lock:
            if connection.is_available() and not self._closed:
                self._idle.append(connection)
            else:
                over.append(connection)
            if len(self._idle) > 1 and self._idle[0].has_expired():
                over.append(self._idle.pop(0))
        for one in over:
            one.close()

    def _exchange(
        self,
        method: str,
        path: str,
        headers: list[tuple[str, str]],
        content: bytes | None,
        seconds: float,
    ) -> Reply | LlmError:
        """Errors are returned, not raised: the caller raises them without what caused them."""
        if content is not None:
            headers = [*headers, ("Content-Type", "application/json")]
        connection = self._taken()
        try:
            with connection.stream(method, self.name + path, headers=headers, content=content) as response:
                body = bytearray()
                for piece in response.iter_stream():
                    body += piece
                    if len(body) > self._limit:
                        return OutputInvalid("The language model's server sent more than an answer can be.")
                names = {
                    name.decode("latin-1").lower(): value.decode("latin-1")
                    for name, value in response.headers
                }
                return Reply(response.status, names, bytes(body))
        except Cancelled:
            return Cancelled()
        except OutOfTime:
            return ServerUnavailable(f"The language model's server did not answer within {seconds:.0f} s.")
        except Closed:
            return ServerUnavailable("The connection to the language model's server was closed.")
        except (httpcore.ConnectError, httpcore.ConnectTimeout):
            return ServerUnavailable("The language model's server cannot be reached.")
        except _BROKEN:
            return ServerUnavailable("The connection to the language model's server broke.")
        finally:
            self._give_back(connection)
