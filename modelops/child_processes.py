"""Processes that end with whoever started them: the demo's programs and the local vLLM server."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable

# prctl(2)
_PR_SET_PDEATHSIG = 1
# Loaded beforehand: between fork and exec nothing may be loaded any more.
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> Callable[[], None]:
    """For `preexec_fn`: ask the kernel to end this process with SIGTERM when its parent thread ends."""

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            # It ended before the kernel was asked.
            os._exit(1)

    return prepare


def send_signal(pid: int, number: signal.Signals) -> None:
    """A negative number names a process group, as for kill(2). One that has ended is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
