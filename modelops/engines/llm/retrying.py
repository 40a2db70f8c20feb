"""Asking again: which errors are worth it, how long to wait, when to stop."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from modelops.engines.llm.transport import Deadline
from modelops.errors import LlmError, ServerBusy

ATTEMPTS = 5
LONGEST_PAUSE = 8.0

Answer = TypeVar("Answer")

# Between 0 and 0.5, 1, 2, … 8 seconds: many charts that failed together do not come back together.
_backoff = wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE)


def worth_it(error: BaseException) -> bool:
    return isinstance(error, LlmError) and error.retryable


def pause(state: RetryCallState) -> float:
    """Seconds until the next attempt; what a busy server asked for is the least."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ServerBusy) and error.retry_after is not None:
        return error.retry_after + random.uniform(0, 0.1 + error.retry_after / 10)  # noqa: S311 - jitter
    return _backoff(state)


def until(
    deadline: Deadline,
    call: Callable[[], Answer],
    *,
    attempts: int = ATTEMPTS,
    again: Callable[[BaseException], bool] = worth_it,
    wait: Callable[[RetryCallState], float] = pause,
) -> tuple[Answer, int]:
    """What `call` returns and the number of attempts; its last error when there is no more time or attempt.

    Sleeps no longer than the deadline leaves: an error is raised at once where the wait would outlast it.
    Raises Cancelled when it is stopped while waiting.
    """

    def enough(state: RetryCallState) -> bool:
        return state.attempt_number >= attempts or state.upcoming_sleep >= deadline.left()

    retrying = Retrying(
        retry=retry_if_exception(again), wait=wait, stop=enough, sleep=deadline.sleep, reraise=True
    )
    answer = retrying(call)
    return answer, int(retrying.statistics.get("attempt_number", 1))
