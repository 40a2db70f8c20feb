"""A code typed where words were expected: read as the code, or as the complete codes that begin so. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from catalog.keys import code_key
from catalog.lookup.encounters import LENGTH
from catalog.lookup.index import Index

_SHAPE = re.compile(r"[A-Za-z]\d[A-Za-z0-9](?:\.?[A-Za-z0-9]{1,4})?\.?-?")
_BETWEEN = re.compile(r"[\s,;/]+")
_CATEGORY = 3
# Of a code that is not complete: below a code typed whole.
_INCOMPLETE = 0.9


@dataclass(frozen=True, slots=True)
class TypedCode:
    """The node at `place` of the index, and in words why it answers what was typed."""

    place: int
    score: float
    why: str


class TypedCodes:
    """Of one index. Only systems with three-character categories are read so; in others nothing looks like a code."""

    def __init__(self, index: Index) -> None:
        self._nodes = index.nodes
        self._categories = {
            node.code: at for at, node in enumerate(index.nodes) if len(node.code) == _CATEGORY
        }

    def looks_like_one(self, text: str) -> bool:
        """Whether nothing but a code can be meant: "E11.99" is no word, though it may be no code either."""
        text = text.strip()
        return (
            "." in text.rstrip("-.") and self._shaped(text) and text[:_CATEGORY].upper() in self._categories
        )

    def read(self, text: str, billable_only: bool) -> list[TypedCode]:
        """The code, else those that begin with what was typed: the shortest first, of 7th characters the initial
        encounter first; none where no code of the release begins so."""
        text = text.strip()
        if not self._shaped(text):
            return []
        key = code_key(text)
        category = self._categories.get(key[:_CATEGORY])
        if category is None:
            return []
        found: list[TypedCode] = []
        below: list[int] = []
        for place in range(category, self._nodes[category].last + 1):
            node = self._nodes[place]
            mine = code_key(node.code)
            if mine == key:
                if node.billable:
                    return [TypedCode(place, 1.0, "code")]
                if not billable_only:
                    found.append(TypedCode(place, 1.0, "code"))
            elif mine.startswith(key) and (node.billable or not billable_only):
                below.append(place)
        below.sort(key=self._order)
        sharing = {self._nodes[place].code[:-1] for place in below}
        seventh = len(sharing) == 1 and len(self._nodes[below[0]].code) == LENGTH
        short = f"{key[:_CATEGORY]}{'.' if key[_CATEGORY:] else ''}{key[_CATEGORY:]}"
        wants = "a 7th character" if seventh else "more characters"
        why = f"code begins with {short}, which is incomplete: it needs {wants}"
        return [*found, *(TypedCode(place, _INCOMPLETE, why) for place in below)]

    def listed(self, text: str) -> Iterator[str]:
        """The codes of a text that is nothing but codes; none where anything else stands between them."""
        parts = [part for part in _BETWEEN.split(text.strip()) if part]
        if all(self.looks_like_one(part) or self.read(part, billable_only=True) for part in parts):
            yield from parts

    def _shaped(self, text: str) -> bool:
        return _SHAPE.fullmatch(text) is not None

    def _order(self, place: int) -> tuple[int, str, int]:
        code = self._nodes[place].code
        extended = len(code) == LENGTH
        return (LENGTH - 1 if extended else len(code), code[-1] if extended else "", place)
