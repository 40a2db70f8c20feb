"""Sockets that are never waited for longer than until the next look at what may end the exchange.

httpcore's own streams know a limit for each read and write alone: an answer that drips never reaches it, and nobody
can end one that hangs. These ask, before each wait and ten times a second during it, whether to go on.
"""

from __future__ import annotations

import errno
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore

from modelops.engines.llm.transport import Stop
from modelops.errors import Cancelled

# How often a waiting thread looks whether it was cancelled.
LOOK = 0.1
CONNECT_SECONDS = 5.0


class OutOfTime(Exception):
    """The exchange took longer than it may."""


class Closed(Exception):
    """Somebody closed the connections."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What ends an exchange: a moment of time.monotonic(), a cancellation, the connections' closing."""

    until: float
    stop: Stop
    closed: Callable[[], bool]

    def wait(self) -> float:
        """Seconds until the next look. Raises Cancelled, Closed, OutOfTime."""
        if self.stop():
            raise Cancelled
        if self.closed():
            raise Closed
        left = self.until - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return min(LOOK, left)


class _Here(threading.local):
    patience: Patience | None = None


_HERE = _Here()


@contextmanager
def patient(patience: Patience) -> Iterator[None]:
    """In force for every stream that this thread uses meanwhile."""
    _HERE.patience = patience
    try:
        yield
    finally:
        _HERE.patience = None


def _wait() -> float:
    if _HERE.patience is None:
        raise RuntimeError("a socket was used outside of an exchange")
    return _HERE.patience.wait()


class PatientStream(httpcore.NetworkStream):
    """One connection's socket. The limits that httpcore passes are not used: those of the exchange are shorter."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            self._sock.settimeout(_wait())
            try:
                return self._sock.recv(max_bytes)
            except TimeoutError:
                continue
            except OSError as error:
                raise httpcore.ReadError(type(error).__name__) from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = memoryview(buffer)
        while left:
            self._sock.settimeout(_wait())
            try:
                left = left[self._sock.send(left) :]
            except TimeoutError:
                continue
            except OSError as error:
                raise httpcore.WriteError(type(error).__name__) from None

    def close(self) -> None:
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        until = time.monotonic() + CONNECT_SECONDS
        try:
            sock = ssl_context.wrap_socket(
                self._sock, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            while not _shaken(sock):
                if time.monotonic() > until:
                    raise TimeoutError
        except OSError as error:
            self._sock.close()
            raise httpcore.ConnectError(type(error).__name__) from None
        return PatientStream(sock)

    def get_extra_info(self, info: str) -> Any:
        if info == "ssl_object":
            return self._sock if isinstance(self._sock, ssl.SSLSocket) else None
        if info == "is_readable":
            return _is_readable(self._sock)
        return None


class PatientSockets(httpcore.NetworkBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """To the first of the host's addresses that takes it."""
        until, last = time.monotonic() + CONNECT_SECONDS, "no address"
        try:
            addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(type(error).__name__) from None
        for family, kind, protocol, _, address in addresses:
            sock = socket.socket(family, kind, protocol)
            try:
                _connect(sock, address, until)
            except OSError as error:
                sock.close()
                last = type(error).__name__
            except BaseException:
                sock.close()
                raise
            else:
                return PatientStream(sock)
        raise httpcore.ConnectError(last)


def _connect(sock: socket.socket, address: Any, until: float) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        writable = select.poll()
        writable.register(sock, select.POLLOUT)
        while not writable.poll(1000 * _wait()):
            if time.monotonic() > until:
                raise TimeoutError
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, "connect")


def _shaken(sock: ssl.SSLSocket) -> bool:
    """Whether the hands are shaken; goes on where it stopped when it is asked again."""
    sock.settimeout(_wait())
    try:
        sock.do_handshake()
    except TimeoutError:
        return False
    return True


def _is_readable(sock: socket.socket) -> bool:
    """Of a connection that nobody uses: its other end has closed it."""
    if sock.fileno() < 0:
        return True
    readable = select.poll()
    readable.register(sock, select.POLLIN)
    return bool(readable.poll(0))
