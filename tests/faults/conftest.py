"""Real workers against the test database and a broker of their own, so that either may be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kombu.pools
import psutil
import pytest
import redis
from django.db import connection

from coding_review import broker as sending
from coding_review.celery import app
from coding_review.localservers.network import free_port
from coding_review.localservers.programs import installed
from modelops.engines.registry import get_engine
from tests import engines

ROOT = Path(__file__).resolve().parents[2]


class Broker:
    """A Valkey that may be stopped and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "dir": self.folder}
        command = [str(installed().valkey), *(str(x) for k, v in options.items() for x in (f"--{k}", v))]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        wait_until(self._answers, seconds=120)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), self.client() as client:
            return bool(client.ping())
        return False


class Processes:
    """A Celery program with its children, in a process group of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], *arguments: str) -> None:
        command = [sys.executable, "-m", "celery", "-A", "coding_review", *arguments, "-l", "INFO"]
        self.log = folder / f"{arguments[0]}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self._main = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def children(self) -> list[int]:
        return [child.pid for child in psutil.Process(self._main.pid).children()]

    def kill(self) -> None:
        """kill -9 of the main process and all its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._main.pid, signal.SIGKILL)
        self._main.wait()


StartWorker = Callable[..., Processes]


@pytest.fixture
def broker(tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """Running, and in force for what this process sends."""
    server = Broker(tmp_path)
    server.start()
    settings.CELERY_BROKER_URL = server.url
    monkeypatch.setattr(sending, "_paused_until", 0.0)
    before = app.conf.broker_url
    connect_to(server.url)
    yield server
    connect_to(before)
    server.stop()


def connect_to(url: str) -> None:
    app.conf.broker_url = url
    # What celery drops after a fork: its pools of connections to the former address.
    app._after_fork()
    kombu.pools.reset()


@pytest.fixture
def environment(broker: Broker, transactional_db) -> dict[str, str]:
    """Of a worker that reads the test database and predicts with the tests' engine."""
    database = connection.settings_dict
    return os.environ | {
        "DATABASE_URL": (
            f"postgres://{database['USER']}:{database['PASSWORD']}"
            f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        ),
        "REDIS_URL": broker.url,
        "ENGINE": engines.NAME,
        "ENGINES": f"{engines.NAME}={engines.PATH}",
        "EMBED_IN_BACKGROUND": "0",
        # Nothing is waited for here but what is lost being found: half as late as in service, and soon after.
        "PREDICTION_HEARTBEAT_SECONDS": "10",
        "SWEEP_SECONDS": "2",
    }


@pytest.fixture
def start_worker(environment: dict[str, str], tmp_path: Path) -> Iterator[StartWorker]:
    workers: list[Processes] = []

    def start(*, processes: int = 1, queues: str = "celery,predict") -> Processes:
        options = ["-Q", queues, "-c", str(processes), "--without-gossip", "--without-mingle"]
        workers.append(Processes(tmp_path, environment, "worker", *options))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


@pytest.fixture
def inference(environment: dict[str, str], settings: Any, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of workers whose engine asks a server, in force here too; "embedded" is the marked engine."""
    names = {engines.SERVED: engines.SERVED_PATH, "embedded": engines.PATH}
    settings.ENGINE, settings.INFERENCE_ENGINES, settings.ENGINES = engines.SERVED, [engines.SERVED], names
    environment |= {
        "ENGINE": engines.SERVED,
        "INFERENCE_ENGINES": engines.SERVED,
        "ENGINES": ",".join(f"{name}={path}" for name, path in names.items()),
        "QUEUE_ORDER": "priority",
        engines.AWAY: str(tmp_path / "server-away"),
    }
    get_engine.cache_clear()
    yield environment
    get_engine.cache_clear()


@pytest.fixture
def start_inference(inference: dict[str, str], tmp_path: Path) -> Iterator[StartWorker]:
    workers: list[Processes] = []

    def start(*, threads: int = 4) -> Processes:
        options = ["-Q", "inference.interactive,inference.batch", "--pool", "threads", "-c", str(threads)]
        name = f"inference{len(workers)}@%h"
        workers.append(
            Processes(
                tmp_path, inference, "worker", *options, "-n", name, "--without-gossip", "--without-mingle"
            )
        )
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()


@pytest.fixture
def beat(environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    """Sends the sweeps, whatever becomes of the workers."""
    process = Processes(tmp_path, environment, "beat", "-s", str(tmp_path / "schedule"))
    yield
    process.kill()


def wait_until(test: Callable[[], bool], *, seconds: float) -> float:
    """How long it took; fails when it takes longer."""
    begun = time.monotonic()
    while not test():
        waited = time.monotonic() - begun
        assert waited < seconds, f"not within {seconds} s"
        time.sleep(0.1)
    return time.monotonic() - begun
