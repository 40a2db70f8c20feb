"""Codes named inside a note ("E08.-", "N18.1-N18.6"), found so that a page can link them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_CODE = r"[A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?"
_REFERENCE = re.compile(rf"(?<![A-Z0-9.])({_CODE})(?=$|[^A-Za-z0-9.]|\.(?:$|[^A-Za-z0-9]))")

# Text, and the code it names or an empty string.
Piece = tuple[str, str]


def named_codes(texts: Iterable[str]) -> set[str]:
    return {match.group(1) for text in texts for match in _REFERENCE.finditer(text)}


def pieces(text: str, known: Mapping[str, object]) -> tuple[Piece, ...]:
    """The text in order, cut at each code that is in `known`; joined it is the text again."""
    found: list[Piece] = []
    at = 0
    for match in _REFERENCE.finditer(text):
        if match.group(1) not in known:
            continue
        found += [(text[at : match.start()], ""), (match.group(1), match.group(1))]
        at = match.end()
    found.append((text[at:], ""))
    return tuple(piece for piece in found if piece[0])
