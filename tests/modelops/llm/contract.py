"""What every ChatServer keeps, asked of the stand-in and of real vLLM alike.

A test file inherits `ChatServerContract` in a class named Test… and gives the fixture `target`.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from modelops.engines.llm.transport import ChatAnswer, ChatRequest, ChatServer, Deadline, Message
from modelops.errors import (
    Cancelled,
    ContextTooLong,
    LlmError,
    RequestRefused,
    TooSlow,
    WrongModel,
)

# What would otherwise take minutes is over within so many seconds, also on a machine that has no time.
SOON = 30.0

# Stands in every prompt and must stand nowhere else.
SECRET = "Zebulon Quartzmann"

OPEN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "codes": {
            "type": "array",
            "maxItems": 3,
            "items": {
                "type": "object",
                "properties": {
                    "description": {"type": "string", "maxLength": 60},
                    "code": {"type": "string", "maxLength": 8},
                    "line_start": {"type": "integer", "minimum": 1, "maximum": 4},
                },
                "required": ["description", "code", "line_start"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["codes"],
    "additionalProperties": False,
}


def candidate(description: str, code: str, lines: list[int]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "description": {"const": description},
            "code": {"const": code},
            "line_start": {"enum": lines},
        },
        "required": ["description", "code", "line_start"],
        "additionalProperties": False,
    }


CANDIDATES = {
    ("Essential (primary) hypertension", "I10"): [2],
    ("Heart failure, unspecified", "I50.9"): [3, 4],
}
CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "codes": {
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "items": {"anyOf": [candidate(*named, lines) for named, lines in CANDIDATES.items()]},
        }
    },
    "required": ["codes"],
    "additionalProperties": False,
}
FIXED: dict[str, Any] = {
    "type": "object",
    "properties": {"code": {"const": "I50.9"}},
    "required": ["code"],
    "additionalProperties": False,
}
CHOICE: dict[str, Any] = {"enum": ["keep", "drop"]}
# Takes any model some hundred tokens, whatever it would rather say.
ENDLESS: dict[str, Any] = {
    "type": "array",
    "minItems": 400,
    "maxItems": 400,
    "items": {"type": "integer", "minimum": 100000, "maximum": 999999},
}

TEXT = (
    f"1: {SECRET}, seen today.\n2: Hypertension, well controlled.\n3: Heart failure.\n4: Heart failure again."
)


@dataclass(frozen=True)
class Target:
    """`adapter`: where the server finds one; `hold`: makes the next request take long where it would not."""

    server: ChatServer
    model: str
    slots: int
    context: int
    adapter: str
    hold: Callable[[], None] = lambda: None


def request(
    schema: dict[str, Any] | None, *, max_tokens: int = 400, text: str = TEXT, model: str = ""
) -> ChatRequest:
    messages = (Message("system", "Code the lines."), Message("user", text))
    return ChatRequest(messages=messages, schema=schema, max_tokens=max_tokens, model=model)


def soon(seconds: float = 120.0) -> Deadline:
    return Deadline.after(seconds)


def comes_true(holds: Callable[[], bool], seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def assert_silent(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of the prompt in what people, logs and error reports get to see."""
    assert isinstance(error, LlmError)
    said = "".join(traceback.format_exception(error))
    assert SECRET not in said
    assert SECRET not in repr(error)
    assert SECRET not in caplog.text
    assert (error.__cause__, error.__context__) == (None, None)


