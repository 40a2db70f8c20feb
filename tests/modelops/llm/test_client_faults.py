"""Every fault of a server: what the caller sees, how many requests were made, that no text of a chart leaks."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from modelops.engines.llm import client
from modelops.engines.llm.client import VllmServer
from modelops.engines.llm.transport import ChatRequest, Deadline, Message
from modelops.errors import (
    Cancelled,
    ContextTooLong,
    LlmError,
    OutputInvalid,
    RequestRefused,
    ServerBusy,
    ServerUnavailable,
    TooSlow,
    WrongModel,
)
from tests.modelops.llm.contract import OPEN, SECRET, SOON, TEXT, assert_silent, comes_true, request
from tests.standin.process import StandInProcess

RIGHT = [("I10", 2), ("I50.9", 3), ("I50.9", 4)]


@pytest.fixture
def server(standin: StandInProcess, caplog: pytest.LogCaptureFixture) -> Iterator[VllmServer]:
    caplog.set_level(logging.DEBUG)
    made = VllmServer(standin.url, model="standin", attempts=3)
    yield made
    made.close()


def codes(text: str) -> list[tuple[str, int]]:
    return [(item["code"], item["line_start"]) for item in json.loads(text)["codes"]]


def chats(standin: StandInProcess) -> int:
    found: int = standin.state()["chats"]
    return found


def failed(server: VllmServer, caplog: pytest.LogCaptureFixture, seconds: float = 120.0) -> LlmError:
    """What the caller sees, after a look for text of the chart."""
    with pytest.raises(LlmError) as caught:
        server.chat(request(OPEN), Deadline.after(seconds))
    assert_silent(caught.value, caplog)
    return caught.value


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 408},
        {"kind": "busy"},
        {"kind": "reset"},
        {"kind": "half"},
        {"kind": "invalid_body"},
        {"kind": "foreign_body"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_what_passes_is_asked_again_until_it_works(
    server: VllmServer, standin: StandInProcess, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    standin.order(**fault, times=2)
    answer = server.chat(request(OPEN), Deadline.after(120))
    assert (codes(answer.text), answer.attempts, chats(standin)) == (RIGHT, 3, 3)
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("fault", "error", "code", "retryable", "requests"),
    [
        ({"kind": "status", "status": 500}, ServerUnavailable, "llm_unavailable", True, 3),
        ({"kind": "reset"}, ServerUnavailable, "llm_unavailable", True, 3),
        ({"kind": "half"}, ServerUnavailable, "llm_unavailable", True, 3),
        ({"kind": "busy"}, ServerBusy, "llm_busy", True, 3),
        ({"kind": "invalid_body"}, OutputInvalid, "llm_invalid_output", True, 3),
        ({"kind": "foreign_body"}, OutputInvalid, "llm_invalid_output", True, 3),
        ({"kind": "huge"}, OutputInvalid, "llm_invalid_output", False, 1),
        ({"kind": "wrong_model"}, WrongModel, "llm_wrong_model", False, 1),
        ({"kind": "status", "status": 400}, RequestRefused, "llm_refused", False, 1),
        ({"kind": "status", "status": 401}, RequestRefused, "llm_refused", False, 1),
        ({"kind": "status", "status": 302}, RequestRefused, "llm_refused", False, 1),
    ],
    ids=lambda value: "-".join(str(part) for part in value.values()) if isinstance(value, dict) else "",
)
def test_what_stays_fails_with_its_own_error(
    server: VllmServer,
    standin: StandInProcess,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
    error: type[LlmError],
    code: str,
    retryable: bool,
    requests: int,
) -> None:
    standin.order(**fault, times=-1)
    seen = failed(server, caplog)
    assert (type(seen), seen.code, seen.retryable) == (error, code, retryable)
    assert chats(standin) == requests


def test_a_busy_server_is_given_the_time_it_asks_for(server: VllmServer, standin: StandInProcess) -> None:
    standin.order("busy", seconds=1)
    began = time.monotonic()
    answer = server.chat(request(OPEN), Deadline.after(120))
    assert time.monotonic() - began >= 1.0
    assert (codes(answer.text), chats(standin)) == (RIGHT, 2)


def test_a_pause_longer_than_the_deadline_is_not_waited_for(
    server: VllmServer, standin: StandInProcess, caplog: pytest.LogCaptureFixture
) -> None:
    standin.order("busy", seconds=600, times=-1)
    began = time.monotonic()
    seen = failed(server, caplog, seconds=500)
    assert time.monotonic() - began < SOON
    assert isinstance(seen, ServerBusy)
    assert (seen.retry_after, chats(standin)) == (600.0, 1)


def test_a_server_that_hangs_is_asked_again_while_there_is_time(standin: StandInProcess) -> None:
    # Long enough for the second answer on a machine that has no time.
    server = VllmServer(standin.url, model="standin", request_seconds=4.0)
    standin.order("hang")
    answer = server.chat(request(OPEN), Deadline.after(120))
    assert (codes(answer.text), answer.attempts) == (RIGHT, 2)
    assert comes_true(lambda: standin.state()["running"] == 0)
    state = standin.state()
    assert (state["chats"], state["abandoned"]) == (2, 1)


@pytest.mark.parametrize(
    "fault", [{"kind": "hang"}, {"kind": "slow", "seconds": 300}, {"kind": "drip", "seconds": 5}]
)
def test_the_deadline_holds_however_slow_the_server_is(
    server: VllmServer, standin: StandInProcess, caplog: pytest.LogCaptureFixture, fault: dict[str, Any]
) -> None:
    standin.order(**fault, times=-1)
    began = time.monotonic()
    seen = failed(server, caplog, seconds=2)
    assert 2.0 <= time.monotonic() - began < SOON
    assert (type(seen), seen.code, seen.retryable) == (TooSlow, "too_slow", False)
    assert chats(standin) == 1


def test_a_slow_answer_within_the_time_is_an_answer(server: VllmServer, standin: StandInProcess) -> None:
    standin.order("slow", seconds=0.5)
    standin.order("drip", seconds=0.005)
    answers = [server.chat(request(OPEN), Deadline.after(120)) for _ in range(2)]
    assert [(codes(answer.text), answer.attempts) for answer in answers] == [(RIGHT, 1), (RIGHT, 1)]


def test_cancelling_ends_a_wait_between_attempts(
    server: VllmServer, standin: StandInProcess, caplog: pytest.LogCaptureFixture
) -> None:
    standin.order("busy", seconds=300, times=-1)
    stopped = threading.Event()

    def stop_when_answered() -> None:
        comes_true(lambda: chats(standin) > 0)
        # By now it most likely waits; where it does not yet, the request itself is what is cancelled.
        time.sleep(0.3)
        stopped.set()

    began = time.monotonic()
    stopping = threading.Thread(target=stop_when_answered)
    stopping.start()
    with pytest.raises(Cancelled) as caught:
        server.chat(request(OPEN), Deadline.after(600, stopped.is_set))
    assert time.monotonic() - began < 2 * SOON
    stopping.join()
    assert chats(standin) == 1
    assert_silent(caught.value, caplog)


def test_a_text_that_is_no_json_is_the_engines_business(server: VllmServer, standin: StandInProcess) -> None:
    for kind in ("invalid_json", "wrong_schema", "mute", "length", "injection"):
        standin.order(kind)
    answers = [server.chat(request(OPEN), Deadline.after(120)) for _ in range(5)]
    assert [answer.finish_reason for answer in answers] == ["stop", "stop", "stop", "length", "stop"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(answers[0].text)
    assert json.loads(answers[1].text) == {"answer": [1, "two", {"codes": None}]}
    assert answers[2].text == ""
    assert chats(standin) == 5


def test_lone_surrogates_do_not_get_in_or_out(server: VllmServer, standin: StandInProcess) -> None:
    standin.script('{"said": "\ud83d and \\ud800"}')
    asked = request(None, text=f"{TEXT}\n5: \udc00 broken, \U0001f600 whole")
    answer = server.chat(asked, Deadline.after(120))
    assert answer.text == '{"said": "\ufffd and \\ud800"}'
    assert all(token.text.encode() is not None for token in answer.tokens)
    assert standin.asked()[-1]["messages"][1]["content"].endswith("5: \ufffd broken, \U0001f600 whole")


def test_a_server_that_is_not_there(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = VllmServer(f"http://127.0.0.1:{taken.getsockname()[1]}", model="standin", attempts=2)
        seen = failed(server, caplog)
        assert (type(seen), seen.retryable, server.healthy()) == (ServerUnavailable, True, False)
        with pytest.raises(ServerUnavailable):
            server.count_tokens("heart")


@pytest.mark.parametrize(
    "address",
    ["", "http://", "one:8000", "ftp://one", "http://[::broken", "http://one:0", "http://u:pass@one:8000"],
)
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ServerUnavailable) as caught:
        VllmServer(address)
    assert (caught.value.retryable, "pass" in str(caught.value)) == (False, False)


def test_the_key_is_sent_and_never_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with StandInProcess.started(key="s3cret-key") as guarded:
        right = VllmServer(guarded.url, key="s3cret-key", model="standin")
        assert codes(right.chat(request(OPEN), Deadline.after(120)).text) == RIGHT
        wrong = VllmServer(guarded.url, key="an0ther-key", model="standin")
        seen = failed(wrong, caplog)
        assert (type(seen), getattr(seen, "status", 0)) == (RequestRefused, 401)
        assert guarded.state()["chats"] == 2
    assert "-key" not in f"{caplog.text}{right!r}{wrong!r}{wrong.name}{seen}"


def test_a_redirect_takes_no_chart_elsewhere(
    caplog: pytest.LogCaptureFixture, standin: StandInProcess
) -> None:
    """The address in front answers 307 to the stand-in, which would take the same request."""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", f"{standin.url}{self.path}")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as front:
        threading.Thread(target=front.serve_forever, daemon=True).start()
        seen = failed(VllmServer(f"http://127.0.0.1:{front.server_port}", model="standin"), caplog)
        front.shutdown()
    assert (type(seen), chats(standin)) == (RequestRefused, 0)


def test_proxies_of_the_environment_are_not_used(
    server: VllmServer, standin: StandInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert codes(server.chat(request(OPEN), Deadline.after(120)).text) == RIGHT


def test_tokens_of_the_same_text_are_counted_once(server: VllmServer, standin: StandInProcess) -> None:
    assert [server.count_tokens(text) for text in ("two words", "two words", "three words now")] == [2, 2, 3]
    assert standin.state()["requests"] == {"/tokenize": 2}


def test_a_server_that_hangs_over_a_count_is_down_and_not_the_chart_too_slow(
    server: VllmServer, standin: StandInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each long enough for the request to get there.
    monkeypatch.setattr(client, "_ASIDE_SECONDS", 1.5)
    monkeypatch.setattr(client, "_HEALTH_SECONDS", 1.5)
    for path in ("/tokenize", "/metrics", "/health"):
        standin.order("hang", path=path, times=-1)
    with pytest.raises(ServerUnavailable) as caught:
        server.count_tokens("heart")
    assert caught.value.retryable is True
    with pytest.raises(ServerUnavailable):
        server.pressure()
    assert server.healthy() is False
    assert standin.state()["requests"] == {"/tokenize": 3, "/metrics": 1, "/health": 1}


@pytest.mark.parametrize("path", ["/tokenize", "/v1/models"])
def test_what_is_asked_beside_a_chart_keeps_to_the_charts_deadline(
    standin: StandInProcess, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    server = VllmServer(standin.url, attempts=3)
    asked: dict[str, list[Callable[[Deadline], object]]] = {
        "/tokenize": [
            lambda deadline: server.count_tokens(SECRET, deadline),
            lambda deadline: server.count_prompt_tokens(request(OPEN).messages, deadline),
        ],
        "/v1/models": [server.max_context, lambda deadline: server.chat(request(OPEN), deadline)],
    }
    standin.order("hang", path=path, times=-1)
    for ask in asked[path]:
        began = time.monotonic()
        with pytest.raises(TooSlow) as slow:
            ask(Deadline.after(1.5))
        assert 1.5 <= time.monotonic() - began < SOON
        assert_silent(slow.value, caplog)
        stopped = threading.Event()
        began = time.monotonic()
        threading.Timer(1.5, stopped.set).start()
        with pytest.raises(Cancelled):
            ask(Deadline.after(600, stopped.is_set))
        assert 1.5 <= time.monotonic() - began < SOON
    # The last of them may have been given up before the server came to read it.
    assert comes_true(lambda: standin.state()["requests"] == {path: 4})
    assert comes_true(lambda: standin.state()["running"] == 0)


def test_a_request_without_a_model_asks_for_the_servers_own(standin: StandInProcess) -> None:
    server = VllmServer(standin.url)
    for _ in range(2):
        assert server.chat(request(OPEN), Deadline.after(120)).model == "standin"
    assert standin.state()["requests"] == {"/v1/models": 1, "/v1/chat/completions": 2}


def test_what_is_sent(server: VllmServer, standin: StandInProcess) -> None:
    server.chat(ChatRequest((Message("user", "1: gout"),), OPEN, 77, temperature=0.3), Deadline.after(120))
    assert standin.asked() == [
        {
            "model": "standin",
            "messages": [{"role": "user", "content": "1: gout"}],
            "max_tokens": 77,
            "temperature": 0.3,
            "logprobs": True,
            "top_logprobs": 2,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": OPEN, "strict": True},
            },
        }
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": 7}, "finish_reason": "stop"}], "usage": {}, "model": "m"}',
        b'{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "model": "m",'
        b' "usage": {"prompt_tokens": -1, "completion_tokens": true}}',
        b"\xff\xfe\x00",
    ],
)
def test_a_reply_of_any_shape_is_judged_without_its_words(body: bytes) -> None:
    with pytest.raises(OutputInvalid) as caught:
        client._read(client.Reply(200, {}, body), lambda said: client._answer(said, "here"))
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("86400", 600.0),
        ("1e300", 600.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 600.0),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0.0),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_retry_after(said: str, seconds: float | None) -> None:
    assert client._retry_after(said) == seconds


def test_retry_after_as_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.time, "time", lambda: 1_795_000_000.0)
    assert client._retry_after("Wed, 18 Nov 2026 11:06:52 GMT") == 12.0
    assert client._retry_after("Wed, 18 Nov 2026 11:00:00 GMT") == 0.0


def test_context_errors_of_a_real_server_are_told_apart() -> None:
    said = b'{"error": {"message": "This model\'s maximum context length is 8192 tokens. However, ..."}}'
    error = client._refusal(client.CHAT, client.Reply(400, {}, said))
    assert (type(error), getattr(error, "status", 0)) == (ContextTooLong, 400)


@pytest.mark.parametrize(
    ("logprob", "others", "forced"),
    [
        (0.0, [], True),
        (0.0, [-9999.0], True),
        (-1e-7, [-9999.0], True),
        (-0.1, [-2.4], False),
        (-1e-7, [-16.2], False),
        (-0.5, [], False),
        (-2.0, [-0.2], False),
    ],
)
def test_a_token_is_forced_where_every_other_is_masked(
    logprob: float, others: list[float], forced: bool
) -> None:
    listed = [{"token": "I10", "logprob": logprob}, *({"token": "E", "logprob": one} for one in others)]
    token = client._token({"token": "I10", "logprob": logprob, "top_logprobs": listed})
    assert (token.text, token.logprob, token.forced) == ("I10", logprob, forced)
