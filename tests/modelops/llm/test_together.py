"""What waits for a server is done at once: results in order, a limit, and nothing left behind when one fails."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from modelops.engines.llm.together import together
from modelops.errors import Cancelled, ServerUnavailable, TooSlow

WAIT = 120.0


def run(works, *, most=4, failed=None):
    works = list(works)
    return together(works, count=len(works), most=most, failed=failed or threading.Event())


def test_results_stand_in_order_whoever_ends_first():
    ended = [threading.Event() for _ in range(4)]

    def work(number):
        # Each waits for the next to have ended.
        if number < 3:
            assert ended[number + 1].wait(WAIT)
        ended[number].set()
        return number

    assert run(partial(work, number) for number in range(4)) == [0, 1, 2, 3]


def test_no_more_at_once_than_allowed_and_that_many():
    lock, together_now = threading.Lock(), threading.Barrier(3)
    running, most = 0, 0

    def work():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together_now.wait(WAIT)
        with lock:
            running -= 1

    assert run([work] * 9, most=3) == [None] * 9
    assert most == 3


@pytest.mark.parametrize("most", [1, 4])
def test_a_lone_work_and_a_limit_of_one_run_in_the_asking_thread(most):
    works = [threading.get_ident] * (3 if most == 1 else 1)
    assert set(run(works, most=most)) == {threading.get_ident()}


def test_works_are_prepared_in_the_asking_thread_while_others_run():
    begun, prepared = threading.Event(), []

    def works():
        yield partial(begun.set)
        # Could not go on if it were read to its end before the first began.
        assert begun.wait(WAIT)
        prepared.append(threading.get_ident())
        yield partial(begun.is_set)

    assert together(works(), count=2, most=2, failed=threading.Event()) == [None, True]
    assert prepared == [threading.get_ident()]


def test_the_first_error_in_order_that_is_no_cancellation_is_raised_when_all_have_ended():
    failed, ended = threading.Event(), []

    def stopped():
        assert failed.wait(WAIT)
        time.sleep(0.05)
        ended.append("stopped")
        raise Cancelled

    def fails():
        raise ServerUnavailable

    never = threading.Event()
    with pytest.raises(ServerUnavailable) as raised:
        run([stopped, fails, never.set, never.set], most=2, failed=failed)
    assert ended == ["stopped"]
    assert raised.value.__context__ is None
    assert not never.is_set()


def test_a_chart_that_was_cancelled_is_cancelled():
    def stopped():
        raise Cancelled

    with pytest.raises(Cancelled):
        run([stopped, stopped])


def test_an_error_while_preparing_stops_what_runs_and_passes_through():
    failed, ended = threading.Event(), threading.Event()

    def waits():
        assert failed.wait(WAIT)
        ended.set()
        raise Cancelled

    def works():
        yield waits
        raise TooSlow

    with pytest.raises(TooSlow):
        together(works(), count=3, most=3, failed=failed)
    assert ended.is_set()
