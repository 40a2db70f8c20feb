"""The codes that the lines of a note lead to: less exact than `Lookup`, and many times as fast. Pure.

A line is cut at punctuation and at the words that join conditions; each piece, and each run of neighbouring pieces,
is weighed against the whole index, since titles hold commas and "with" themselves. What names no condition (figures,
names, words of the frame) is not weighed at all.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from catalog.lookup.answer import Lookup
from catalog.lookup.slots import Slot

_CUT = re.compile(
    r"\s*(?:[;:()\[\]|•\"“”]|->|→|--|[,.?!](?=\s|$)|\s[-–—/+&]\s|\b(?:and|with|w/|due to|secondary to"
    r"|2/2|from|for|on|in|plus|but|then|which|who|that|is|was|were|are|has|had)(?=\s))\s*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•#>+–—]+|\(?\d{1,2}[.)])\s*")
_WORD = re.compile(r"[^\W\d_]{2,}")
# Pieces of one run, and the words of its text: longer runs name no condition that a shorter does not.
_LONGEST_RUN = 3
_MOST_WORDS = 14
# A word that more wordings have says nothing alone ("initial", "right", "unspecified").
_COMMON = 4000
# A reading less sure than this makes no word telling.
_SURE = 0.8
# A line longer than this is read in parts of about this length.
_LONGEST_LINE = 2_000


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A billable code and where in the line the words stand that led to it (code points, `col_end` exclusive).
    `rank`: its place among the codes of these words, 0 the best."""

    code: str
    title: str
    score: float
    col_start: int
    col_end: int
    rank: int = 0


@dataclass(frozen=True, slots=True)
class _Piece:
    start: int
    end: int
    slots: tuple[Slot, ...]
    telling: bool


class Glance:
    """Over one release's lookup. Safe to use from many threads (its spelling is learned under a lock)."""

    def __init__(self, lookup: Lookup, *, read: int = 8, least: float = 0.5) -> None:
        """`read`: wordings read word by word for each run of pieces; `least`: the score below which a code is no
        candidate."""
        self.lookup = lookup
        self._read = read
        self._least = least
        self._lock = threading.Lock()

    def line(self, text: str, limit: int) -> list[Glimpse]:
        """See `lines`."""
        (found,) = self.lines([(text, limit)])
        return found

    def lines(self, lines: Sequence[tuple[str, int]]) -> list[list[Glimpse]]:
        """Of each text at most that many codes, each once with the shortest words that led to its best score: the
        best code of each words, the surest first, then the second best of each. Many texts at once cost less than
        one after another."""
        parts = [[list(_pieces(text, *place)) for place in _parts(text)] for text, _ in lines]
        with self._lock:
            pieces = self._pieces(
                (text, start, end)
                for (text, _), of_text in zip(lines, parts, strict=True)
                for of_part in of_text
                for start, end in of_part
            )
            return [
                self._line([[next(pieces) for _ in of_part] for of_part in of_text], limit)
                for (_, limit), of_text in zip(lines, parts, strict=True)
            ]

    def _line(self, parts: Iterable[Sequence[_Piece]], limit: int) -> list[Glimpse]:
        best: dict[str, Glimpse] = {}
        for pieces in parts:
            for found in self._part(pieces, limit):
                known = best.get(found.code)
                if known is None or _order(found) < _order(known):
                    best[found.code] = found
        return _in_turn(best.values())[:limit]

    def _part(self, pieces: Sequence[_Piece], limit: int) -> Iterator[Glimpse]:
        for first in range(len(pieces)):
            slots: list[Slot] = []
            for last in range(first, min(first + _LONGEST_RUN, len(pieces))):
                slots += pieces[last].slots
                if len(slots) > _MOST_WORDS and last > first:
                    break
                # A run is worth weighing where both its ends say something, and one of them something of its own.
                ends = (pieces[first], pieces[last])
                if all(piece.slots for piece in ends) and any(piece.telling for piece in ends):
                    yield from self._run(slots, pieces[first].start, pieces[last].end, limit)

    def _run(self, slots: list[Slot], start: int, end: int, limit: int) -> Iterator[Glimpse]:
        nodes = self.lookup.index.nodes
        for found in self.lookup.ranker.glance(_once(slots), limit, self._read):
            if found.score >= self._least:
                node = nodes[found.place]
                yield Glimpse(node.code, node.title, round(found.score, 4), start, end)

    def _pieces(self, places: Iterable[tuple[str, int, int]]) -> Iterator[_Piece]:
        """All are read before the first is given."""
        spans: list[tuple[int, int]] = []
        said: list[str] = []
        for text, start, end in places:
            words = text[start:end]
            names = _WORD.search(words) and sum(map(str.isdigit, words)) <= sum(map(str.isalpha, words))
            spans.append((start, end))
            said.append(self.lookup.lay.read(words).text if names else "")
        read = self.lookup.ranker.reader.read_all(said)
        for (start, end), all_slots in zip(spans, read, strict=True):
            slots = tuple(slot for slot in all_slots if slot.weight)
            yield _Piece(start, end, slots, any(self._tells(slot) for slot in slots))

    def _tells(self, slot: Slot) -> bool:
        postings = self.lookup.index.postings
        return not slot.typed.isdigit() and any(
            one.sureness >= _SURE and min(len(postings[word]) for word in one.words) <= _COMMON
            for one in slot.alternatives
            if one.words
        )


def _in_turn(found: Iterable[Glimpse]) -> list[Glimpse]:
    counts: Counter[tuple[int, int]] = Counter()
    ranked: list[Glimpse] = []
    for one in sorted(found, key=lambda one: (-one.score, one.col_start, one.code)):
        words = one.col_start, one.col_end
        ranked.append(replace(one, rank=counts[words]))
        counts[words] += 1
    return sorted(ranked, key=lambda one: one.rank)


def _order(glimpse: Glimpse) -> tuple[float, int, int]:
    return -glimpse.score, glimpse.col_end - glimpse.col_start, glimpse.col_start


def _once(slots: list[Slot]) -> list[Slot]:
    return list({slot.typed: slot for slot in slots}.values())


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """The line, or a very long one in parts that end between words."""
    start = 0
    while len(text) - start > _LONGEST_LINE:
        space = text.rfind(" ", start + 1, start + _LONGEST_LINE)
        end = space if space > start else start + _LONGEST_LINE
        yield start, end
        start = end
    yield start, len(text)


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    bullet = _BULLET.match(text, start, end)
    at = bullet.end() if bullet else start
    for cut in _CUT.finditer(text, at, end):
        if cut.start() > at:
            yield _trimmed(text, at, cut.start())
        at = cut.end()
    if at < end:
        yield _trimmed(text, at, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
