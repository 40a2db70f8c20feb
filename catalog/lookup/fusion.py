"""Words and meaning together, where words alone do not settle it. Pure.

Vectors know words for the same thing and no codes; they are asked only when the best answer by words is weak, and
then both have a say. What words answer well stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from catalog.lookup.rank import Found

# Below this the best answer by words is weak: about one word in five, or more, was not found or not said.
WEAK = 0.8
# How much the likeness of vectors counts, against the score by words.
_MEANING = 0.5
# What is not among the best of one side counts there as somewhat less than the last that is.
_BEYOND = 0.8


class Near(Protocol):
    """(place of the node in the index, likeness from 0 to 1) of what is near to a text in meaning, nearest first."""

    def __call__(self, text: str) -> Sequence[tuple[int, float]]: ...


def is_weak(found: Sequence[Found]) -> bool:
    return not found or found[0].score < WEAK


def fused(found: Sequence[Found], near: Sequence[tuple[int, float]]) -> list[Found]:
    """Both in one order; what only vectors found is marked `near`."""
    if not near:
        return list(found)
    by_words = {one.place: one for one in found}
    by_meaning: dict[int, float] = {}
    for place, likeness in near:
        by_meaning.setdefault(place, likeness)
    least_word = _BEYOND * min((one.score for one in found), default=0.0)
    least_likeness = _BEYOND * min(by_meaning.values())
    scored: list[Found] = []
    for place in {**by_words, **by_meaning}:
        known = by_words.get(place)
        score = (1 - _MEANING) * (known.score if known else least_word)
        score += _MEANING * max(by_meaning.get(place, least_likeness), 0.0)
        scored.append(known.at(score) if known else Found(place, place, score, near=True))
    scored.sort(key=lambda one: (-one.score, one.place))
    return scored
