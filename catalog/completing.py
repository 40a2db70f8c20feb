"""What a code leaves open that typed words may say: its 7th character and its side. Pure, no database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.models import Code
from catalog.words import FUNCTION_WORDS, words

# In the meanings of 7th characters these tell nothing apart for somebody who types a condition ("type 2 diabetes").
_NOT_TELLING = FUNCTION_WORDS | frozenset(
    ("type", "fracture", "without", "encounter", "i", "ii", "iii", "iiia", "iiib", "iiic")
)
# What people type for the words of the meanings.
_SAID_AS = {
    "first": "initial",
    "followup": "subsequent",
    "aftercare": "subsequent",
    "sequelae": "sequela",
    "sequel": "sequela",
    "compound": "open",
}
_SIDE = re.compile(
    r"\b(right|left|bilateral|both|unspecified)(?: (non-?dominant|dominant))?\b", re.IGNORECASE
)
_SIDE_WORDS = frozenset(("right", "left", "bilateral", "both", "unspecified"))
_DOMINANCE = frozenset(("dominant", "nondominant", "non"))
_TYPED_SIDES = frozenset(("right", "left", "bilateral", "both", "rt", "lt", "bilat", "bil"))
_ORDER = ("right", "left", "bilateral", "unspecified")


@dataclass(frozen=True, slots=True)
class SeventhOption:
    character: str
    meaning: str
    code: str


@dataclass(frozen=True, slots=True)
class Sided:
    side: str
    node: Code


def narrowed(
    options: Sequence[SeventhOption], typed: Sequence[str], mine: str = ""
) -> tuple[SeventhOption, ...]:
    """The 7th characters that the typed words leave open: all of them where they say nothing of it.

    `mine`: the character of the code that was found. Where the words would rule it out they were read wrongly, and
    nothing is narrowed.
    """
    meant = [set(words(option.meaning)) for option in options]
    everywhere = set.intersection(*meant) if meant else set[str]()
    telling = set[str]().union(*meant) - everywhere - _NOT_TELLING
    said = {_SAID_AS.get(word, word) for word in typed} & telling
    left = tuple(option for option, words_of in zip(options, meant, strict=True) if said <= words_of)
    if not left or (mine and mine not in {option.character for option in left}):
        return tuple(options)
    return left


def says_side(typed: Sequence[str]) -> bool:
    return not _TYPED_SIDES.isdisjoint(typed)


def side_of(title: str) -> str:
    """ "right", "left", "bilateral" or "unspecified", with the word on dominance; empty where a title has no side."""
    found = [
        (match.group(1).lower().replace("both", "bilateral"), (match.group(2) or "").lower())
        for match in _SIDE.finditer(title)
    ]
    told = [each for each in found if each[0] != "unspecified"]
    if not found:
        return ""
    side, dominance = (told or found)[0]
    return f"{side} {dominance}".strip()


def sides_beside(stem: Code, siblings: Sequence[Code], higher: Sequence[Code]) -> tuple[Sided, ...]:
    """The codes that say what the stem says for each side, right before left; none unless both of these exist.

    `siblings` stand under the same parent, the stem among them; `higher` beside that parent, where the code for
    both sides sometimes is (M17.0 beside M17.1-).
    """
    mine = _pattern(stem.title)
    found = {side: one for one in siblings if (side := side_of(one.title)) and _pattern(one.title) == mine}
    sides = {side.split()[0] for side in found}
    if not {"right", "left"} <= sides:
        return ()
    if "bilateral" not in sides:
        told = _plain(stem.title)
        both = next(
            (one for one in higher if side_of(one.title) == "bilateral" and _plain(one.title) <= told), None
        )
        if both is not None:
            found["bilateral"] = both
    ordered = sorted(found, key=lambda side: (_ORDER.index(side.split()[0]), side))
    return tuple(Sided(side, found[side]) for side in ordered)


def _pattern(title: str) -> tuple[str, ...]:
    """The title's words with a mark for each side, so that right, left and unspecified are one."""
    return tuple(
        "#" if word in _SIDE_WORDS else word.rstrip("s") for word in words(title) if word not in _DOMINANCE
    )


def _plain(title: str) -> set[str]:
    away = _SIDE_WORDS | FUNCTION_WORDS | {"unilateral"}
    return {word.rstrip("s") for word in words(title) if word not in away}
