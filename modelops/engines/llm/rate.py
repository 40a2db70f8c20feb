"""A rate that all workers keep to together, counted in Redis."""

from __future__ import annotations

import random
import time

from limits import parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from modelops.engines.llm.transport import Deadline
from modelops.errors import ServerUnavailable

_LOOK = 1.0


class SharedRate:
    """`rate` as "600/minute"; `store` as "redis://…" or "memory://" (this process alone).

    Who has to wait sleeps until the window has room, or raises TooSlow or Cancelled. Where the store cannot
    be reached nobody may go: a limit that ends with a restart of Redis protects nothing.
    """

    def __init__(self, rate: str, store: str, name: str = "llm") -> None:
        self._item = parse(rate)
        self._limiter = MovingWindowRateLimiter(storage_from_string(store, wrap_exceptions=True))
        self._name = name

    def acquire(self, deadline: Deadline) -> None:
        while not self._taken():
            left = self._limiter.get_window_stats(self._item, self._name).reset_time - time.time()
            # Not longer than a second: whoever waits is told of a cancellation, and others may leave room.
            deadline.sleep(min(max(left, 0.01), _LOOK) + random.uniform(0, 0.02))  # noqa: S311 - jitter

    def _taken(self) -> bool:
        try:
            return bool(self._limiter.hit(self._item, self._name))
        except StorageError:
            pass
        raise ServerUnavailable("The store of the language model's request rate cannot be reached.")
