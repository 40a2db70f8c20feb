"""Answers that fit the schema of the request, written in tokens that say which of them were free."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tests.standin import terms

# The probability of every token that the schema leaves open.
CERTAINTY = 0.9
FREE = math.log(CERTAINTY)
MASKED = -9999.0

Piece = tuple[str, bool]  # text, forced

_TOKENS = re.compile(r"\s?[^\W\d_]+|\s?\d|\s?[^\w\s]|\s|_")
_NOTHING = object()


class BadSchema(ValueError):
    """A schema that a real server refuses."""


def tokens_of(text: str) -> list[str]:
    """Words, digits and signs; together they make up the text."""
    return _TOKENS.findall(text)


def count(text: str) -> int:
    return len(text.split())


def answer(messages: list[dict[str, str]], schema: Mapping[str, Any] | None) -> list[Piece]:
    """The JSON answer to the last user message: what the dictionary finds in its numbered lines."""
    text = next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
    if schema is None:
        found = json.dumps({"codes": terms.diagnoses(text)}, ensure_ascii=False, separators=(",", ":"))
        return [(found, False)]
    return _Filler(text).fill(schema)


class _Filler:
    """Writes the value nearest to what the dictionary says that a JSON schema allows."""

    def __init__(self, text: str) -> None:
        self._text = text

    def fill(self, schema: Mapping[str, Any]) -> list[Piece]:
        return list(self._write(schema, _NOTHING))

    def _write(self, schema: Mapping[str, Any], wish: Any) -> Iterator[Piece]:
        if "const" in schema:
            yield _json(schema["const"]), True
        elif "enum" in schema:
            options = schema["enum"]
            yield _json(_nearest(options, wish)), len(options) == 1
        elif "anyOf" in schema or "oneOf" in schema:
            yield from self._one_of(schema.get("anyOf") or schema["oneOf"], wish)
        else:
            yield from self._by_type(schema, wish)

    def _by_type(self, schema: Mapping[str, Any], wish: Any) -> Iterator[Piece]:
        kind = schema.get("type")
        if kind == "object":
            yield from self._object(schema, wish)
        elif kind == "array":
            yield from self._array(schema, wish)
        elif kind == "string":
            said = wish if isinstance(wish, str) else ""
            inner = json.dumps(said[: schema.get("maxLength", len(said))], ensure_ascii=False)[1:-1]
            yield '"', True
            yield inner, False
            yield '"', True
        elif kind in ("integer", "number"):
            least = schema.get("minimum", 0)
            number = wish if isinstance(wish, int) else least
            yield str(max(least, min(number, schema.get("maximum", number)))), False
        elif kind == "boolean":
            yield _json(wish is True), False
        elif kind == "null":
            yield "null", True
        else:
            raise BadSchema(f"unknown type {kind!r}")

    def _object(self, schema: Mapping[str, Any], wish: Any, chosen: bool = False) -> Iterator[Piece]:
        """`chosen`: it is one of several alternatives, which its first constant tells apart."""
        wishes = wish if isinstance(wish, dict) else {}
        yield "{", True
        for place, (name, inner) in enumerate(schema.get("properties", {}).items()):
            yield f"{',' if place else ''}{_json(name)}:", True
            for text, forced in self._write(inner, wishes.get(name, _NOTHING)):
                if forced and chosen and "const" in inner:
                    chosen = False
                    yield text, False
                else:
                    yield text, forced
        yield "}", True

    def _array(self, schema: Mapping[str, Any], wish: Any) -> Iterator[Piece]:
        item = schema.get("items", {"type": "null"})
        wishes = wish if isinstance(wish, list) else self._found(item)
        wishes = [one for one in wishes if self._possible(item, one)]
        least = schema.get("minItems", 0)
        wishes = wishes[: schema.get("maxItems", len(wishes))]
        wishes += [_NOTHING] * max(0, least - len(wishes))
        yield "[", True
        for place, one in enumerate(wishes):
            if place:
                yield ",", False
            yield from self._write(item, one)
        yield "]", False

    def _found(self, item: Mapping[str, Any]) -> list[dict[str, object]]:
        alternatives = item.get("anyOf") or item.get("oneOf") or [item]
        names = {name for one in alternatives for name in one.get("properties", {})}
        if "line_start" not in names:
            return []
        return terms.diagnoses(self._text) if "code" in names else terms.procedures(self._text)

    def _possible(self, item: Mapping[str, Any], wish: Any) -> bool:
        if wish is _NOTHING:
            return True
        alternatives = item.get("anyOf") or item.get("oneOf")
        if alternatives:
            return any(_fits(one, wish) for one in alternatives)
        return _fits(item, wish)

    def _one_of(self, alternatives: list[Mapping[str, Any]], wish: Any) -> Iterator[Piece]:
        for one in alternatives:
            if _fits(one, wish):
                break
        else:
            one = alternatives[0]
        if one.get("type") == "object":
            yield from self._object(one, wish, chosen=len(alternatives) > 1)
        else:
            yield from self._write(one, wish)


def _fits(schema: Mapping[str, Any], wish: Any) -> bool:
    """Whether an object with these wishes is near enough: its code, and lines that the schema allows."""
    if not isinstance(wish, dict):
        return False
    properties = schema.get("properties", {})
    code = properties.get("code", {})
    if "const" in code and code["const"] != wish.get("code"):
        return False
    if "enum" in code and wish.get("code") not in code["enum"]:
        return False
    line, asked = properties.get("line_start", {}), wish.get("line_start")
    if "const" in line:
        return bool(line["const"] == asked)
    if "enum" in line:
        return asked in line["enum"]
    return asked is None or line.get("minimum", asked) <= asked <= line.get("maximum", asked)


def _nearest(options: list[Any], wish: Any) -> Any:
    if wish in options:
        return wish
    if isinstance(wish, str) and wish:
        for option in options:
            if isinstance(option, str) and wish.lower() in option.lower():
                return option
    return options[0]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=65536)
def logprob_entry(token: str, forced: bool) -> str:
    """A token as a server writes it: with itself and the next best, which is masked where it was forced."""
    logprob, other = (0.0, MASKED) if forced else (FREE, math.log(0.05))
    said = {"token": token, "logprob": logprob, "bytes": list(token.encode("utf-8", "replace"))}
    another = {"token": " else" if token != " else" else " or", "logprob": other, "bytes": None}
    return json.dumps({**said, "top_logprobs": [said, another]})
