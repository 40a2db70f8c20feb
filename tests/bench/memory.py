"""Peak memory of each process while one chart is predicted and the long review page is drawn."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection
from django.test import Client

from coding_review.models import CodeSet, PredictionRun
from coding_review.tasks import predict
from tests.bench.figures import report
from tests.bench.pages import coder, long_stay


def peak(pid: int) -> float:
    """VmHWM in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def environment() -> dict[str, str]:
    """The children work in the scratch database."""
    values = connection.settings_dict
    host, port = values["HOST"] or "127.0.0.1", values["PORT"] or 5432
    return {
        **os.environ,
        "DATABASE_URL": f"postgres://{values['USER']}:{values['PASSWORD']}@{host}:{port}/{values['NAME']}",
        "WHITENOISE_USE_FINDERS": "true",
        "SECURE_COOKIES": "false",
        "DEBUG": "true",
    }


def _descendants(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def _until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    raise TimeoutError("a process of the measurement did not get ready")


def memory() -> None:
    _web()
    _worker()
    _servers()


def _web() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "coding_review.wsgi", "-w", "1", "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
    try:
        code_set = CodeSet.objects.filter(encounter__source_id="long-1").first() or long_stay(1)
        client = Client(SERVER_NAME="localhost")
        client.force_login(coder())
        cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
        url = f"http://127.0.0.1:{port}/encounters/{code_set.encounter_id}/review/{code_set.claim_type}/"

        def answers() -> bool:
            try:
                request = urllib.request.Request(url, headers={"Cookie": cookie})
                return urllib.request.urlopen(request, timeout=30).status == 200  # noqa: S310
            except OSError:
                return False

        _until(answers)
        for _ in range(5):
            answers()
        peaks = [peak(pid) for pid in _descendants(process.pid)]
        report("Peak memory, web (gunicorn master, one worker)", " + ".join(f"{p:.0f} MiB" for p in peaks))
    finally:
        process.terminate()
        process.wait(20)


def _worker() -> None:
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "coding_review",
        "worker",
        "-c",
        "1",
        "-Q",
        "predict,celery",
    ]
    process = subprocess.Popen(
        [*command, "--without-gossip", "--without-mingle"],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        code_set = long_stay(3)
        CodeSet.objects.filter(pk=code_set.pk).update(revision=0)
        run = PredictionRun.objects.get(code_set=code_set)
        PredictionRun.objects.filter(pk=run.pk).update(status="queued", finished_at=None)
        predict.delay(run.pk)
        _until(lambda: PredictionRun.objects.get(pk=run.pk).status in ("done", "failed"), 120)
        peaks = [peak(pid) for pid in _descendants(process.pid)]
        report(
            "Peak memory, prediction worker (parent, one child)", " + ".join(f"{p:.0f} MiB" for p in peaks)
        )
    finally:
        process.terminate()
        process.wait(30)


def _servers() -> None:
    mine = [
        p for p in psutil.process_iter(["name", "pid"]) if p.info["name"] in ("postgres", "valkey-server")
    ]
    for name in ("postgres", "valkey-server"):
        found = [p.info["pid"] for p in mine if p.info["name"] == name]
        if found:
            total = sum(psutil.Process(pid).memory_full_info().pss for pid in found) / 2**20
            report(
                f"Memory, {name} ({len(found)} processes on this machine, shared pages once)",
                f"{total:.0f} MiB",
            )
