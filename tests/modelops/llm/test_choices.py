"""Questions with fixed answers: what is asked, what counts as an answer, how many go into one request."""

from __future__ import annotations

import math

import pytest

from modelops.engines.llm.choices import Asked, Chosen, Question, ask, listed, read_answer, schema_of
from modelops.engines.llm.transport import Message
from modelops.errors import ServerUnavailable
from tests.modelops.llm.scripted_talk import TOO_LONG, ScriptedTalk, answer

KEEP_OR_DROP = Question("words", ("keep", "drop"))
SIDE = Question("side", ("left", "right", "none"))


def words(questions):
    return (Message("system", "s"), Message("user", listed(questions)))


def test_the_grammar_allows_each_question_its_own_options_and_nothing_else():
    assert schema_of([KEEP_OR_DROP, SIDE]) == {
        "type": "object",
        "properties": {
            "1": {"type": "string", "enum": ["keep", "drop"]},
            "2": {"type": "string", "enum": ["left", "right", "none"]},
        },
        "required": ["1", "2"],
        "additionalProperties": False,
    }


def test_one_request_puts_all_questions_by_number():
    talk = ScriptedTalk({"1": "drop", "2": "none"})
    assert ask(talk, [KEEP_OR_DROP, SIDE], words) == Asked([Chosen("drop", None), Chosen("none", None)])
    assert talk.prompts == ["1. words\n2. side"]
    assert (talk.requests[0].temperature, talk.requests[0].schema) == (0.0, schema_of([KEEP_OR_DROP, SIDE]))


def test_no_question_asks_nothing():
    talk = ScriptedTalk()
    assert ask(talk, [], words) == Asked([])
    assert talk.requests == []


@pytest.mark.parametrize(
    "text",
    [
        '{"1": "burn"}',
        '{"1": 3}',
        '{"1": null}',
        '{"1": ["keep"]}',
        '{"2": "keep"}',
        "{}",
        '{"1": "keep; drop"}',
        '{"1": "KEEP"}',
    ],
)
def test_what_was_not_offered_is_no_answer(text):
    assert read_answer(answer(text), [KEEP_OR_DROP]) == [None]


@pytest.mark.parametrize("text", ["", "keep", "[1]", "null", '{"1": "keep"', "[" * 5000, '{"1": "\ud800'])
def test_what_is_no_object_is_asked_again_once_and_warmer(text):
    talk = ScriptedTalk(text, {"1": "keep"})
    assert ask(talk, [KEEP_OR_DROP], words) == Asked([Chosen("keep", None)], retries=1)
    assert [request.temperature for request in talk.requests] == [0.0, 0.3]


def test_two_bad_answers_leave_the_questions_unanswered():
    talk = ScriptedTalk("no", "no", {"1": "keep"})
    assert ask(talk, [KEEP_OR_DROP, SIDE], words) == Asked([None, None], retries=1)
    assert len(talk.requests) == 2


def test_more_questions_than_fit_are_asked_in_several_requests():
    talk = ScriptedTalk(*[lambda request: dict.fromkeys(request.schema["required"], "keep")] * 20)
    asked = ask(talk, [KEEP_OR_DROP] * 40, words)
    assert asked.answers == [Chosen("keep", None)] * 40
    assert sorted(len(request.schema["required"]) for request in talk.requests) == [8, 16, 16]


def test_a_batch_that_is_too_long_is_halved_and_a_lone_question_left_out():
    long = Question("word " * 200, ("keep", "drop"))
    talk = ScriptedTalk(*[lambda request: dict.fromkeys(request.schema["required"], "drop")] * 9, context=160)
    asked = ask(talk, [KEEP_OR_DROP, long, KEEP_OR_DROP], words)
    assert asked.answers == [Chosen("drop", None), None, Chosen("drop", None)]
    assert all("word word" not in prompt for prompt in talk.prompts)


def test_the_server_says_that_it_is_too_long():
    talk = ScriptedTalk(TOO_LONG, {"1": "drop"}, {"1": "keep"})
    assert ask(talk, [KEEP_OR_DROP, KEEP_OR_DROP], words).answers == [
        Chosen("keep", None),
        Chosen("drop", None),
    ]


def test_a_server_that_is_away_is_the_callers_to_handle():
    with pytest.raises(ServerUnavailable):
        ask(ScriptedTalk(ServerUnavailable()), [KEEP_OR_DROP], words)


def test_the_probability_is_that_of_the_tokens_with_a_choice():
    tokens = (
        ('{"', -0.7, False),
        ("1", 0.0, True),
        ('": "', 0.0, True),
        ("k", math.log(0.25), False),
        ("eep", 0.0, True),
        ('"', 0.0, True),
        (', "2": "', 0.0, True),
        ("left", 0.0, True),
        ('"}', 0.0, True),
    )
    first, second = read_answer(answer('{"1": "keep", "2": "left"}', *tokens), [KEEP_OR_DROP, SIDE])
    assert first.option == "keep"
    assert first.probability == pytest.approx(0.25)
    assert second == Chosen("left", None)
