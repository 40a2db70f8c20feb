"""The server of a small checkpoint as a ChatServer: started with the first question, ended with `close` and with the
process that holds it."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import select
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modelops.engines.llm.client import VllmServer
from modelops.engines.llm.transport import ChatAnswer, ChatRequest, Deadline, Message, Pressure
from modelops.errors import ServerUnavailable

logger = logging.getLogger("modelops.llm")

_ROOT = Path(__file__).resolve().parents[3]
# Loading torch takes some seconds, on a busy machine a minute.
_START_SECONDS = 300.0
_STOP_SECONDS = 10.0
# None of the application's settings and secrets.
_PASSED_ON = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "TMPDIR", "OMP_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Plan:
    """`venv`: the training environment. `name`: what requests ask for. `context` 0: the checkpoint's own."""

    venv: Path
    model: Path
    name: str
    slots: int = 2
    context: int = 0


class LocalServer:
    """A ChatServer over one process of this machine. Thread-safe. One that was killed is started anew with the next
    question; what was under way fails as with any server that is gone."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._client: VllmServer | None = None
        self._closed = False

    def chat(self, request: ChatRequest, deadline: Deadline) -> ChatAnswer:
        return self._server().chat(request, deadline)

    def count_tokens(self, text: str, deadline: Deadline | None = None) -> int:
        return self._server().count_tokens(text, deadline)

    def count_prompt_tokens(self, messages: tuple[Message, ...], deadline: Deadline | None = None) -> int:
        return self._server().count_prompt_tokens(messages, deadline)

    def max_context(self, deadline: Deadline | None = None) -> int:
        return self._server().max_context(deadline)

    def models(self) -> list[str]:
        return self._server().models()

    def load_adapter(self, name: str, path: str) -> None:
        self._server().load_adapter(name, path)

    def unload_adapter(self, name: str) -> None:
        self._server().unload_adapter(name)

    def pressure(self) -> Pressure:
        return self._server().pressure()

    def healthy(self) -> bool:
        try:
            return self._server().healthy()
        except ServerUnavailable:
            return False

    @property
    def pid(self) -> int:
        """0 where none runs."""
        with self._lock:
            return self._process.pid if self._process is not None and self._process.poll() is None else 0

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._end()

    def _server(self) -> VllmServer:
        with self._lock:
            if self._closed:
                raise ServerUnavailable("The small model's process was ended.")
            if self._client is None or self._process is None or self._process.poll() is not None:
                self._end()
                self._client = self._start()
            return self._client

    def _start(self) -> VllmServer:
        plan = self._plan
        key = secrets.token_urlsafe(32)
        command = [str(plan.venv / "bin" / "python"), "-W", "ignore"]
        command += ["-m", "modelops.engines.local_transformers.server", str(plan.model), plan.name]
        command += ["--slots", str(plan.slots), "--context", str(plan.context)]
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own program, the arguments a list
                command,
                cwd=_ROOT,
                env=_environment(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            raise ServerUnavailable("The training environment does not start.", retryable=False) from None
        assert self._process.stdin is not None  # noqa: S101  asked for above
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{key}\n".encode())
            self._process.stdin.flush()
        port = _port(self._process)
        if port is None:
            self._end()
            raise ServerUnavailable("The small model could not be loaded.", retryable=False)
        logger.info("a small model answers on port %s", port)
        return VllmServer(f"http://127.0.0.1:{port}", key=key, model=plan.name)

    def _end(self) -> None:
        client, process = self._client, self._process
        self._client = self._process = None
        if client is not None:
            client.close()
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                # Its input ends, and so does it.
                process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _port(process: subprocess.Popen[bytes]) -> int | None:
    """What it says when it is ready; None where it ended or took too long."""
    until = time.monotonic() + _START_SECONDS
    out = process.stdout
    assert out is not None  # noqa: S101  asked for
    while time.monotonic() < until:
        ready, _, _ = select.select([out], [], [], 0.2)
        if ready:
            said = out.readline().strip()
            return int(said) if said.isdigit() else None
        if process.poll() is not None:
            return None
    return None


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if name in _PASSED_ON} | {
        "PYTHONPATH": str(_ROOT),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "DO_NOT_TRACK": "1",
    }
