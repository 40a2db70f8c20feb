"""Work of one chart that waits for a server, done at once: in threads, the results in order, none left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from modelops.errors import Cancelled

Result = TypeVar("Result")


def together(
    works: Iterable[Callable[[], Result]], *, count: int, most: int, failed: threading.Event
) -> list[Result]:
    """What each of the works returns, in their order. At most `most` run at once, `count` is how many there are at
    most; a lone one runs in the thread that asks.

    `works` is read in the calling thread while those read before are under way, so what prepares a work may use what
    belongs to that thread (its database connection); a work may not. Where one raises, `failed` is set, works that
    have not begun never do, and the error is raised when the last that runs has ended: of several the first in order
    that is no cancellation, since the others may only have been stopped by `failed`.
    """
    if count <= 1 or most <= 1:
        return [work() for work in works]
    begun: list[Future[Result]] = []
    threads = ThreadPoolExecutor(max_workers=min(count, most), thread_name_prefix="windows")
    prepared = False
    try:
        for work in works:
            if failed.is_set():
                break
            begun.append(threads.submit(_telling, work, failed))
        prepared = True
        wait(begun, return_when=FIRST_EXCEPTION)
    finally:
        if not prepared or any(one.done() and one.exception() is not None for one in begun):
            failed.set()
        threads.shutdown(wait=True, cancel_futures=failed.is_set())
    errors = [error for one in begun if not one.cancelled() and (error := one.exception()) is not None]
    if errors:
        raise next((error for error in errors if not isinstance(error, Cancelled)), errors[0])
    return [one.result() for one in begun]


def _telling(work: Callable[[], Result], failed: threading.Event) -> Result:
    """Says that it failed at once, so that nothing more is begun."""
    done = False
    try:
        result = work()
        done = True
    finally:
        if not done:
            failed.set()
    return result
