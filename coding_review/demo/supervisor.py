"""Runs several programs as one: all are up, or all are stopped, and none outlives the process that started them.

Each program is a session of its own, so that Ctrl-C reaches only the supervisor, which then stops them in
order. Should the supervisor itself be killed, the kernel sends them SIGTERM (Linux's parent-death signal).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from modelops.child_processes import die_with_parent, send_signal

_STOP_SECONDS = 10.0


class ProgramFailed(Exception):
    """A program ended by itself and starting it again did not help; the message holds the end of its log."""


@dataclass(frozen=True)
class Program:
    """`restarts`: how often in a row it may end by itself within `settled_seconds` of its start."""

    name: str
    command: Sequence[str]
    restarts: int = 3
    settled_seconds: float = 20.0


@dataclass
class _Running:
    program: Program
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0


@dataclass
class Supervisor:
    """Programs run in `folder`; their output goes to `logs`/NAME.log, begun anew by each supervisor.

    `inherited` are open file handles that every program and its children keep.
    """

    logs: Path
    environment: Mapping[str, str]
    folder: Path
    inherited: Sequence[int] = ()
    _running: list[_Running] = field(default_factory=list)

    def start(self, program: Program) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        self.log_of(program.name).unlink(missing_ok=True)
        self._running.append(_Running(program, self._spawn(program), time.monotonic()))

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def pids(self) -> dict[str, int]:
        return {one.program.name: one.process.pid for one in self._running}

    def tend(self) -> list[str]:
        """Start again what has ended; the names of what was started. Raises ProgramFailed."""
        restarted = []
        for one in self._running:
            status = one.process.poll()
            if status is None:
                continue
            settled = time.monotonic() - one.started > one.program.settled_seconds
            one.failures = 1 if settled else one.failures + 1
            if one.failures > one.program.restarts:
                raise ProgramFailed(
                    f"{one.program.name} ended {one.failures} times in a row (status {status}). The end of "
                    f"its log ({self.log_of(one.program.name)}):\n{self._tail(one.program.name)}"
                )
            one.process, one.started = self._spawn(one.program), time.monotonic()
            restarted.append(one.program.name)
        return restarted

    def stop(self) -> None:
        """End all programs, the last started first; what does not end in time is killed with its children."""
        for one in reversed(self._running):
            send_signal(one.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for one in reversed(self._running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                one.process.wait(max(0.0, deadline - time.monotonic()))
            # Also after an orderly end: a child of the program may have stayed behind in its session.
            send_signal(-one.process.pid, signal.SIGKILL)
            one.process.wait()
        self._running.clear()

    def _tail(self, name: str) -> str:
        text = self.log_of(name).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-12:])

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        with self.log_of(program.name).open("ab") as log:
            return subprocess.Popen(  # noqa: S603  the supervisor's own programs
                list(program.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                cwd=self.folder,
                pass_fds=tuple(self.inherited),
                start_new_session=True,
                # The supervisor has no threads when it starts programs.
                preexec_fn=die_with_parent(os.getpid()),
            )
