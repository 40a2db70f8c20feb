"""What a worker does with one run: begin it, ask the engine, keep it alive meanwhile, write the result.

The engine works outside of any transaction. Each step asks whether the run is still this attempt's, so
a task delivered twice, or taken over after a worker was lost, writes one result.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from traceback import extract_tb
from types import TracebackType

from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from coding_review.actions.end_prediction import end_prediction
from coding_review.actions.record_prediction import record_prediction
from coding_review.actions.start_prediction import Attempt, start_prediction
from coding_review.heartbeat import heartbeat
from modelops.engines.calibration import calibrated
from modelops.engines.registry import get_engine
from modelops.engines.types import Engine, EngineResult, StoppableEngine
from modelops.errors import Cancelled, EngineError, ModelopsError

log = logging.getLogger(__name__)
# Threads that begin at once would make an engine each, and each would keep its own count of requests under way.
_ONE_MAKES_IT = threading.Lock()


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
        with heartbeat(attempt) as no_longer_ours:
            begun = time.monotonic()
            with _ONE_MAKES_IT:
                engine = get_engine(attempt.engine)
            result = _ask(engine, attempt, no_longer_ours)
            seconds = time.monotonic() - begun
    except Cancelled:
        log.info(
            "run %s, attempt %s: stopped, it is no longer this attempt's", attempt.run_id, attempt.number
        )
        return False
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
    info, result = calibrated(result.made_by or engine.info, result)
    return record_prediction(attempt.run_id, attempt.number, result, info, seconds=seconds)


def _ask(engine: Engine, attempt: Attempt, stop: Callable[[], bool]) -> EngineResult:
    if isinstance(engine, StoppableEngine):
        return engine.predict_until(attempt.chart, attempt.release_id, stop)
    return engine.predict(attempt.chart, attempt.release_id)


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
