"""Questions with a fixed list of answers each, many in one request: `{"1": "keep", "2": "I50.23"}`.

The grammar allows one of each question's options and nothing else, so the worst that text in a prompt can bring about
is another of them. What comes back is checked again all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from modelops.engines.llm.confidence import mean_probability
from modelops.engines.llm.ports import Talk
from modelops.engines.llm.prompt import Prompt
from modelops.engines.llm.transport import ChatAnswer, ChatRequest, Message, Token
from modelops.errors import ContextTooLong

# Greedy answers repeat themselves: the one retry is warmer.
_AGAIN = 0.3
# Signs around one answer (quotation marks, colon, comma, white space where a server allows it), and around all.
_AROUND, _FRAME = 8, 16
_MOST_AT_ONCE = 16

# From questions numbered from 1 to the messages that put them.
Words = Callable[[Sequence["Question"]], tuple[Message, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """`text` is what the prompt shows under the question's number, `options` the answers it may have."""

    text: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """`probability`: of the tokens that the grammar left open; None where it left none or none were told."""

    option: str
    probability: float | None


@dataclass(slots=True)
class Asked:
    """Answers in the order of the questions, None where there is none that can be used."""

    answers: list[Chosen | None]
    retries: int = 0


def ask(talk: Talk, questions: Sequence[Question], words: Words, *, model: str = "") -> Asked:
    """Asks all, as many at once as fit. A question that no answer came to is unanswered, never an error.

    Raises what `talk` raises, except for a question too long for the server, which stays unanswered.
    """
    parts = [questions[at : at + _MOST_AT_ONCE] for at in range(0, len(questions), _MOST_AT_ONCE)]
    works = (partial(_part, questions=part, words=words, model=model) for part in parts)
    asked = talk.at_once(works, len(parts))
    return Asked([answer for one in asked for answer in one.answers], sum(one.retries for one in asked))


def _part(talk: Talk, *, questions: Sequence[Question], words: Words, model: str) -> Asked:
    """All of them in one request, or in several where they are too long together."""
    found = Asked([None] * len(questions))
    waiting = [range(len(questions))]
    while waiting:
        places = waiting.pop()
        batch = [questions[place] for place in places]
        put, room = words(batch), _room(batch)
        if talk.count_prompt_tokens(put) + room > talk.max_context():
            waiting.extend(_halves(places))
            continue
        try:
            answers, retries = _batch(talk, batch, put, room, model)
        except ContextTooLong:
            waiting.extend(_halves(places))
            continue
        found.retries += retries
        for place, answer in zip(places, answers, strict=True):
            found.answers[place] = answer
    return found


def listed(questions: Sequence[Question]) -> str:
    return "\n".join(f"{number}. {question.text}" for number, question in enumerate(questions, start=1))


def messages(prompt: Prompt, material: str) -> tuple[Message, ...]:
    """The prompt's words first, which every request shares, then what this one is about."""
    sections = prompt.sections
    question = "\n\n".join((sections["instruction"], sections["output"], material))
    return Message("system", sections["system"]), Message("user", question)


def _halves(places: range) -> list[range]:
    """None for a lone question: it does not fit and stays unanswered."""
    middle = len(places) // 2
    return [places[:middle], places[middle:]] if middle else []


def _batch(
    talk: Talk, batch: Sequence[Question], put: tuple[Message, ...], room: int, model: str
) -> tuple[list[Chosen | None], int]:
    for retries, temperature in enumerate((0.0, _AGAIN)):
        answer = talk.chat(ChatRequest(put, schema_of(batch), room, temperature, model=model))
        read = read_answer(answer, batch)
        if read is not None:
            return read, retries
    return [None] * len(batch), 1


def schema_of(batch: Sequence[Question]) -> Mapping[str, Any]:
    names = [str(number) for number in range(1, len(batch) + 1)]
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "enum": list(question.options)}
            for name, question in zip(names, batch, strict=True)
        },
        "required": names,
        "additionalProperties": False,
    }


def read_answer(answer: ChatAnswer, batch: Sequence[Question]) -> list[Chosen | None] | None:
    """One entry a question, None for one without an allowed answer; None for an answer that is no JSON object."""
    try:
        row = json.loads(answer.text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    found: list[Chosen | None] = []
    for number, question in enumerate(batch, start=1):
        option = row.get(str(number))
        if not isinstance(option, str) or option not in question.options:
            found.append(None)
            continue
        found.append(Chosen(option, _probability(answer.tokens, number)))
    return found


def _probability(tokens: Sequence[Token], number: int) -> float | None:
    text = "".join(token.text for token in tokens)
    match = re.search(rf'"{number}"\s*:\s*"((?:[^"\\]|\\.)*)"', text)
    return mean_probability(tokens, [(match.start(1), match.end(1) + 1)]) if match else None


def _room(batch: Sequence[Question]) -> int:
    """No tokenizer gives more tokens than bytes, so an answer of this many is never cut."""
    longest = (max(len(option.encode()) for option in question.options) for question in batch)
    return _FRAME + sum(size + len(str(len(batch))) + _AROUND for size in longest)
