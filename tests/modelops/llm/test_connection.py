"""Connections to a server: kept, given up, closed under way, over TLS, and none shared with a forked child."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelops.engines.llm import connection
from modelops.engines.llm.connection import Connection, Reply
from modelops.engines.llm.transport import Deadline
from modelops.errors import Cancelled, ServerUnavailable, TooSlow
from tests.modelops.llm.contract import SOON, comes_true

_TLS = Path(__file__).with_name("tls")


class Server(ThreadingHTTPServer):
    """Answers every path with its own name; "/wait" when six wait, "/hang" never, after "/bye" it closes
    the connection. `peers`: who connected, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.six = threading.Barrier(6)
        self.peers: list[int] = []
        self.ended: list[int] = []

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]  # typeshed allows other families
        self.peers.append(client_address[1])
        super().finish_request(request, client_address)
        self.ended.append(client_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: whoever asked went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/wait":
            self.server.six.wait(60)  # type: ignore[attr-defined]  # typeshed knows no server of one's own
        if self.path == "/hang":
            self.connection.recv(1)
            return
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Said", "As It Is")
        self.end_headers()
        self.wfile.write(body)
        # Without a word, as an idle connection is closed.
        self.close_connection = self.path == "/bye"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(autouse=True)
def _kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a machine without time takes from one request to the next."""
    monkeypatch.setattr(connection, "_KEEP_SECONDS", 600.0)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def tls_server(server: Server) -> Server:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_TLS / "cert.pem", _TLS / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def made(server: Server, scheme: str = "http") -> Connection:
    return Connection(f"{scheme}://127.0.0.1:{server.server_port}", "", limit_bytes=1000)


def ask(one: Connection, path: str = "/a", deadline: Deadline | None = None, seconds: float = 120) -> Reply:
    return one.ask("GET", path, deadline=deadline or Deadline.after(120), seconds=seconds)


def test_requests_one_after_another_share_a_connection(server: Server) -> None:
    one = made(server)
    replies = [ask(one, path) for path in ("/a", "/b", "/c")]
    assert [(reply.status, reply.body) for reply in replies] == [(200, b"/a"), (200, b"/b"), (200, b"/c")]
    assert replies[0].headers["x-said"] == "As It Is"
    assert len(server.peers) == 1
    one.close()
    assert comes_true(lambda: len(server.ended) == 1)


def test_as_many_connections_as_requests_at_once_and_the_idle_ones_go(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_KEEP_SECONDS", 0.4)
    one = made(server)
    with ThreadPoolExecutor(6) as threads:
        assert [reply.status for reply in threads.map(lambda _: ask(one, "/wait"), range(6))] == [200] * 6
    assert len(server.peers) == 6
    time.sleep(0.5)
    monkeypatch.setattr(connection, "_KEEP_SECONDS", 600.0)
    for _ in range(6):
        ask(one)
    assert comes_true(lambda: len(server.ended) == 6)
    assert len(server.peers) == 7


def test_a_connection_that_the_server_closed_meanwhile_is_not_used(server: Server) -> None:
    one = made(server)
    for number in (1, 2, 3):
        assert ask(one, "/bye").status == 200
        assert comes_true(lambda number=number: len(server.ended) == number)
    assert len(server.peers) == 3


def test_a_forked_child_opens_connections_of_its_own(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    one = made(server)
    ask(one)
    monkeypatch.setattr(connection.os, "getpid", lambda: 1)
    ask(one)
    ask(one)
    assert len(server.peers) == 2


def test_closing_ends_what_is_under_way(server: Server) -> None:
    one = made(server)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(ask, one, "/hang")
        assert comes_true(lambda: len(server.peers) == 1)
        began = time.monotonic()
        one.close()
        with pytest.raises(ServerUnavailable, match="was closed"):
            asked.result(60)
    assert time.monotonic() - began < SOON
    assert comes_true(lambda: len(server.ended) == 1)
    with pytest.raises(ServerUnavailable, match="was closed"):
        ask(one)


def test_tls_with_a_certificate_that_is_trusted(tls_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(_TLS / "cert.pem"))
    one = made(tls_server, "https")
    assert [ask(one, path).body for path in ("/a", "/b")] == [b"/a", b"/b"]
    assert len(tls_server.peers) == 1
    stopped = threading.Event()
    began = time.monotonic()
    threading.Timer(0.3, stopped.set).start()
    with pytest.raises(Cancelled):
        ask(one, "/hang", Deadline.after(600, stopped.is_set), seconds=600)
    assert 0.3 <= time.monotonic() - began < SOON


def test_tls_with_a_certificate_that_is_not(tls_server: Server) -> None:
    with pytest.raises(ServerUnavailable, match="cannot be reached"):
        ask(made(tls_server, "https"))


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_takes_the_connection_and_says_nothing(scheme: str) -> None:
    """Over TLS it hangs in the handshake."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = Connection(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}", "", limit_bytes=1000)
        began = time.monotonic()
        with pytest.raises(TooSlow):
            ask(one, deadline=Deadline.after(0.4))
        stopped = threading.Event()
        threading.Timer(0.3, stopped.set).start()
        with pytest.raises(Cancelled):
            ask(one, deadline=Deadline.after(600, stopped.is_set))
        with pytest.raises(ServerUnavailable, match="did not answer within 1 s"):
            ask(one, seconds=1.0)
        assert 1.7 <= time.monotonic() - began < SOON
