"""A quote to the place where it stands, or to nothing: what a model says it read must be in what it was shown.

Looked for in the stated lines first, letter by letter, then with white space, case and typographic signs folded;
then elsewhere in the window, nearest to the stated lines. The Evidence carries the chart's own words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from modelops.engines.llm.numbered import NumberedLine
from modelops.engines.types import Evidence

# Classes of signs that stand for one another.
# The last two: what a prompt shows in place of "<" and "[" where they would begin a sign (numbered.py).
_ALIKE = ("'’‘‛`´", '"“”„‟', "-‐‑‒–—−", "<\u2039", "[\u2045")
_FOLDED = {sign: f"[{re.escape(signs)}]" for signs in _ALIKE for sign in signs}
# A number and bar copied from the prompt, and dots that say the quote goes on.
_COPIED = re.compile(r"^\s*\d{1,6}\|\s?")
_DOTS = re.compile(r"^\s*(?:…|\.{3})|(?:…|\.{3})\s*$")
# Shorter ones must be whole words wherever they stand: "MI" is in "family".
_WHOLE_WORD_BELOW = 5
_MOST_PLACES = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """`repaired`: it stands in other lines than those that were stated."""

    evidence: Evidence
    number: int
    repaired: bool


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    starts: tuple[int, ...]
    first: int
    document_id: str

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Offsets of the global lines `first` to `last`, both in this document."""
        end = (
            self.starts[last - self.first + 1] - 1
            if last - self.first + 1 < len(self.starts)
            else len(self.text)
        )
        return self.starts[first - self.first], end

    @property
    def last(self) -> int:
        return self.first + len(self.starts) - 1

    def number_at(self, offset: int) -> int:
        return self.first + bisect_right(self.starts, offset) - 1


class QuoteFinder:
    """Over the lines of one chart, whose numbers count from 1 without a gap."""

    def __init__(self, lines: Sequence[NumberedLine]) -> None:
        self._documents: list[_Document] = []
        self._of_line: list[int] = []
        by_document: dict[int, list[NumberedLine]] = {}
        for line in lines:
            by_document.setdefault(line.document, []).append(line)
        for position, them in enumerate(by_document.values()):
            starts, offset = [], 0
            for line in them:
                starts.append(offset)
                offset += len(line.text) + 1
            text = "\n".join(line.text for line in them)
            self._documents.append(_Document(text, tuple(starts), them[0].number, them[0].document_id))
            self._of_line.extend([position] * len(them))

    def find(self, quote: str, line_start: int, line_end: int, *, first: int, last: int) -> Found | None:
        """The quote in the window of lines `first` to `last`; None where it is nowhere or holds next to nothing."""
        words = _bare(quote)
        if sum(character.isalnum() for character in words) < 2:
            return None
        stated = self._stated(line_start, line_end, first, last)
        if stated is not None and (found := self._in_lines(words, *stated)) is not None:
            return Found(found[0], found[1], repaired=False)
        near = min(max(line_start, first), last)
        best: tuple[int, int, int] | None = None
        place: tuple[_Document, int, int] | None = None
        for document in self._documents:
            if document.last < first or document.first > last:
                continue
            low, high = max(first, document.first), min(last, document.last)
            for start, end in _places(words, document.text, *document.span(low, high), whole=True):
                number = document.number_at(start)
                key = (abs(number - near), number, start)
                if best is None or key < best:
                    best, place = key, (document, start, end)
        if place is None:
            return None
        evidence, number = _evidence(*place)
        inside = stated is not None and stated[0] <= number and self._last_line(place) <= stated[1]
        return Found(evidence, number, repaired=not inside)

    def _stated(self, line_start: int, line_end: int, first: int, last: int) -> tuple[int, int] | None:
        """The stated lines, as far as they are in the window and in one document."""
        if not first <= line_start <= last or line_end < line_start:
            return None
        document = self._documents[self._of_line[line_start - 1]]
        return line_start, min(line_end, last, document.last)

    def _in_lines(self, words: str, low: int, high: int) -> tuple[Evidence, int] | None:
        document = self._documents[self._of_line[low - 1]]
        start, end = document.span(low, high)
        whole = len(words) < _WHOLE_WORD_BELOW
        at = document.text.find(words, start, end)
        if at >= 0 and not (whole and _inside_word(document.text, at, at + len(words))):
            return _evidence(document, at, at + len(words))
        for place in _places(words, document.text, start, end, whole=whole):
            return _evidence(document, *place)
        return None

    @staticmethod
    def _last_line(place: tuple[_Document, int, int]) -> int:
        document, _, end = place
        return document.number_at(end - 1)


def _bare(quote: str) -> str:
    return _DOTS.sub("", _COPIED.sub("", quote)).strip()


def _places(words: str, text: str, start: int, end: int, *, whole: bool) -> Iterator[tuple[int, int]]:
    for count, match in enumerate(_pattern(words).finditer(text, start, end)):
        if count == _MOST_PLACES:
            return
        if not (whole and _inside_word(text, match.start(), match.end())):
            yield match.start(), match.end()


@lru_cache(maxsize=256)
def _pattern(words: str) -> re.Pattern[str]:
    """Letters in any case, any white space for white space, typographic signs for plain ones."""
    return re.compile(
        r"\s+".join("".join(_FOLDED.get(sign) or re.escape(sign) for sign in word) for word in words.split()),
        re.IGNORECASE,
    )


def _inside_word(text: str, start: int, end: int) -> bool:
    before = start > 0 and text[start - 1].isalnum() and text[start].isalnum()
    after = end < len(text) and text[end].isalnum() and text[end - 1].isalnum()
    return before or after


def _evidence(document: _Document, start: int, end: int) -> tuple[Evidence, int]:
    first, last = document.number_at(start), document.number_at(end - 1)
    evidence = Evidence(
        document_id=document.document_id,
        line_start=first - document.first + 1,
        line_end=last - document.first + 1,
        col_start=start - document.starts[first - document.first],
        col_end=end - document.starts[last - document.first],
        quote=document.text[start:end],
    )
    return evidence, first
