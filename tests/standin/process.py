"""A stand-in as a process of its own, started and steered by a test.

with StandInProcess.started(slots=16) as standin:
    standin.order("status", times=3, status=503)
    ... standin.url ...
    assert standin.state()["chats"] == 4
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class StandInProcess:
    url: str
    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def started(cls, port: int = 0, **options: Any) -> Iterator[StandInProcess]:
        """Options as those of `tests.standin.server.Config`."""
        command = [sys.executable, "-m", "tests.standin", "--port", str(port)]
        for name, value in options.items():
            command += [f"--{name.replace('_', '-')}", str(value)]
        with subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            assert said.isdigit(), "The stand-in did not start."
            try:
                yield cls(f"http://127.0.0.1:{said}", process)
            finally:
                process.kill()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def order(self, kind: str, **said: Any) -> None:
        """A fault of `tests.standin.faults.KINDS`; by default for the next chat request only."""
        self._post("faults", {"kind": kind, **said})

    def script(self, *contents: str) -> None:
        """What the model says to the next requests, word for word."""
        self._post("script", {"contents": list(contents)})

    def set(self, **said: Any) -> None:
        self._post("set", said)

    def reset(self) -> None:
        self._post("reset", {})

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._get("state")
        return found

    def asked(self) -> list[dict[str, Any]]:
        """Bodies of the last chat requests."""
        found: list[dict[str, Any]] = self._get("requests")
        return found

    def _get(self, what: str) -> Any:
        return httpx.get(f"{self.url}/standin/{what}", timeout=60, trust_env=False).raise_for_status().json()

    def _post(self, what: str, said: dict[str, Any]) -> None:
        content = json.dumps(said)
        httpx.post(
            f"{self.url}/standin/{what}", content=content, timeout=60, trust_env=False
        ).raise_for_status()


@pytest.fixture(scope="session")
def standin_process() -> Iterator[StandInProcess]:
    with StandInProcess.started() as process:
        yield process


@pytest.fixture
def standin(standin_process: StandInProcess) -> Iterator[StandInProcess]:
    """A stand-in without key, model "standin", 16 slots, 8,192 tokens; nothing ordered and nothing counted."""
    standin_process.reset()
    yield standin_process
    standin_process.reset()
