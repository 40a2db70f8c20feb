"""Work by several threads comes out in the order it went in, and leaves no connection open."""

import threading
import time

import pytest
from django.db import connection

from modelops.in_order import in_order
from tests.modelops.open_connections import left_open_since, open_connections


def ask(number: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", [number])
        return cursor.fetchone()[0]


def test_results_come_in_order_whoever_is_first():
    def slow_first(number: int) -> int:
        time.sleep(0.03 if number % 4 == 0 else 0)
        return number

    assert list(in_order(range(40), slow_first, 4)) == list(range(40))


def test_they_work_at_once():
    together = threading.Barrier(4)

    def meet(number: int) -> int:
        together.wait(timeout=60)
        return number

    assert list(in_order(range(8), meet, 4)) == list(range(8))


def test_items_are_taken_as_they_are_needed():
    taken = []

    def items():
        for number in range(10_000):
            taken.append(number)
            yield number

    results = in_order(items(), lambda number: number, 2)
    assert next(results) == 0
    results.close()
    assert taken == list(range(8))


def test_an_error_comes_where_its_result_would():
    def work(number: int) -> int:
        if number == 2:
            raise LookupError("two")
        return number

    results = in_order(range(4), work, 2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(LookupError, match="two"):
        next(results)


def test_one_thread_is_the_callers_own():
    assert set(in_order(range(3), lambda number: threading.get_ident(), 1)) == {threading.get_ident()}


@pytest.mark.django_db
def test_connections_of_the_threads_are_closed():
    before = open_connections()
    together = threading.Barrier(3)

    def work(number: int) -> int:
        together.wait(timeout=60)
        found = ask(number)
        together.wait(timeout=60)
        return found

    results = in_order(range(6), work, 3)
    assert next(results) == 0
    assert len(open_connections() - before) == 3
    assert list(results) == [1, 2, 3, 4, 5]
    assert left_open_since(before) == frozenset()
