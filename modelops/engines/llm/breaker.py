"""When a server is left alone, and when it is tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import Enum


class Standing(Enum):
    CLOSED = "closed"  # in use
    OPEN = "open"  # left alone
    DUE = "due"  # may be tried by one


class Breaker:
    """Opens after `failures` in a row; then one trial after `seconds`, and after twice as long each time that
    nothing answers it, up to `longest`. A trial that was answered, if with an error, leaves the pause as it is: the
    server is there, asking it again costs nobody any waiting, and a storm of errors is over as soon as it ends. A
    success closes it. The lock is held for these few lines only, never while anybody waits for a server."""

    def __init__(
        self,
        *,
        failures: int = 3,
        seconds: float = 0.5,
        longest: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed, self._seconds, self._longest, self._clock = failures, seconds, longest, clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._pause = 0.0
        self._until = 0.0
        self._trial = False

    def standing(self) -> Standing:
        with self._lock:
            return self._standing()

    def _standing(self) -> Standing:
        if not self._pause:
            return Standing.CLOSED
        return Standing.OPEN if self._trial or self._clock() < self._until else Standing.DUE

    def enter(self) -> bool:
        """Whether a request may go out; where a trial is due, the first who asks has it.

        Whoever got True says afterwards how it went: `succeeded`, `failed`, or `left` when it says nothing
        of the server.
        """
        with self._lock:
            standing = self._standing()
            if standing is Standing.DUE:
                self._trial = True
            return standing is not Standing.OPEN

    def succeeded(self) -> None:
        with self._lock:
            self._in_a_row, self._pause, self._trial = 0, 0.0, False

    def failed(self, *, answered: bool = False) -> bool:
        """Whether this is what opened it. `answered`: something came back, if only an error."""
        with self._lock:
            if self._pause and not self._trial:
                # It went out before the breaker opened, and tells nothing new.
                return False
            self._in_a_row += 1
            if not self._trial and self._in_a_row < self._allowed:
                return False
            opened = not self._pause
            if opened:
                self._pause = self._seconds
            elif not answered:
                self._pause = min(self._longest, self._pause * 2)
            self._until = self._clock() + self._pause
            self._trial = False
            return opened

    def left(self) -> None:
        with self._lock:
            self._trial = False
