"""A dataset's rows to tokens with a loss on the answer alone. Pure but for the tokenizer that is passed in.

The question is tokenized as a server does that is asked to chat: the chat template with the beginning of the answer's
turn. What follows it in question and answer together is what the model learns to say, the end of the turn included.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modelops.training.errors import Stopped

# What the loss passes over.
IGNORED = -100


class ChatTokenizer(Protocol):
    """As transformers' tokenizers with a chat template."""

    def apply_chat_template(
        self, conversation: list[dict[str, str]], *, add_generation_prompt: bool, tokenize: bool
    ) -> Any: ...


@dataclass(slots=True)
class Tokenized:
    """Rows of equal length lists; what was left out is counted."""

    input_ids: list[list[int]] = field(default_factory=list)
    labels: list[list[int]] = field(default_factory=list)
    too_long: int = 0
    without_answer: int = 0

    @property
    def tokens(self) -> int:
        return sum(map(len, self.input_ids))

    @property
    def loss_tokens(self) -> int:
        return sum(label != IGNORED for row in self.labels for label in row)

    def counts(self) -> dict[str, int]:
        return {
            "examples": len(self.input_ids),
            "tokens": self.tokens,
            "loss_tokens": self.loss_tokens,
            "longest": max(map(len, self.input_ids), default=0),
            "too_long": self.too_long,
            "without_answer": self.without_answer,
        }


def read_rows(path: Path, stage: str = "") -> Iterator[dict[str, Any]]:
    """The rows of a dataset's file; with `stage` those of that stage only. Raises Stopped("bad_dataset"), OSError."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
            except ValueError:
                raise Stopped("bad_dataset", f"{path.name}: line {number} is not JSON") from None
            if not _is_row(row):
                raise Stopped("bad_dataset", f"{path.name}: line {number} has no messages and completion")
            if not stage or row.get("stage") == stage:
                yield row


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("completion"), str):
        return False
    messages = row.get("messages")
    return (
        isinstance(messages, list)
        and bool(messages)
        and all(
            isinstance(one, Mapping)
            and isinstance(one.get("role"), str)
            and isinstance(one.get("content"), str)
            for one in messages
        )
    )


def tokenize(
    rows: Iterable[Mapping[str, Any]], tokenizer: ChatTokenizer, longest: int, *, may_be_empty: bool = False
) -> Tokenized:
    """Raises Stopped("bad_dataset") where no example is left, unless that may be."""
    found = Tokenized()
    for row in rows:
        question, answer = one_example(row["messages"], row["completion"], tokenizer)
        if not answer:
            found.without_answer += 1
        elif len(question) + len(answer) > longest:
            found.too_long += 1
        else:
            found.input_ids.append([*question, *answer])
            found.labels.append([IGNORED] * len(question) + answer)
    if not found.input_ids and not may_be_empty:
        raise Stopped("bad_dataset", f"no example is left; {found.too_long} are longer than {longest} tokens")
    return found


def one_example(
    messages: Sequence[Mapping[str, str]], completion: str, tokenizer: ChatTokenizer
) -> tuple[list[int], list[int]]:
    """Tokens of the question and of the answer. The answer is empty where the template does not keep the question's
    tokens apart from the answer's."""
    asked = [dict(one) for one in messages]
    question = _ids(tokenizer, asked, beginning=True)
    whole = _ids(tokenizer, [*asked, {"role": "assistant", "content": completion}], beginning=False)
    return (question, whole[len(question) :]) if whole[: len(question)] == question else (question, [])


def _ids(tokenizer: ChatTokenizer, messages: list[dict[str, str]], *, beginning: bool) -> list[int]:
    found = tokenizer.apply_chat_template(messages, add_generation_prompt=beginning, tokenize=True)
    # Since transformers 5 a mapping, before it the list itself.
    return list(found["input_ids"] if isinstance(found, Mapping) else found)
