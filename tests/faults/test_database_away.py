"""PostgreSQL goes away while a coder decides: before the act, in the middle of it, and after its commit.

The coder is told, nothing is lost and nothing is half done; the same form sent again is decided once.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from coding_review.audit_check import verify
from coding_review.models import AuditEvent, Decision
from tests.coding_review.api_cases import Case, case, client_of

__all__ = ["case"]
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Line:
    """Stands between this process and PostgreSQL, and may be cut."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._open: list[socket.socket] = []
        self._listening: socket.socket | None = None
        self.port = 0

    def join(self) -> None:
        # As Django does of itself when a request ends after an error; its test client leaves that out.
        connection.close()
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def cut(self) -> None:
        if self._listening is not None:
            # Wakes the thread that waits on it; closing alone would not.
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        for end in self._open:
            _hang_up(end)
        self._open.clear()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._server))
            self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65_536):
            other.sendall(data)
    except OSError:
        pass
    _hang_up(one)
    _hang_up(other)


def _hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was first.
        return


@pytest.fixture
def line(transactional_db: None) -> Iterator[Line]:
    given = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    one = Line(int(given["PORT"]))
    one.join()
    connection.close()
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(one.port)}
    yield one
    connection.close()
    connection.settings_dict |= given
    one.cut()


@pytest.fixture
def browser(coder: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(coder)
    return client


def facts() -> tuple[int, int]:
    return Decision.objects.count(), AuditEvent.objects.filter(type="decision").count()


def cut_at(line: Line, wanted: str) -> Callable[..., Any]:
    """Cuts the line before the first query that begins so."""

    def wrap(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(wanted):
            line.cut()
        return execute(sql, params, many, context)

    return wrap


ACCEPT = {"action": "accept", "version": "0"}


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_away_before_the_request(line: Line, case: Case, browser: Client, headers: dict[str, str]) -> None:
    url = case.url("/entries/{entry}/decide/")
    line.cut()
    response = browser.post(url, ACCEPT, headers=headers)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "The database does not answer" in response.content.decode()
    line.join()
    assert facts() == (0, 0)
    assert browser.post(url, ACCEPT, headers=headers).status_code == (200 if headers else 302)
    assert (facts(), list(verify())) == ((1, 1), [])


# The lock of the entry, the audit event as the last thing inside the transaction, and the first read after it.
@pytest.mark.parametrize(
    ("at", "kept"),
    [
        ('SELECT "coding_review_codeentry"."id"', 0),
        ('INSERT INTO "coding_review_auditevent"', 0),
        ('UPDATE "coding_review_encounter"', 0),
        ('SELECT "coding_review_predictionrun"', 1),
    ],
)
def test_away_in_the_middle(line: Line, case: Case, browser: Client, at: str, kept: int) -> None:
    url, htmx = case.url("/entries/{entry}/decide/"), {"HX-Request": "true"}
    with connection.execute_wrapper(cut_at(line, at)):
        response = browser.post(url, ACCEPT, headers=htmx)
    assert response.status_code == 503
    assert b"furosemide" not in response.content
    line.join()
    assert facts() == (kept, kept)
    # The coder presses the key again: the same form of the same page.
    assert browser.post(url, ACCEPT, headers=htmx).status_code == 200
    assert (facts(), list(verify())) == ((1, 1), [])
    entry = case.entry("I50.23")
    assert (entry.state, entry.version) == ("accepted", 1)


def test_away_while_the_api_decides(line: Line, case: Case, coder: User) -> None:
    api, url = client_of(coder), case.url("/api/entries/{entry}/decide/")
    sent = {"action": "accept", "version": 0, "act": "5f2b1f5e-5a0c-4f0e-9a53-0b6f3f6f7c11"}
    with connection.execute_wrapper(cut_at(line, 'INSERT INTO "coding_review_auditevent"')):
        response = api.post(url, sent, format="json")
    assert (response.status_code, response.json()["code"]) == (503, "database_away")
    line.join()
    assert facts() == (0, 0)
    assert api.post(url, sent, format="json").status_code == 200
    assert (facts(), list(verify())) == ((1, 1), [])
