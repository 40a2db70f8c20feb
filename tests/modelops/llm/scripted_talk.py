"""A model server in the hands of a test: answers by the script, keeps what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from modelops.engines.llm.transport import ChatAnswer, ChatRequest, Message, Token
from modelops.errors import ContextTooLong

Script = Callable[[ChatRequest], Any]


class ScriptedTalk:
    """`answers`: one a request, in order; what is no str is written as JSON; an exception is raised, a
    ChatAnswer given as it is. Tokens of a
    prompt are its words."""

    def __init__(self, *answers: Any, context: int = 8192, probabilities: Iterable[float] = ()) -> None:
        self.answers = list(answers)
        self.context = context
        self.requests: list[ChatRequest] = []
        self.probability = iter(probabilities)

    def chat(self, request: ChatRequest) -> ChatAnswer:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, ChatAnswer):
            return answer
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return ChatAnswer(text, "stop", (), self.count_prompt_tokens(request.messages), 1, "m", "s")

    def count_prompt_tokens(self, messages: tuple[Message, ...]) -> int:
        return sum(len(message.content.split()) for message in messages)

    def at_once(self, works, count):
        """One after another: the answers stand in an order."""
        return [work(self) for work in works]

    def max_context(self) -> int:
        return self.context

    @property
    def prompts(self) -> list[str]:
        return [request.messages[-1].content for request in self.requests]


def answer(text: str, *tokens: tuple[str, float, bool]) -> ChatAnswer:
    return ChatAnswer(text, "stop", tuple(Token(*token) for token in tokens), 1, 1, "m", "s")


TOO_LONG = ContextTooLong()
