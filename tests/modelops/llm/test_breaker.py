"""The breaker's table, by a clock of its own."""

from __future__ import annotations

import threading

import pytest

from modelops.engines.llm.breaker import Breaker, Standing


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(failures=3, seconds=1.0, longest=5.0, clock=clock)


def test_it_opens_after_so_many_failures_in_a_row(breaker: Breaker) -> None:
    assert [breaker.failed(), breaker.failed(), breaker.standing()] == [False, False, Standing.CLOSED]
    breaker.succeeded()
    assert [breaker.failed(), breaker.failed(), breaker.failed()] == [False, False, True]
    assert (breaker.standing(), breaker.enter()) == (Standing.OPEN, False)


def test_one_trial_when_its_time_is_over(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.failed()
    clock.now += 0.99
    assert breaker.enter() is False
    clock.now += 0.01
    assert breaker.standing() is Standing.DUE
    assert [breaker.enter(), breaker.enter(), breaker.standing()] == [True, False, Standing.OPEN]
    breaker.succeeded()
    assert [breaker.standing(), breaker.enter(), breaker.enter()] == [Standing.CLOSED, True, True]


def test_each_trial_that_nothing_answers_doubles_the_pause_up_to_the_longest(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(3):
        breaker.failed()
    pauses = []
    for _ in range(5):
        began = clock.now
        while not breaker.enter():
            clock.now += 0.25
        pauses.append(clock.now - began)
        assert breaker.failed() is False
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]


def test_a_trial_answered_with_an_error_leaves_the_pause_as_it_is(breaker: Breaker, clock: Clock) -> None:
    """Whatever was answered: a storm of thirty errors is over within seconds, not after pauses of 1, 2, 4, 8 …"""
    for _ in range(3):
        breaker.failed(answered=True)
    pauses = []
    for answered in (True, True, False, True, True):
        began = clock.now
        while not breaker.enter():
            clock.now += 0.25
        pauses.append(clock.now - began)
        assert breaker.failed(answered=answered) is False
    assert pauses == [1.0, 1.0, 1.0, 2.0, 2.0]


def test_a_trial_that_says_nothing_leaves_it_due(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.failed()
    clock.now += 1
    assert breaker.enter() is True
    breaker.left()
    assert breaker.standing() is Standing.DUE


def test_failures_of_requests_from_before_count_once(breaker: Breaker, clock: Clock) -> None:
    """Sixteen requests that were under way when a server died must not make its pause the longest at once."""
    assert [breaker.failed() for _ in range(16)].count(True) == 1
    clock.now += 1
    assert breaker.standing() is Standing.DUE


def test_only_one_of_many_threads_has_the_trial(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        breaker.failed()
    clock.now += 1
    barrier, entered = threading.Barrier(16), []

    def enter() -> None:
        barrier.wait()
        entered.append(breaker.enter())

    threads = [threading.Thread(target=enter) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entered) == [False] * 15 + [True]
