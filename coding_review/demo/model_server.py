"""The model server of `make demo ENGINE=vllm`: one of the demo's programs, started before its workers."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from coding_review.demo.running import choose_port
from coding_review.demo.supervisor import Program, ProgramFailed, Supervisor
from coding_review.queues import asks_a_server
from modelops.engines.llm.local.server import key

# Making the small model the first time, then loading it.
_UP_SECONDS = 300.0
_FIRST_PORT = 8100
MODEL = "tiny-llama"


class NoModelServer(Exception):
    """The engine asks a server, and none is named or can be started; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ModelServer:
    venv: Path
    port: int

    @property
    def _state(self) -> Path:
        return Path(settings.VAR_DIR) / "demo" / "vllm.json"

    def take_in_force(self) -> None:
        """For this process and for those that it starts."""
        settings.LLM_BASE_URLS = [f"http://127.0.0.1:{self.port}"]
        key_file = Path(settings.VAR_DIR) / "vllm" / "key"
        # The engine is made before the server is started: the key is there by then.
        key(key_file)
        settings.LLM_API_KEY_FILE = str(key_file)
        settings.LLM_MODEL = MODEL
        os.environ |= {
            "LLM_BASE_URLS": settings.LLM_BASE_URLS[0],
            "LLM_API_KEY_FILE": settings.LLM_API_KEY_FILE,
            "LLM_MODEL": MODEL,
        }

    def start(self, supervisor: Supervisor) -> None:
        """Returns when it answers. Raises ProgramFailed."""
        self._state.parent.mkdir(parents=True, exist_ok=True)
        self._state.unlink(missing_ok=True)
        supervisor.start(self._program())
        deadline = time.monotonic() + _UP_SECONDS
        while not self._state.is_file():
            supervisor.tend()
            if time.monotonic() > deadline:
                raise ProgramFailed(
                    f"After {_UP_SECONDS:.0f} s the vLLM server does not answer. Its log is "
                    f"{supervisor.log_of('vllm')}."
                )
            time.sleep(0.25)

    def _program(self) -> Program:
        serve = [sys.executable, "-m", "modelops.engines.llm.local.serve"]
        options = {
            "--venv": self.venv,
            "--name": MODEL,
            "--port": self.port,
            "--folder": settings.VAR_DIR,
            "--state": self._state,
        }
        return Program("vllm", [*serve, *(str(word) for option in options.items() for word in option)])


def model_server() -> ModelServer | None:
    """None where the engine asks no server, or the settings name one. Raises NoModelServer, NoFreePort."""
    if not asks_a_server(settings.ENGINE) or settings.LLM_BASE_URLS:
        return None
    venv = os.environ.get("VLLM_VENV", "")
    if not venv:
        raise NoModelServer(
            f"The engine {settings.ENGINE} asks a model server, and LLM_BASE_URLS names none. Name one, or start the "
            f"demo with `make demo ENGINE={settings.ENGINE}`, which starts a small one."
        )
    return ModelServer(Path(venv), choose_port(_FIRST_PORT))
