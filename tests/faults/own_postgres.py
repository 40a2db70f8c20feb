"""A PostgreSQL of one test's own, which may be ended and started again without disturbing the one that all share."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.db import connection

from coding_review.localservers import places
from coding_review.localservers import postgres as server
from coding_review.localservers.postgres import Postgres
from coding_review.localservers.programs import installed
from tests.coding_review.servers_run import Var, make_var

_ADDRESS = ("HOST", "PORT", "USER", "PASSWORD", "NAME")


class OwnPostgres:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self.url = ""
        self.start()

    def start(self) -> None:
        self.url = self._postgres.up(alone=True)

    def crash(self) -> None:
        """As a machine that loses its power: what was committed is found in the log when it starts again."""
        command = [self._postgres.place.programs.pg("pg_ctl"), "stop", "-D", str(self._postgres.data)]
        ended = self._postgres.place.account.run(
            [*command, "-m", "immediate", "-w", "-t", "120"], timeout=150
        )
        assert ended.returncode == 0, ended.stdout
        connection.close()

    def stop(self) -> None:
        self._postgres.down()


@pytest.fixture
def own_postgres(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnPostgres]:
    """In force for this process, with the tables of the tests' database and nothing in them. To be asked for before
    whatever writes rows."""
    given = {name: connection.settings_dict[name] for name in _ADDRESS}
    # Bound, never listening: nobody else is given the port while the server is away, and the server may still have it.
    with socket.socket() as port:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port.bind(("127.0.0.1", 0))
        number = port.getsockname()[1]
        monkeypatch.setattr(server, "free_port", lambda: number)
        for var in make_var(closed=False):
            own = _made(var)
            try:
                _copy_tables(given, own.url)
                address = urlsplit(own.url)
                connection.close()
                connection.settings_dict |= {
                    "HOST": address.hostname,
                    "PORT": str(address.port),
                    "USER": address.username,
                    "PASSWORD": address.password,
                    "NAME": address.path[1:],
                }
                yield own
            finally:
                connection.close()
                connection.settings_dict |= given
                own.stop()


def _made(var: Var) -> OwnPostgres:
    return OwnPostgres(Postgres(places.find(var.path), durable=True))


def _copy_tables(given: dict[str, str], url: str) -> None:
    """Migrating an empty database would take several times as long."""
    programs = installed()
    source = [
        f"--{name}={given[key]}" for name, key in (("host", "HOST"), ("port", "PORT"), ("username", "USER"))
    ]
    dumped = subprocess.run(
        [programs.pg("pg_dump"), *source, "--no-owner", "--no-comments", "--schema-only", given["NAME"]],
        env=os.environ | {"PGPASSWORD": given["PASSWORD"]},
        capture_output=True,
        check=True,
        timeout=300,
    )
    subprocess.run(
        [
            programs.pg("psql"),
            "--quiet",
            "--single-transaction",
            "--set",
            "ON_ERROR_STOP=1",
            url.replace("postgres:", "postgresql:", 1),
        ],
        input=dumped.stdout,
        capture_output=True,
        check=True,
        timeout=300,
    )
