"""Starts, watches and stops one vLLM server on this machine.

The server listens on the loopback address, asks for a key, writes a log without prompts, and is a session of its
own: whoever started it stops it, and when that process is killed the kernel ends the server.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelops.child_processes import die_with_parent, send_signal

HOST = "127.0.0.1"
_STOP_SECONDS = 20.0


class ServerFailed(Exception):
    """The server did not come up; the message holds the end of its log, which carries no prompts."""


@dataclass(frozen=True)
class Plan:
    """What is served and how. `port` 0: a free one. `slots`: how many requests run at once."""

    venv: Path
    model: Path
    log: Path
    key_file: Path
    cache: Path
    name: str = "tiny-llama"
    port: int = 0
    context: int = 8192
    slots: int = 16
    kv_cache_gib: int = 1


def command(plan: Plan, port: int) -> list[str]:
    return [
        str(plan.venv / "bin" / "python"),
        *("-W", "ignore", "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(plan.model), "--served-model-name", plan.name),
        *("--host", HOST, "--port", str(port)),
        *("--dtype", "float32", "--max-model-len", str(plan.context), "--max-num-seqs", str(plan.slots)),
        # A request's seed ends the CPU engine when prompts are read in chunks.
        *("--enforce-eager", "--no-enable-chunked-prefill"),
        # "auto" picks xgrammar, whose answers break our schemas; white space lets greedy output loop.
        "--structured-outputs-config",
        json.dumps({"backend": "guidance", "disable_any_whitespace": True}),
        *("--enable-lora", "--max-loras", "2", "--max-lora-rank", "16"),
        # Prompts are note text: neither they nor the addresses asked for are logged.
        *("--no-enable-log-requests", "--disable-uvicorn-access-log", "--disable-fastapi-docs"),
    ]


def environment(plan: Plan) -> dict[str, str]:
    """All that the server sees: nothing of the application's own secrets and addresses."""
    libraries = [str(plan.venv / "native"), os.environ.get("LD_LIBRARY_PATH", "")]
    return {
        "PATH": f"{plan.venv / 'bin'}:/usr/bin:/bin",
        "HOME": os.environ.get("HOME", "/"),
        "LC_ALL": "C.UTF-8",
        "LD_LIBRARY_PATH": ":".join(one for one in libraries if one),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_API_KEY": key(plan.key_file),
        "VLLM_HOST_IP": HOST,
        "VLLM_CACHE_ROOT": str(plan.cache),
        "VLLM_CONFIG_ROOT": str(plan.cache / "config"),
        "VLLM_CPU_KVCACHE_SPACE": str(plan.kv_cache_gib),
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
        "VLLM_LOGGING_COLOR": "0",
        "PYTHONUNBUFFERED": "1",
        # A bare machine has no compiler, and vLLM would compile a function of its sampler there. Where one is
        # installed it is not found either, so that what needs one fails everywhere.
        "TORCH_COMPILE_DISABLE": "1",
        "CXX": "/bin/false",
    }


def key(path: Path) -> str:
    """The key in the file, which is made when it is not there; readable by its owner only."""
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    return path.read_text(encoding="utf-8").strip()


class Server:
    """One run of the server. `start`, then `wait_until_healthy`, then `stop` whatever happened."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.port = plan.port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        self.plan.cache.mkdir(parents=True, exist_ok=True)
        self.plan.log.parent.mkdir(parents=True, exist_ok=True)
        self.plan.log.unlink(missing_ok=True)
        handle = os.open(self.plan.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  the program is ours, the arguments a list
                command(self.plan, self.port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(self.plan),
                cwd=self.plan.cache,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),
            )

    def ended(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self._process.poll() if self._process else None

    def wait_until_healthy(self, seconds: float, stop: Callable[[], bool] = lambda: False) -> bool:
        """False when `stop` said so first. Raises ServerFailed."""
        deadline = time.monotonic() + seconds
        while not answers(self.port):
            if stop():
                return False
            status = self.ended()
            if status is not None:
                raise ServerFailed(
                    f"vLLM ended with status {status}. The end of {self.plan.log}:\n{self.tail()}"
                )
            if time.monotonic() > deadline:
                raise ServerFailed(
                    f"vLLM does not answer after {seconds:.0f} s. The end of {self.plan.log}:\n{self.tail()}"
                )
            time.sleep(0.25)
        return True

    def stop(self) -> None:
        """Ends the server and every process of its session."""
        if self._process is None:
            return
        send_signal(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        # Also after an orderly end: a process of the engine may have stayed behind in the session.
        send_signal(-self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def tail(self, lines: int = 15) -> str:
        if not self.plan.log.is_file():
            return ""
        return "\n".join(self.plan.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
