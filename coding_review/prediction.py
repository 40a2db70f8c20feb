"""What a worker does with one run: begin it, ask the engine, keep it alive meanwhile, write the result.

The engine works outside of any transaction. Each step asks whether the run is still this attempt's, so
a task delivered twice, or taken over after a worker was lost, writes one result.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from traceback import extract_tb
from types import TracebackType

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from coding_review.actions.end_prediction import end_prediction
from coding_review.actions.record_prediction import record_prediction
from coding_review.actions.start_prediction import Attempt, start_prediction
from coding_review.choices import RunStatus
from coding_review.models import PredictionRun
from modelops.engines.registry import get_engine
from modelops.errors import EngineError, ModelopsError

log = logging.getLogger(__name__)


class PredictionCrashed(Exception):
    """An error nobody foresaw. Class and place of the cause only: its words may be those of the chart."""

    logs_its_words = True


def predict_run(run_id: int) -> bool:
    """Whether this call wrote the run's result. Calling it again for an ended run does nothing.

    Raises PredictionCrashed for what is a bug, after putting the run back (or closing it when it crashed
    each time), so that the worker's log tells of it.
    """
    attempt = start_prediction(run_id)
    if attempt is None:
        return False
    with _Unforeseen(attempt):
        return _predict(attempt)


def _predict(attempt: Attempt) -> bool:
    try:
        with heartbeat(attempt):
            begun = time.monotonic()
            engine = get_engine(attempt.engine)
            result = engine.predict(attempt.chart, attempt.release_id)
            seconds = time.monotonic() - begun
    except EngineError as error:
        _end(attempt, error.code, str(error), retryable=error.retryable)
        return False
    except ModelopsError as error:
        _end(attempt, error.code, str(error), retryable=False)
        return False
    except SoftTimeLimitExceeded:
        message = f"The engine took longer than {settings.PREDICTION_SECONDS} s."
        _end(attempt, "too_slow", message, retryable=False)
        return False
    return record_prediction(attempt.run_id, attempt.number, result, engine.info, seconds=seconds)


class _Unforeseen(AbstractContextManager[None]):
    """Ends the attempt and passes the error on without its message, which could quote the text."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not an Exception: the worker is told to stop; the sweeper finds the run.
        if kind is None or not issubclass(kind, Exception):
            return
        message = f"The prediction stopped with an error ({kind.__name__})."
        _end(self._attempt, "crashed", message, retryable=True)
        place = extract_tb(trace)[-1]
        cause = f"{kind.__name__} at {Path(place.filename).name}:{place.lineno} in {place.name}"
        raise PredictionCrashed(f"run {self._attempt.run_id}: {cause}") from None


def _end(attempt: Attempt, code: str, message: str, *, retryable: bool) -> None:
    log.warning("run %s, attempt %s: %s", attempt.run_id, attempt.number, code)
    end_prediction(attempt.run_id, attempt.number, code=code, message=message, retryable=retryable)


@contextmanager
def heartbeat(attempt: Attempt) -> Iterator[None]:
    """A thread writes the time onto the run while the engine works, on a database connection of its own."""
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(attempt, stop), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat(attempt: Attempt, stop: threading.Event) -> None:
    mine = PredictionRun.objects.filter(pk=attempt.run_id, status=RunStatus.RUNNING, attempts=attempt.number)
    try:
        while not stop.wait(settings.PREDICTION_HEARTBEAT_SECONDS / 5):
            try:
                mine.update(heartbeat_at=timezone.now())
            except DatabaseError:
                # The next beat opens a new connection; if none works, the run is taken over.
                connection.close()
    finally:
        connection.close()
