"""Which demo runs in this checkout: a lock that the kernel drops with its process, and where it is reached."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from coding_review.localservers.network import is_free

_PORTS_TRIED = 100


class NoFreePort(Exception):
    """Every port that was tried is taken."""


@dataclass(frozen=True, slots=True)
class OtherDemo:
    """`address` is empty while that demo is still starting."""

    pid: int
    address: str


class DemoLock:
    """Held by the one demo of a checkout for as long as its process lives."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "running.json"
        self._file: IO[str] | None = None

    def take(self) -> OtherDemo | None:
        """None when the lock is ours now, else who has it."""
        # Opened for appending: what the other demo wrote stays.
        file = self._path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            try:
                about = json.loads(file.read())
                return OtherDemo(int(about["pid"]), str(about["address"]))
            except (ValueError, KeyError, TypeError):
                return OtherDemo(0, "")
            finally:
                file.close()
        self._file = file
        self.note("")
        return None

    def note(self, address: str) -> None:
        assert self._file is not None, "the lock is taken first"  # noqa: S101  a mistake of the caller
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps({"pid": os.getpid(), "address": address}))
        self._file.flush()


def choose_port(first: int) -> int:
    """The first free port from `first` on. Raises NoFreePort."""
    last = min(first + _PORTS_TRIED, 65536)
    for port in range(first, last):
        if is_free(port):
            return port
    raise NoFreePort(f"All ports from {first} to {last - 1} are taken. Name another: make demo PORT=9000")
