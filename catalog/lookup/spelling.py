"""Words of the index that a misspelled or shortened word may stand for."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cdist

from catalog.lookup.index import Index

# Below this a word is another word, not a misspelling.
LEAST = 0.62
_MOST = 6
_PREFIXES = 24
_KEPT = 20_000
# Words compared in one pass: each takes a row as long as the index has words.
_AT_ONCE = 64


def likeness(typed: str, word: str) -> float:
    """0..1: the share of letters that stand, with credit for a right beginning."""
    edits = OSA.normalized_similarity(typed, word)
    return 0.75 * edits + 0.25 * JaroWinkler.similarity(typed, word)


def shortens(typed: str, word: str) -> bool:
    """'lft' for left, 'fxr' never for fracture's end: same first letter, the rest in order, two letters fewer."""
    if len(typed) < 2 or len(typed) >= len(word) or typed[0] != word[0]:
        return False
    letters = iter(word)
    return all(letter in letters for letter in typed)


class Speller:
    """Answers are kept: the same misspellings come again and again."""

    def __init__(self, index: Index) -> None:
        self._words: Sequence[str] = index.words
        # One-letter words and numbers are never meant by a longer misspelling.
        self._choices = [word for word in index.words if len(word) > 2 and not word.isdigit()]
        self._numbers = [index.vocabulary[word] for word in self._choices]
        self._sorted = sorted(
            ((word, number) for word, number in index.vocabulary.items() if not word.isdigit()),
        )
        self._keys = [word for word, _ in self._sorted]
        self._frequency = [len(found) for found in index.postings]
        self._known: OrderedDict[str, tuple[tuple[int, float], ...]] = OrderedDict()

    def learn(self, typed: Iterable[str]) -> None:
        """Finds the candidates of several words in one pass."""
        new = [word for word in dict.fromkeys(typed) if word not in self._known]
        for at in range(0, len(new), _AT_ONCE):
            self._learn(new[at : at + _AT_ONCE])

    def _learn(self, new: Sequence[str]) -> None:
        found = cdist(
            new, self._choices, scorer=OSA.normalized_similarity, score_cutoff=LEAST, dtype=np.float32
        )
        for word, row in zip(new, found, strict=True):
            near = np.flatnonzero(row)
            ranked = sorted(
                ((likeness(word, self._choices[at]), self._numbers[at]) for at in near.tolist()),
                reverse=True,
            )[:_MOST]
            self._known[word] = tuple((number, score) for score, number in ranked if score >= LEAST)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)

    def near(self, typed: str) -> tuple[tuple[int, float], ...]:
        """(word, likeness) best first."""
        if typed not in self._known:
            self.learn([typed])
        return self._known[typed]

    def beginning(self, typed: str) -> list[int]:
        """Words that begin so, the commonest first."""
        at = bisect_left(self._keys, typed)
        found: list[int] = []
        while at < len(self._keys) and self._keys[at].startswith(typed):
            if self._keys[at] != typed:
                found.append(self._sorted[at][1])
            at += 1
        return sorted(found, key=lambda number: -self._frequency[number])[:_PREFIXES]
