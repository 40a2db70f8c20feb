"""Signs of life of a run: heartbeat.json, written by the supervisor, and where there is none by the trainer itself."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import threading
from collections.abc import Iterator

from modelops.training.files import RunFolder, write_json
from modelops.training.processes import this_process

HEARTBEAT_SECONDS = 2.0
# Of a trainer without a supervisor, on a file system that a cluster shares.
CLUSTER_SECONDS = 20.0


def beat(folder: RunFolder, attempt: int) -> None:
    """A full disk ends nobody: a supervisor is seen by its number too."""
    me = this_process()
    with contextlib.suppress(OSError):
        write_json(
            folder.heartbeat,
            {
                "attempt": attempt,
                "host": socket.gethostname(),
                "pid": me.pid,
                "started": me.started,
                "at": dt.datetime.now(tz=dt.UTC).isoformat(),
            },
        )


@contextlib.contextmanager
def beating(folder: RunFolder, attempt: int, seconds: float = CLUSTER_SECONDS) -> Iterator[None]:
    """While it lasts a thread of its own beats: loading a large base says nothing for minutes."""
    end = threading.Event()

    def pulse() -> None:
        beat(folder, attempt)
        while not end.wait(seconds):
            beat(folder, attempt)

    thread = threading.Thread(target=pulse, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