class ChatServerContract:
    @pytest.fixture(autouse=True)
    def _everything_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)

    def test_names_its_model_and_its_context(self, target: Target) -> None:
        assert target.server.models()[0] == target.model
        assert target.server.max_context() == target.context

    def test_is_healthy_and_says_how_busy_it_is(self, target: Target) -> None:
        assert target.server.healthy() is True
        pressure = target.server.pressure()
        assert (pressure.waiting, 0.0 <= pressure.kv_usage <= 1.0) == (0, True)

    def test_an_answer_fits_the_open_schema(self, target: Target) -> None:
        answer = target.server.chat(request(OPEN), soon())
        assert (answer.finish_reason, answer.model, answer.attempts) == ("stop", target.model, 1)
        said = json.loads(answer.text)
        assert list(said) == ["codes"]
        assert len(said["codes"]) <= 3
        for item in said["codes"]:
            assert list(item) == ["description", "code", "line_start"]
            assert isinstance(item["description"], str)
            assert len(item["description"]) <= 60
            assert len(item["code"]) <= 8
            assert item["line_start"] in (1, 2, 3, 4)

    def test_an_answer_fits_the_closed_schema(self, target: Target) -> None:
        said = json.loads(target.server.chat(request(CLOSED), soon()).text)
        assert 1 <= len(said["codes"]) <= 2
        for item in said["codes"]:
            assert list(item) == ["description", "code", "line_start"]
            assert item["line_start"] in CANDIDATES[item["description"], item["code"]]

    def test_tokens_make_up_the_text(self, target: Target) -> None:
        answer = target.server.chat(request(CLOSED), soon())
        assert "".join(token.text for token in answer.tokens).startswith(answer.text)
        assert len(answer.tokens) == answer.output_tokens
        assert all(token.logprob <= 0 for token in answer.tokens)
        assert {token.logprob > -0.001 for token in answer.tokens if token.forced} == {True}

    def test_a_choice_is_not_forced(self, target: Target) -> None:
        answer = target.server.chat(request(CHOICE), soon())
        assert json.loads(answer.text) in ("keep", "drop")
        assert [token for token in answer.tokens if not token.forced and token.text.strip('" ')] != []

    def test_logprobs_only_when_asked_for(self, target: Target) -> None:
        asked = request(FIXED)
        quiet = ChatRequest(asked.messages, asked.schema, asked.max_tokens, top_logprobs=False)
        answer = target.server.chat(quiet, soon())
        assert (json.loads(answer.text), answer.tokens) == ({"code": "I50.9"}, ())

    def test_greedy_answers_repeat_themselves(self, target: Target) -> None:
        first, second = (target.server.chat(request(OPEN), soon()) for _ in range(2))
        assert first.text == second.text

    def test_an_answer_cut_by_its_length_says_so(self, target: Target) -> None:
        answer = target.server.chat(request(ENDLESS, max_tokens=5), soon())
        assert (answer.finish_reason, answer.output_tokens) == ("length", 5)

    def test_tokens_are_counted_as_the_server_counts_them(self, target: Target) -> None:
        asked = request(FIXED)
        answer = target.server.chat(asked, soon())
        assert answer.prompt_tokens == target.server.count_prompt_tokens(asked.messages)
        text = target.server.count_tokens(TEXT)
        assert 0 < text < answer.prompt_tokens
        assert target.server.count_tokens("") == 0

    def test_a_request_that_is_too_long_is_told_apart(
        self, target: Target, caplog: pytest.LogCaptureFixture
    ) -> None:
        asked = request(OPEN, text=f"{SECRET} " * target.context)
        with pytest.raises(ContextTooLong) as caught:
            target.server.chat(asked, soon())
        assert caught.value.retryable is False
        assert_silent(caught.value, caplog)

    def test_an_answer_gets_what_room_is_left_where_more_was_asked_for(self, target: Target) -> None:
        answer = target.server.chat(request(OPEN, max_tokens=target.context), soon())
        assert answer.finish_reason == "stop"
        assert answer.prompt_tokens + answer.output_tokens < target.context

    def test_more_room_than_the_whole_context_is_refused(self, target: Target) -> None:
        with pytest.raises(ContextTooLong):
            target.server.chat(request(OPEN, max_tokens=target.context + 1), soon())

    def test_a_schema_that_is_none_is_refused(self, target: Target, caplog: pytest.LogCaptureFixture) -> None:
        with pytest.raises(RequestRefused) as caught:
            target.server.chat(request({"type": "nonsense"}), soon())
        assert (type(caught.value), caught.value.retryable) == (RequestRefused, False)
        assert_silent(caught.value, caplog)

    def test_a_model_that_is_not_there(self, target: Target, caplog: pytest.LogCaptureFixture) -> None:
        with pytest.raises(WrongModel) as caught:
            target.server.chat(request(OPEN, model="no-such-model"), soon())
        assert caught.value.retryable is False
        assert_silent(caught.value, caplog)

    def test_more_at_once_than_it_has_slots(self, target: Target) -> None:
        def ask(_: int) -> ChatAnswer:
            return target.server.chat(request(CLOSED), soon())

        with ThreadPoolExecutor(2 * target.slots) as threads:
            answers = list(threads.map(ask, range(2 * target.slots)))
        assert len(answers) == 2 * target.slots
        assert {list(json.loads(answer.text)) == ["codes"] for answer in answers} == {True}

    def test_the_deadline_ends_a_request_and_frees_the_slot(
        self, target: Target, caplog: pytest.LogCaptureFixture
    ) -> None:
        target.hold()
        began = time.monotonic()
        with pytest.raises(TooSlow) as caught:
            target.server.chat(request(ENDLESS, max_tokens=3000), soon(0.5))
        assert 0.5 <= time.monotonic() - began < SOON
        assert_silent(caught.value, caplog)
        assert comes_true(lambda: target.server.pressure().running == 0)

    def test_a_cancelled_request_ends_and_frees_the_slot(
        self, target: Target, caplog: pytest.LogCaptureFixture
    ) -> None:
        target.hold()
        stopped = threading.Event()
        began = time.monotonic()
        threading.Timer(0.4, stopped.set).start()
        with pytest.raises(Cancelled) as caught:
            target.server.chat(request(ENDLESS, max_tokens=3000), Deadline.after(600, stopped.is_set))
        assert 0.4 <= time.monotonic() - began < SOON
        assert_silent(caught.value, caplog)
        assert comes_true(lambda: target.server.pressure().running == 0)

    def test_nothing_is_asked_after_the_deadline(self, target: Target) -> None:
        with pytest.raises(TooSlow):
            target.server.chat(request(OPEN), soon(0))

    def test_an_adapter_comes_and_goes(self, target: Target) -> None:
        server = target.server
        server.load_adapter("contract-1", target.adapter)
        server.load_adapter("contract-1", target.adapter)
        assert server.models() == [target.model, "contract-1"]
        answer = server.chat(request(CLOSED, model="contract-1"), soon())
        assert (answer.model, list(json.loads(answer.text))) == ("contract-1", ["codes"])
        server.unload_adapter("contract-1")
        server.unload_adapter("contract-1")
        assert server.models() == [target.model]
        with pytest.raises(WrongModel):
            server.chat(request(CLOSED, model="contract-1"), soon())

    def test_an_adapter_that_is_not_there_is_refused(self, target: Target) -> None:
        with pytest.raises(RequestRefused):
            target.server.load_adapter("contract-2", "/var/empty/missing-adapter")
        assert target.server.models() == [target.model]
        assert target.server.healthy() is True
