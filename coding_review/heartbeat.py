"""Signs of life of all runs that a process has in hand: one thread, one database connection, however many there are.

The same thread sees when a run is no longer the attempt's, because someone cancelled it or another worker took it
over; the engine that works on it is told to stop.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from coding_review.actions.start_prediction import Attempt
from coding_review.choices import RunStatus
from coding_review.models import PredictionRun

# How soon a cancelled run is noticed.
LOOK_SECONDS = 1.0


class _Heart:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[int, int], threading.Event] = {}
        self._thread: threading.Thread | None = None
        self._end = threading.Event()

    def enter(self, attempt: tuple[int, int]) -> threading.Event:
        with self._lock:
            lost = self._held[attempt] = threading.Event()
            if self._thread is None:
                self._end = threading.Event()
                self._thread = threading.Thread(
                    target=self._beat, args=(self._end,), name="heartbeat", daemon=True
                )
                self._thread.start()
        return lost

    def leave(self, attempt: tuple[int, int]) -> None:
        """The last one waits for the thread, so that no connection is left behind."""
        with self._lock:
            del self._held[attempt]
            if self._held or self._thread is None:
                return
            thread, self._thread = self._thread, None
            self._end.set()
        thread.join()

    def _beat(self, end: threading.Event) -> None:
        between = settings.PREDICTION_HEARTBEAT_SECONDS / 5
        beaten = time.monotonic()
        try:
            while not end.wait(min(LOOK_SECONDS, between)):
                due = time.monotonic() - beaten >= between
                try:
                    self._look(write=due)
                except DatabaseError:
                    # The next look opens a new connection; if none works, the runs are taken over.
                    connection.close()
                    continue
                if due:
                    beaten = time.monotonic()
        finally:
            connection.close()

    def _look(self, *, write: bool) -> None:
        with self._lock:
            held = dict(self._held)
        if not held:
            return
        running = PredictionRun.objects.filter(pk__in={pk for pk, _ in held}, status=RunStatus.RUNNING)
        ours = held.keys() & set(running.values_list("pk", "attempts"))
        for attempt in held.keys() - ours:
            held[attempt].set()
        if write and ours:
            running.filter(pk__in=[pk for pk, _ in ours]).update(heartbeat_at=timezone.now())


_HEART = _Heart()


@contextmanager
def heartbeat(attempt: Attempt) -> Iterator[Callable[[], bool]]:
    """While it lasts the run shows signs of life. Gives what tells whether the run is no longer this attempt's."""
    key = attempt.run_id, attempt.number
    lost = _HEART.enter(key)
    try:
        yield lost.is_set
    finally:
        _HEART.leave(key)
