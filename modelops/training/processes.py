"""Processes of a run, told from others that came to the same number later. Linux only (/proc)."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# In the environment of every process of a run, whatever started it.
MARK = "TRAINING_RUN_TOKEN"
# What a run's processes may see of the environment: none of the application's settings and secrets.
_PASSED_ON = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "CUDA_HOME",
    "TMPDIR",
)
_PASSED_ON_ALSO = ("OMP_", "NCCL_", "TORCH_", "DS_", "UCX_", "FI_")
_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Process:
    """`started`: the machine's start and the process's own, in clock ticks since then."""

    pid: int
    started: str


def environment(given: Mapping[str, str], token: str) -> dict[str, str]:
    passed = {
        name: value for name, value in given.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_ALSO)
    }
    return passed | {MARK: token}


def this_process() -> Process:
    return Process(os.getpid(), started_at(os.getpid()))


def started_at(pid: int) -> str:
    """ "" where there is no such process, or it has ended and waits for its parent."""
    fields = _stat(pid)
    if not fields or fields[0] in ("Z", "X"):
        return ""
    return f"{_boot()}:{fields[19]}"


def is_alive(process: Process) -> bool:
    return bool(process.started) and started_at(process.pid) == process.started


def marked(token: str) -> list[int]:
    """Numbers of this user's processes that belong to the run."""
    wanted = f"{MARK}={token}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            # It has just ended, or is another user's.
            continue
        if wanted in environment.split(b"\0") and started_at(int(entry.name)):
            found.append(int(entry.name))
    return found


def end_all(token: str, *, seconds: float = 10.0, but: int = 0) -> bool:
    """Kills the run's processes, those that start meanwhile too. Whether none is left (`but` is spared)."""
    until = time.monotonic() + seconds
    while left := [pid for pid in marked(token) if pid not in (but, os.getpid())]:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def _boot() -> str:
    return _BOOT.read_text().strip() if _BOOT.exists() else ""


def _stat(pid: int) -> list[str]:
    """From the third field of /proc/PID/stat on: the second, a name in brackets, may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
