"""A ChatServer that answers from a script and remembers what it was asked; a token is four bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace

from modelops.engines.llm.transport import ChatAnswer, ChatRequest, Deadline, Message, Pressure, Token

Reply = str | ChatAnswer | Exception
Script = Callable[[ChatRequest], Reply]


def tokens_of(text: str) -> int:
    return (len(text.encode("utf-8", "replace")) + 3) // 4


def said(*items: dict[str, object]) -> str:
    return json.dumps({"codes": list(items)}, ensure_ascii=False, separators=(",", ":"))


def item(code: str, quote: str, line: int = 1, **more: object) -> dict[str, object]:
    """Keys in the order of the schema."""
    return {
        "description": "as the model says",
        "code": code,
        "rationale": "documented",
        "line_start": line,
        "line_end": line,
        "quote": quote,
        **more,
    }


class ScriptedServer:
    """`replies`: one for each request in turn, the last again and again; or a function of the request."""

    def __init__(self, replies: Iterable[Reply] | Script, *, context: int = 8192) -> None:
        self._script = replies if callable(replies) else None
        self._replies = [] if callable(replies) else list(replies)
        self._context = context
        self.requests: list[ChatRequest] = []
        self.counted = 0

    def chat(self, request: ChatRequest, deadline: Deadline) -> ChatAnswer:
        self.requests.append(request)
        if self._script is not None:
            reply = self._script(request)
        else:
            reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        prompt = sum(tokens_of(message.content) for message in request.messages)
        if isinstance(reply, ChatAnswer):
            return replace(reply, prompt_tokens=prompt)
        return ChatAnswer(
            text=reply,
            finish_reason="stop",
            tokens=tuple(Token(character, -0.1, False) for character in reply),
            prompt_tokens=prompt,
            output_tokens=tokens_of(reply),
            model="scripted",
            server="nowhere",
        )

    def count_tokens(self, text: str, deadline: Deadline | None = None) -> int:
        self.counted += 1
        return tokens_of(text)

    def count_prompt_tokens(self, messages: tuple[Message, ...], deadline: Deadline | None = None) -> int:
        return sum(tokens_of(message.content) + 4 for message in messages)

    def max_context(self, deadline: Deadline | None = None) -> int:
        return self._context

    def models(self) -> list[str]:
        return ["scripted"]

    def load_adapter(self, name: str, path: str) -> None:
        pass

    def unload_adapter(self, name: str) -> None:
        pass

    def pressure(self) -> Pressure:
        return Pressure(0, 0, 0.0)

    def healthy(self) -> bool:
        return True

    def close(self) -> None:
        pass


def cut_answer(text: str = '{"codes":[{"descr') -> ChatAnswer:
    return ChatAnswer(text, "length", (), 0, 1500, "scripted", "nowhere")
