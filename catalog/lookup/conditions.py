"""Several conditions in one text: where one ends and the next begins.

Titles hold commas, "and" and "with" themselves, so punctuation alone does not say. Every run of pieces is
weighed against the whole index, and the cut is taken under which all runs together are best worded by one code
each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from catalog.lookup.index import Floats, Index, Ints
from catalog.lookup.rank import Ranker
from catalog.lookup.slots import Slot

# No title has these: a condition always ends here.
_HARD = re.compile(r"\s*(?:[;\n\r•|]|(?:^|\s)(?:[1-9]\d?[.)]|\(\d\)|[-*–])\s)\s*")
_SOFT = re.compile(
    r"\s*(?:,\s*(?:and|plus|also|as well as|along with|together with)\s"
    r"|\s(?:and\s+also|and|plus|also|as well as|along with|together with|in addition to|in combination with"
    r"|combined with|accompanied by|alongside|besides|followed by|with)\s"
    r"|\s(?:&|\+)\s|,\s|\.\s+(?=[A-Z0-9])|\s/\s|:\s|\s[-–—]+\s)\s*",
    re.IGNORECASE,
)
_MOST_PIECES = 28
_LONGEST_RUN = 10
# What each further condition must gain.
_PRICE = 0.5
_POWER = 3.0
# Of a likeness in letters nothing is expected.
_SURE = 0.9
# A word that more wordings have ("initial", "encounter", "right") names no condition by itself.
_COMMON = 4000


def split_conditions(ranker: Ranker, text: str) -> list[str]:
    """The parts of the text that each name one condition, in its order."""
    found: list[str] = []
    for part in _HARD.split(text):
        if part.strip():
            found += _split_soft(ranker, part.strip())
    return [part for part in found if any(slot.weight for slot in ranker.reader.read(part))]


def _split_soft(ranker: Ranker, text: str) -> list[str]:
    ends = [(0, 0), *((match.start(), match.end()) for match in _SOFT.finditer(text))][:_MOST_PIECES]
    starts = [end for _, end in ends]
    stops = [*(start for start, _ in ends[1:]), len(text)]
    pieces = [(start, stop) for start, stop in zip(starts, stops, strict=True) if text[start:stop].strip()]
    if len(pieces) < 2:
        return [text]
    slots = [ranker.reader.read(text[start:stop]) for start, stop in pieces]
    best: list[tuple[float, int]] = [(0.0, 0)]
    values = _values(ranker, slots)
    for stop in range(1, len(pieces) + 1):
        best.append(
            max(
                (best[start][0] + values[start, stop], start)
                for start in range(max(0, stop - _LONGEST_RUN), stop)
            )
        )
    cuts: list[tuple[int, int]] = []
    stop = len(pieces)
    while stop:
        start = best[stop][1]
        cuts.append((start, stop))
        stop = start
    return [text[pieces[start][0] : pieces[stop - 1][1]] for start, stop in reversed(cuts)]


def _asked(slot: Slot) -> float:
    """What the slot weighs: written out, a short form is as much as all its words, or two conditions of which one is a
    short form would look like one that is well worded."""
    sure = (one.weight * one.sureness for one in slot.alternatives if one.sureness > _SURE)
    return max(slot.weight, *sure, 0.0)


def _values(ranker: Ranker, slots: Sequence[Sequence[Slot]]) -> dict[tuple[int, int], float]:
    """For each run of pieces [start, stop): its weight times how well the best code words it, less the price."""
    index = ranker.index
    documents, postings = _among(index, slots)
    totals = index.full_totals[documents]
    values: dict[tuple[int, int], float] = {}
    for start in range(len(slots)):
        shared: Floats = np.zeros(len(documents), dtype=np.float32)
        added: dict[int, float] = {}
        typed: set[str] = set()
        asked = 0.0
        for stop in range(start + 1, min(start + _LONGEST_RUN, len(slots)) + 1):
            for slot in slots[stop - 1]:
                if slot.typed in typed:
                    continue
                typed.add(slot.typed)
                asked += _asked(slot)
                for alternative in slot.alternatives:
                    for word in alternative.words:
                        more = alternative.sureness - added.get(word, 0.0)
                        if more > 0:
                            shared[postings[word]] += np.float32(index.weights[word] * more)
                            added[word] = alternative.sureness
            if not asked:
                values[start, stop] = 0.0
                continue
            score = shared / (totals + np.float32(asked))
            quality = min(1.0, 2 * float(score.max(initial=0.0)))
            values[start, stop] = asked * quality**_POWER - _PRICE
    return values


def _among(index: Index, slots: Sequence[Sequence[Slot]]) -> tuple[Ints, dict[int, Ints]]:
    """The wordings of complete codes that have one of the words that not everything has, and for each word its places
    among them. All runs of pieces are weighed over these alone, which are few."""
    words = {
        word
        for piece in slots
        for slot in piece
        for alternative in slot.alternatives
        for word in alternative.words
    }
    telling = [word for word in words if len(index.postings[word]) <= _COMMON] or list(words)
    has = np.zeros(index.size, dtype=bool)
    for word in telling:
        has[index.postings[word]] = True
    documents = np.flatnonzero(has & index.billable).astype(np.int32)
    place: Ints = np.full(index.size, -1, dtype=np.int32)
    place[documents] = np.arange(len(documents), dtype=np.int32)
    postings: dict[int, Ints] = {}
    for word in words:
        found = place[index.postings[word]]
        postings[word] = found[found >= 0]
    return documents, postings
