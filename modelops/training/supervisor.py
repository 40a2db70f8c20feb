"""The process that stands over a training: `python -m modelops.training.supervisor RUN VENV`. No Django.

It runs in a session of its own, so that it outlives whoever started it; shows signs of life; starts the trainer once;
and has the last word where the trainer had none. It restarts nothing. Of one run there is one at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType

from modelops.child_processes import die_with_parent
from modelops.training import processes
from modelops.training.config import JobFile
from modelops.training.errors import ERRORS, code_in
from modelops.training.files import RunFolder, State
from modelops.training.heartbeat import HEARTBEAT_SECONDS, beat
from modelops.training.processes import end_all

_LOOK_SECONDS = 0.2
_WAIT_SECONDS = 90.0
_ROOT = Path(__file__).resolve().parent.parent.parent
# Of the log: enough to find what a library said last.
_TAIL = 20_000
# Of glibc's malloc: sizes in bytes; pages of two megabytes where the kernel gives them to who asks.
_KEPT_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(256 * 1024 * 1024),
    "MALLOC_TRIM_THRESHOLD_": str(2 * 1024 * 1024 * 1024),
    "MALLOC_TOP_PAD_": str(64 * 1024 * 1024),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
_OOM_COUNTS = ("/sys/fs/cgroup/memory.events",)


def main(arguments: list[str]) -> int:
    folder, venv = RunFolder(Path(arguments[0]).resolve()), Path(arguments[1])
    job = folder.read_run()
    with _alone(folder) as ours:
        if not ours:
            return 0
        told = folder.read_state()
        if told is not None and told.attempt == job.attempt and told.is_end:
            return 0
        beat(folder, job.attempt)
        signal.signal(signal.SIGTERM, _end)
        try:
            return _run(folder, job, venv)
        finally:
            end_all(job.token)


def _run(folder: RunFolder, job: JobFile, venv: Path) -> int:
    killed_before = _oom_kills()
    with folder.log.open("ab") as log:
        try:
            trainer = subprocess.Popen(  # noqa: S603  our own program, the arguments a list
                command(folder, job, venv),
                cwd=_ROOT,
                env=environment(job, os.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(os.getpid()),
            )
        except OSError:
            _last_word(folder, job, "environment_missing")
            return 1
    try:
        _watch(folder, job, trainer)
    finally:
        # A launcher may leave its workers behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(trainer.pid, signal.SIGKILL)
        trainer.wait()
    told = folder.read_state()
    if told is None or told.attempt != job.attempt or not told.is_end:
        _last_word(folder, job, _why(folder, trainer.returncode, killed_before))
    return 0


def _watch(folder: RunFolder, job: JobFile, trainer: subprocess.Popen[bytes]) -> None:
    """Until the trainer's process has ended, or has said its last word and does not end."""
    beaten = time.monotonic()
    while trainer.poll() is None:
        time.sleep(_LOOK_SECONDS)
        if time.monotonic() - beaten >= HEARTBEAT_SECONDS:
            beat(folder, job.attempt)
            beaten = time.monotonic()
            # A file system of the network that is away for a moment ends nobody.
            with contextlib.suppress(OSError):
                told = folder.read_state()
                if told is not None and told.attempt == job.attempt and told.is_end:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        trainer.wait(timeout=30)
                    return


def command(folder: RunFolder, job: JobFile, venv: Path) -> list[str]:
    """One process is started as it is; several, and several nodes, by DeepSpeed's launcher."""
    module, run = "modelops.training.entrypoint", str(folder.path)
    if job.resources.world_size == 1:
        return [str(venv / "bin" / "python"), "-W", "ignore", "-m", module, run]
    launcher = [str(venv / "bin" / "python"), "-m", "deepspeed.launcher.runner"]
    where = ["--num_gpus", str(job.resources.processes), "--master_port", str(_free_port())]
    if job.resources.place == "hostfile":
        where += ["--hostfile", job.resources.hostfile, "--num_nodes", str(job.resources.nodes)]
    # Without it each process is given its rank before the run's folder.
    return [*launcher, *where, "--no_local_rank", "--module", module, run]


def environment(job: JobFile, given: Mapping[str, str]) -> dict[str, str]:
    found = processes.environment(given, job.token) | {
        "PYTHONPATH": str(_ROOT),
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "0",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "DO_NOT_TRACK": "1",
    }
    if job.resources.device == "cpu":
        found["DS_ACCELERATOR"] = "cpu"
        # Threads that wait for one another by turning a core make a machine that others use several times slower.
        found.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        # What a step gave back is kept for the next one: asking the kernel for it anew took a seventh of the time.
        found = _KEPT_MEMORY | found
    if job.resources.world_size == 1:
        found |= {
            "RANK": "0",
            "LOCAL_RANK": "0",
            "WORLD_SIZE": "1",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(_free_port()),
        }
    return found


def _why(folder: RunFolder, returned: int, killed_before: int) -> str:
    """Which of ERRORS, for a trainer that said nothing."""
    if returned == -signal.SIGKILL and _oom_kills() > killed_before:
        return "out_of_memory"
    if returned < 0:
        return "worker_lost"
    return code_in(_tail(folder.log)) or ("environment_missing" if returned in (126, 127) else "crashed")


def _last_word(folder: RunFolder, job: JobFile, code: str) -> None:
    told = folder.read_state() or State(job.attempt, "failed")
    last = dataclasses.replace(
        told,
        attempt=job.attempt,
        status="failed",
        error_code=code,
        error=ERRORS[code].message,
        at=dt.datetime.now(tz=dt.UTC).isoformat(),
        result=None,
    )
    folder.write_state(last)


@contextlib.contextmanager
def _alone(folder: RunFolder) -> Iterator[bool]:
    """The one of an attempt before may still be about to end: it is waited for."""
    until = time.monotonic() + _WAIT_SECONDS
    with folder.lock.open("ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    yield False
                    return
                time.sleep(_LOOK_SECONDS)
                continue
            yield True
            return


def _end(number: int, frame: FrameType | None) -> None:
    """The machine goes down: the trainer's processes go with this one."""
    sys.exit(128 + number)


def _oom_kills() -> int:
    """How often the kernel killed a process of this control group for memory; 0 where it does not say."""
    for path in _OOM_COUNTS:
        with contextlib.suppress(OSError, ValueError):
            for line in Path(path).read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count)
    return 0


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
