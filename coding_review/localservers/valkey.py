"""The embedded Redis-compatible server (Valkey): started, adopted and stopped.

It keeps nothing on disk: it carries task ids and cached pages, and the rows in PostgreSQL are the truth.
"""

from __future__ import annotations

import contextlib
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from coding_review.localservers.errors import LocalServersError
from coding_review.localservers.network import LOOPBACK, free_port
from coding_review.localservers.places import Place, write_private
from coding_review.localservers.processes import wait_for_end, works_in

_START_SECONDS = 15
# Started by this process: kept so that they can be collected when they end.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Valkey:
    place: Place

    @property
    def folder(self) -> Path:
        return self.place.folder("valkey")

    def url(self, port: int, password: str) -> str:
        return f"redis://:{password}@{LOOPBACK}:{port}/0"

    def up(self) -> str:
        """The URL of the running server: one left running is adopted, else it is started."""
        password = self._password()
        port = self._adopt(password) or self._start(password)
        return self.url(port, password)

    def down(self) -> None:
        """Stop it, if it runs; waits until it has ended."""
        noted = self._noted()
        if noted is None:
            return
        pid, port = noted
        # The connection ends with the server, which the client reports as an error.
        with contextlib.suppress(redis.RedisError), self._client(port, self._password()) as client:
            client.shutdown(nosave=True)
        for child in _children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=5)
        _children[:] = [child for child in _children if child.poll() is None]
        wait_for_end(pid, 5)

    @property
    def _password_file(self) -> Path:
        return self.place.keys / "valkey.password"

    def _password(self) -> str:
        if not self._password_file.is_file():
            write_private(self._password_file, secrets.token_urlsafe(24))
        return self._password_file.read_text(encoding="utf-8").strip()

    def _noted(self) -> tuple[int, int] | None:
        """Process number and port of a server that runs in our folder."""
        try:
            pid, port = (self.place.keys / "valkey.running").read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        return (int(pid), int(port)) if works_in(int(pid), self.folder) else None

    def _client(self, port: int, password: str) -> redis.Redis:
        return redis.Redis(
            host=LOOPBACK,
            port=port,
            password=password,
            socket_timeout=2,
            socket_connect_timeout=2,
            retry=Retry(NoBackoff(), 0),
        )

    def _answers(self, port: int, password: str) -> bool:
        try:
            with self._client(port, password) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def _adopt(self, password: str) -> int | None:
        noted = self._noted()
        return noted[1] if noted and self._answers(noted[1], password) else None

    def _start(self, password: str) -> int:
        for _attempt in range(5):
            port = free_port()
            self.place.write(self.folder / "valkey.conf", self._settings(port, password))
            child = self.place.account.spawn(
                [str(self.place.programs.valkey), str(self.folder / "valkey.conf")]
            )
            deadline = time.monotonic() + _START_SECONDS
            while child.poll() is None and time.monotonic() < deadline:
                if self._answers(port, password):
                    _children.append(child)
                    write_private(self.place.keys / "valkey.running", f"{child.pid} {port}\n")
                    return port
                time.sleep(0.02)
            if child.poll() is None:
                child.kill()
            child.wait()
        raise LocalServersError(
            "The embedded Redis-compatible server did not start. Its log is "
            f"{self.folder / 'server.log'}. Set REDIS_URL to use a given server."
        )

    def _settings(self, port: int, password: str) -> str:
        # Quoted: the folder may hold blanks.
        return "\n".join(
            [
                f"bind {LOOPBACK}",
                f"port {port}",
                "protected-mode yes",
                f"requirepass {password}",
                "daemonize no",
                f'dir "{self.folder}"',
                f'logfile "{self.folder / "server.log"}"',
                "loglevel warning",
                'save ""',
                "appendonly no",
                "maxmemory 256mb",
                "maxmemory-policy noeviction",
                "",
            ]
        )
