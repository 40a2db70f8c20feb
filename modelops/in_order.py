"""The same work for many items by several threads, the results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

Item = TypeVar("Item")
Made = TypeVar("Made")

# How far the threads may be ahead of the oldest unfinished item, in items a thread.
_AHEAD = 4


def in_order(items: Iterable[Item], work: Callable[[Item], Made], threads: int) -> Iterator[Made]:
    """`work(item)` of each item; items are taken as they are needed, so there may be any number of them.

    What `work` raises is raised where its result would have come. The threads' database connections are closed
    when the last result was taken, or when the caller goes away.
    """
    if threads <= 1:
        yield from map(work, items)
        return
    opened: list[BaseDatabaseWrapper] = []

    def begin() -> None:
        # A connection belongs to its thread, and threads of a pool do not say when they end.
        connection = connections["default"]
        connection.inc_thread_sharing()
        opened.append(connection)

    pool = ThreadPoolExecutor(threads, thread_name_prefix="in-order", initializer=begin)
    waiting: deque[Future[Made]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= threads * _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for connection in opened:
            connection.close()
            connection.dec_thread_sharing()
