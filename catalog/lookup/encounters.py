"""Of codes that differ by their 7th character alone, the one that the words leave open to: the initial encounter. Pure.

The one place of this rule: the lookup's answers and the encoder's full text are both put in order here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

INITIAL = "A"
# With its dot, a code of seven characters.
LENGTH = 8
# In the meanings of 7th characters these tell nothing apart: "type 2 diabetes with fracture" says nothing of a type I
# open fracture.
_NOT_TELLING = frozenset(
    (
        *("with", "without", "for", "of", "or", "and", "to", "as", "encounter", "fracture", "type"),
        *("i", "ii", "iii", "iiia", "iiib", "iiic", "1", "2", "3"),
    )
)
# Where words leave several: initial care of a closed injury, initial care, healing as expected, anything else.
_CLOSED_INITIAL, _INITIAL_CARE, _ROUTINE, _OTHER = range(4)


@dataclass(frozen=True, slots=True)
class Titled:
    """A found code with the words of its title, and those of them that were taken as typed; `settled`: word for word
    what was typed, so never moved."""

    code: str
    words: frozenset[str]
    said: frozenset[str] = frozenset()
    settled: bool = False


def initial_first(found: Sequence[Titled], typed: Collection[str], unfinished: str = "") -> list[int]:
    """The places of `found` in their order: of codes that share six characters, those that say most of the typed
    words on the encounter lead, and of these the initial encounter, then routine healing. Each family keeps the places
    it had, and every other code its own.

    `typed`: the typed words with what they may stand for. `unfinished`: a word that may still be typed on. The words
    of a sequela are fewer than those of an initial encounter, so that it would stand first by what nobody said.
    """
    order = list(range(len(found)))
    for places in families(found).values():
        telling = _telling([found[at].words for at in places])
        if not any("initial" in found[at].words for at in places):
            continue
        # Of one family the best reading counts: further down a word may have been taken for another.
        best = found[places[0]].said
        said = {word for word in telling if word in typed or word in best or _begins(word, unfinished)}
        ranked = sorted(places, key=lambda at: (-len(said & found[at].words), _rank(found[at]), at))
        for place, at in zip(places, ranked, strict=True):
            order[place] = at
    return order


def families(found: Sequence[Titled]) -> dict[str, list[int]]:
    """The places of codes with a 7th character, by what they share."""
    grouped: dict[str, list[int]] = {}
    for at, one in enumerate(found):
        if len(one.code) == LENGTH and not one.settled:
            grouped.setdefault(one.code[:-1], []).append(at)
    return grouped


def _telling(titles: Sequence[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*titles) - frozenset.intersection(*titles) - _NOT_TELLING


def _begins(word: str, unfinished: str) -> bool:
    return len(unfinished) > 2 and word.startswith(unfinished)


def _rank(one: Titled) -> int:
    if one.code[-1] == INITIAL:
        return _CLOSED_INITIAL
    if "initial" in one.words:
        return _INITIAL_CARE
    return _ROUTINE if one.code[-1] == "D" or "routine" in one.words else _OTHER
