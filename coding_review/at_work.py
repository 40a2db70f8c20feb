"""What every long piece of a worker's work has around it: a sign of life, and an end that is told when it crashes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from traceback import extract_tb
from types import TracebackType

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection


class WorkCrashed(Exception):
    """An error nobody foresaw. Class and place of the cause only."""

    logs_its_words = True


@contextmanager
def life_shown(show: Callable[[], object]) -> Iterator[None]:
    """While it lasts a thread of its own calls `show`, which writes that the worker lives: a step may take minutes."""
    end = threading.Event()

    def beat() -> None:
        try:
            while not end.wait(settings.PREDICTION_HEARTBEAT_SECONDS / 5):
                try:
                    show()
                except DatabaseError:
                    # The next beat opens a new connection; if none works, the sweep takes the worker for lost.
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name="life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


class Unforeseen(AbstractContextManager[None]):
    """Calls `fail` with a sentence for people, and passes the error on as `crash`, without its words, which could be
    a chart's. `what`: the row, as in "run 7"."""

    def __init__(
        self, fail: Callable[[str], object], what: str, crash: type[WorkCrashed] = WorkCrashed
    ) -> None:
        self._fail = fail
        self._what = what
        self._crash = crash

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or not issubclass(kind, Exception):
            return
        self._fail(f"It stopped with an error of the program ({kind.__name__}).")
        place = extract_tb(trace)[-1]
        cause = f"{kind.__name__} at {Path(place.filename).name}:{place.lineno} in {place.name}"
        raise self._crash(f"{self._what}: {cause}") from None
