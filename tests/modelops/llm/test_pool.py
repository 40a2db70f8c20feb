"""Several servers as one: shares, limits, what is down, adapters, rates."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import settings
from redis import Redis

from modelops.engines.llm import client
from modelops.engines.llm import pool as pool_module
from modelops.engines.llm.breaker import Breaker
from modelops.engines.llm.client import VllmServer
from modelops.engines.llm.pool import PRESSURE_SECONDS, ServerPool, pool_of, weighted
from modelops.engines.llm.rate import SharedRate
from modelops.engines.llm.transport import ChatAnswer, Deadline, Pressure
from modelops.errors import (
    Cancelled,
    ContextTooLong,
    LlmError,
    RequestRefused,
    ServerBusy,
    ServerUnavailable,
    TooSlow,
    WrongModel,
)
from tests.modelops.llm.contract import OPEN, SECRET, SOON, assert_silent, comes_true, request
from tests.standin.process import StandInProcess


@pytest.fixture(scope="module")
def two_processes() -> Iterator[list[StandInProcess]]:
    with ExitStack() as stack:
        yield [stack.enter_context(StandInProcess.started()) for _ in range(2)]


@pytest.fixture
def two(two_processes: list[StandInProcess]) -> list[StandInProcess]:
    for standin in two_processes:
        standin.reset()
    return two_processes


def pool(standins: Sequence[StandInProcess], weights: Sequence[float] = (1, 1), **options: Any) -> ServerPool:
    servers = [VllmServer(one.url, model="standin", attempts=2) for one in standins]
    return ServerPool(list(zip(servers, weights, strict=False)), **options)


def ask(server: ServerPool, seconds: float = 120.0, model: str = "") -> ChatAnswer:
    return server.chat(request(OPEN, model=model), Deadline.after(seconds))


def chats(standins: Sequence[StandInProcess]) -> list[int]:
    return [one.state()["chats"] for one in standins]


def at_once(server: ServerPool, count: int, threads: int = 16) -> list[ChatAnswer]:
    with ThreadPoolExecutor(threads) as executor:
        return list(executor.map(lambda _: ask(server), range(count)))


def test_requests_one_by_one_are_shared_by_weight(two: list[StandInProcess]) -> None:
    server = pool(two, (3, 1))
    for _ in range(40):
        ask(server)
    assert chats(two) == [30, 10]


def test_requests_at_once_go_where_the_fewest_are(two: list[StandInProcess]) -> None:
    """A slow server gets less: its requests stay, and count."""
    # Slow beside whatever a machine without time needs for a request.
    two[0].set(request_seconds=3)
    two[1].set(request_seconds=0.04)
    at_once(pool(two), 110, threads=8)
    slow, fast = chats(two)
    assert slow + fast == 110
    assert fast > 2 * slow > 0


def test_no_server_gets_more_at_once_than_the_limit(two: list[StandInProcess]) -> None:
    for one in two:
        one.set(request_seconds=0.5)
    assert len(at_once(pool(two, in_flight=3), 40, threads=16)) == 40
    assert [one.state()["peak_running"] for one in two] == [3, 3]


def test_nothing_is_sent_while_the_server_says_that_many_wait(two: list[StandInProcess]) -> None:
    one = two[0]
    one.set(waiting=9)
    server = pool([one], max_waiting=8)
    began = time.monotonic()
    with ThreadPoolExecutor(4) as executor:
        asked = [executor.submit(ask, server) for _ in range(4)]
        time.sleep(1.2)
        assert chats([one]) == [0]
        one.set(waiting=8)
        assert [future.result(120).attempts for future in asked] == [1, 1, 1, 1]
    assert chats([one]) == [4]
    took = time.monotonic() - began
    assert one.state()["requests"]["/metrics"] <= 1 + took / PRESSURE_SECONDS


def test_waiting_for_room_ends_with_the_deadline_or_a_cancellation(two: list[StandInProcess]) -> None:
    two[0].set(waiting=9)
    server = pool(two[:1])
    with pytest.raises(TooSlow):
        ask(server, 0.7)
    stopped = threading.Event()
    threading.Timer(0.3, stopped.set).start()
    with pytest.raises(Cancelled):
        server.chat(request(OPEN), Deadline.after(600, stopped.is_set))
    assert chats(two) == [0, 0]


def test_a_server_too_busy_to_say_is_believed_what_it_said_before(
    two: list[StandInProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = two[0]
    one.set(waiting=9)
    server = pool([one], max_waiting=8)
    with pytest.raises(TooSlow):
        # Long enough for the server to have said it, on a machine that has no time.
        ask(server, 5.0)
    assert one.state()["requests"]["/metrics"] >= 1
    monkeypatch.setattr(client, "_HEALTH_SECONDS", 0.2)
    one.order("hang", path="/metrics", times=-1)
    with pytest.raises(TooSlow):
        ask(server, 3.0)
    assert chats([one]) == [0]


def test_a_server_without_metrics_is_used_and_not_asked_all_the_time(
    two: list[StandInProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "SILENT_SECONDS", 600.0)
    two[0].order("status", status=404, path="/metrics", times=-1)
    server = pool(two[:1])
    for _ in range(5):
        ask(server)
    assert two[0].state()["requests"] == {"/metrics": 1, "/v1/chat/completions": 5}


def test_what_fails_on_one_is_answered_by_the_other_at_once(
    two: list[StandInProcess], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    two[0].order("status", status=500, times=-1)
    server = pool(two, breaker=lambda: Breaker(seconds=600))
    answers = [ask(server) for _ in range(20)]
    assert {answer.server for answer in answers} == {two[1].url}
    assert sorted({answer.attempts for answer in answers}) == [1, 2]
    # Three failures in a row open the breaker.
    assert chats(two) == [3, 20]
    assert server.standings() == {two[0].url: "open", two[1].url: "closed"}
    assert SECRET not in caplog.text


def test_a_server_that_dies_loses_nothing_and_is_used_again_when_it_is_back() -> None:
    with StandInProcess.started() as stays, ExitStack() as first_life:
        dies = first_life.enter_context(StandInProcess.started())
        port = dies.port
        for one in (stays, dies):
            one.set(request_seconds=0.05)
        server, enough = pool([stays, dies]), threading.Event()

        def keep_asking() -> list[ChatAnswer]:
            answers = []
            while not enough.is_set():
                answers.append(ask(server, 120))
            return answers

        with ThreadPoolExecutor(8) as executor:
            asking = [executor.submit(keep_asking) for _ in range(8)]
            try:
                assert comes_true(lambda: dies.state()["chats"] >= 10)
                first_life.close()
                assert comes_true(lambda: server.standings()[dies.url] != "closed")
            finally:
                enough.set()
            # A request that was lost raises here.
            answered_by = Counter(answer.server for future in asking for answer in future.result(120))
        assert set(answered_by) == {stays.url, dies.url}
        assert ask(server).server == stays.url
        # Left alone until it is due; how long ago that was is the machine's affair.
        assert server.standings()[stays.url] == "closed"
        assert server.standings()[dies.url] in ("open", "due")
        with StandInProcess.started(port=port) as again:
            assert comes_true(lambda: ask(server).server == again.url)
            assert server.standings()[again.url] == "closed"


def test_a_dead_server_is_tried_by_its_health_before_it_gets_a_chart(two: list[StandInProcess]) -> None:
    two[0].order("status", status=500, times=3)
    server = pool(two[:1], attempts=3, breaker=lambda: Breaker(seconds=0.2, longest=0.2))
    with pytest.raises(ServerUnavailable):
        ask(server)
    two[0].set(healthy=False)
    time.sleep(0.3)
    with pytest.raises(ServerUnavailable):
        ask(server)
    assert chats(two)[0] == 3
    assert two[0].state()["requests"]["/health"] >= 1
    two[0].set(healthy=True)
    time.sleep(0.3)
    assert ask(server).attempts == 1
    assert chats(two)[0] == 4


def test_when_all_are_down_it_says_so_soon(caplog: pytest.LogCaptureFixture) -> None:
    with ExitStack() as stack:
        gone = [stack.enter_context(StandInProcess.started()) for _ in range(2)]
    server = pool(gone)
    began = time.monotonic()
    with pytest.raises(ServerUnavailable) as caught:
        ask(server, 120)
    # Five attempts with pauses of at most 0.5, 1, 2 and 4 seconds, the first of them to the other server.
    assert time.monotonic() - began < 2 * SOON
    assert (caught.value.code, caught.value.retryable, server.healthy()) == ("llm_unavailable", True, False)
    assert_silent(caught.value, caplog)
    for call in (server.models, server.max_context, server.pressure, lambda: server.count_tokens("x")):
        with pytest.raises(ServerUnavailable):
            call()


def test_a_count_whose_chart_is_out_of_time_is_not_asked_of_the_next_server(
    two: list[StandInProcess],
) -> None:
    for one in two:
        one.order("hang", path="/tokenize", times=-1)
    began = time.monotonic()
    with pytest.raises(TooSlow):
        pool(two).count_tokens("heart failure", Deadline.after(2))
    assert 2 <= time.monotonic() - began < SOON
    assert sorted(one.state()["requests"].get("/tokenize", 0) for one in two) == [0, 1]


def test_a_storm_of_errors_is_over_soon_after_its_last(two: list[StandInProcess]) -> None:
    """The pause between trials does not grow while each of them is answered."""
    two[0].order("status", status=500, times=10)
    server = pool(two[:1], attempts=1, breaker=lambda: Breaker(seconds=0.2, longest=60))
    began, failures = time.monotonic(), 0
    while time.monotonic() - began < 120:
        try:
            ask(server)
            break
        except ServerUnavailable:
            failures += 1
            time.sleep(0.02)
    # Three at once, then seven pauses of 0.2 s and the one before the first success; doubled they would be 51 s.
    assert 1.6 <= time.monotonic() - began < 45
    assert (chats(two[:1]), failures >= 10) == ([11], True)


def test_no_address_is_an_error_that_no_retry_helps() -> None:
    with pytest.raises(ServerUnavailable) as caught:
        ServerPool([])
    assert caught.value.retryable is False


def test_a_busy_server_is_left_alone_as_long_as_it_asked(two: list[StandInProcess]) -> None:
    # Long enough for the other two requests.
    two[0].order("busy", seconds=6)
    server = pool(two, (100, 1))
    began = time.monotonic()
    first = ask(server)
    assert (first.server, first.attempts) == (two[1].url, 2)
    assert ask(server).server == two[1].url
    assert chats(two) == [1, 2]
    assert comes_true(lambda: ask(server).server == two[0].url)
    assert time.monotonic() - began >= 6.0


def test_when_all_are_busy_the_error_says_how_long(two: list[StandInProcess]) -> None:
    for one in two:
        one.order("busy", seconds=600, times=-1)
    with pytest.raises(ServerBusy) as caught:
        ask(pool(two))
    assert (caught.value.retry_after, chats(two)) == (600.0, [1, 1])


def test_a_model_that_one_server_lacks_is_asked_of_the_next(two: list[StandInProcess]) -> None:
    two[0].order("wrong_model", times=-1)
    answer = ask(pool(two, (100, 1)))
    assert (answer.server, answer.attempts) == (two[1].url, 2)
    two[1].order("wrong_model", times=-1)
    with pytest.raises(WrongModel):
        ask(pool(two))


@pytest.mark.parametrize(
    ("asked", "error"),
    [(request({"type": "nonsense"}), RequestRefused), (request(OPEN, max_tokens=9000), ContextTooLong)],
)
def test_a_request_at_fault_is_made_once_and_blames_no_server(
    two: list[StandInProcess], asked: Any, error: type[LlmError]
) -> None:
    server = pool(two)
    for _ in range(4):
        with pytest.raises(error):
            server.chat(asked, Deadline.after(120))
    assert (chats(two), set(server.standings().values())) == ([2, 2], {"closed"})


def test_the_pool_says_what_its_servers_say_together(two: list[StandInProcess]) -> None:
    server = pool(two)
    two[0].set(waiting=3)
    two[1].set(waiting=4)
    assert server.pressure() == Pressure(running=0, waiting=7, kv_usage=0.0)
    assert (server.models(), server.max_context(), server.healthy()) == (["standin"], 8192, True)
    assert (server.count_tokens("three words now"), server.count_prompt_tokens(request(OPEN).messages)) == (
        3,
        27,
    )


def test_an_adapter_is_on_every_server_and_again_after_a_restart(two: list[StandInProcess]) -> None:
    server = pool(two)
    server.load_adapter("heart-1", "/adapters/heart")
    assert [one.state()["adapters"] for one in two] == [{"heart-1": "/adapters/heart"}] * 2
    # As after a restart: what was loaded is gone, the address is the same.
    two[0].reset()
    answers = [ask(server, model="heart-1") for _ in range(4)]
    assert {answer.model for answer in answers} == {"heart-1"}
    assert {answer.server for answer in answers} == {one.url for one in two}
    assert two[0].state()["adapters"] == {"heart-1": "/adapters/heart"}
    server.unload_adapter("heart-1")
    assert server.models() == ["standin"]
    with pytest.raises(WrongModel):
        ask(server, model="heart-1")


def test_a_model_is_named_only_where_every_server_has_it(two: list[StandInProcess]) -> None:
    VllmServer(two[0].url).load_adapter("heart-2", "/adapters/heart")
    assert pool(two).models() == ["standin"]


@pytest.fixture
def store() -> Iterator[str]:
    with Redis.from_url(settings.REDIS_URL) as redis:
        yield settings.REDIS_URL
        for key in redis.scan_iter("LIMITS:LIMITER/test-rate*"):
            redis.delete(key)


def test_two_workers_keep_to_one_rate(two: list[StandInProcess], store: str) -> None:
    first, second = (pool(two, rate=SharedRate("6/second", store, "test-rate")) for _ in range(2))
    began = time.monotonic()
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(ask, [first, second] * 8))
    # Sixteen at six a second: the seventh waits for the second second, the thirteenth for the third.
    assert 2.0 <= time.monotonic() - began < 2 * SOON
    assert sum(chats(two)) == 16


def test_a_rate_that_leaves_no_room_ends_with_the_deadline(two: list[StandInProcess], store: str) -> None:
    server = pool(two, rate=SharedRate("1/minute", store, "test-rate-slow"))
    ask(server)
    with pytest.raises(TooSlow):
        ask(server, 0.5)
    assert sum(chats(two)) == 1


def test_without_the_rates_store_nothing_is_sent(two: list[StandInProcess]) -> None:
    server = pool(two, rate=SharedRate("1/minute", "redis://127.0.0.1:1/0"), attempts=2)
    with pytest.raises(ServerUnavailable) as caught:
        ask(server)
    assert "store" in str(caught.value)
    assert chats(two) == [0, 0]


@pytest.mark.parametrize(
    ("said", "address", "weight"),
    [
        ("http://one:8000", "http://one:8000", 1.0),
        ("http://one:8000=2.5", "http://one:8000", 2.5),
        (" https://two/v1=3 ", "https://two/v1", 3.0),
    ],
)
def test_addresses_with_weights(said: str, address: str, weight: float) -> None:
    assert weighted(said) == (address, weight)


@pytest.mark.parametrize(
    "said", ["http://one=", "http://one=0", "http://one=-1", "http://one=heavy", "http://one=inf"]
)
def test_a_weight_that_is_none(said: str) -> None:
    with pytest.raises(ValueError, match=r"weight|float"):
        weighted(said)


def test_a_pool_as_the_settings_describe_it(two: list[StandInProcess]) -> None:
    server = pool_of([f"{two[0].url}/v1=3", two[1].url], model="standin", rate="100/second")
    for _ in range(8):
        assert [item["code"] for item in json.loads(ask(server).text)["codes"]] == ["I10", "I50.9", "I50.9"]
    assert chats(two) == [6, 2]
