"""A model's answer to items. It is untrusted whatever grammar it was written under: nothing here raises for what an
item holds, and whatever is dropped is counted with its reason."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

# Far above what the schema allows: what comes after is dropped unread.
MOST_ITEMS = 200
MAX_TEXT = 2000
MAX_CODE = 40
MAX_RATIONALE = 600
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class BadAnswer(Exception):
    """The answer is not the JSON that was asked for. The message quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One code as the model gave it. `position` counts the objects of the answer from 0."""

    position: int
    code: str
    description: str = field(repr=False)
    rationale: str = field(repr=False)
    line_start: int = 0
    line_end: int = 0
    quote: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Dropped:
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """`listed` is how many objects the answer holds, good or bad."""

    items: tuple[Item, ...]
    dropped: tuple[Dropped, ...]
    listed: int


class _Twice(Exception):
    pass


def parse_answer(text: str) -> Parsed:
    """Items of the right shape in their order, and the others as `malformed` or `too_many`. Raises BadAnswer."""
    try:
        answer = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except _Twice:
        raise BadAnswer("a field is there twice") from None
    except RecursionError:
        raise BadAnswer("nested too deep") from None
    except ValueError:
        raise BadAnswer("not JSON") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("codes"), list):
        raise BadAnswer("no list of codes")
    listed: list[Any] = answer["codes"]
    items: list[Item] = []
    dropped: list[Dropped] = []
    for position, row in enumerate(listed[:MOST_ITEMS]):
        item = _item(position, row)
        if item is None:
            dropped.append(Dropped(storable(row.get("code") if isinstance(row, dict) else ""), "malformed"))
        else:
            items.append(item)
    dropped.extend(
        Dropped(storable(row.get("code") if isinstance(row, dict) else ""), "too_many")
        for row in listed[MOST_ITEMS:]
    )
    return Parsed(tuple(items), tuple(dropped), len(listed))


def storable(value: object, longest: int = MAX_CODE) -> str:
    """A text that the database takes and a page can show; anything but a text is empty."""
    if not isinstance(value, str):
        return ""
    return _UNSTORABLE.sub("\ufffd", value).strip()[:longest]


def _item(position: int, row: Any) -> Item | None:
    if not isinstance(row, dict):
        return None
    texts = [row.get(name) for name in ("code", "description", "rationale", "quote")]
    numbers = [row.get(name) for name in ("line_start", "line_end")]
    if not all(isinstance(text, str) and len(text) <= MAX_TEXT for text in texts):
        return None
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        return None
    code = row["code"].strip()
    if not code or len(code) > MAX_CODE or _UNSTORABLE.search(code):
        return None
    return Item(
        position,
        code,
        storable(row["description"], MAX_TEXT),
        storable(row["rationale"], MAX_RATIONALE),
        row["line_start"],
        row["line_end"],
        row["quote"],
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Twice
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)
