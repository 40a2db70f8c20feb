"""Where a quote of an old version stands in the new one. Pure: lines and places only."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Protocol

from coding_review.places import Place
from coding_review.text_diff import Block, blocks


class Quoted(Protocol):
    """Evidence, or anything else that has a place and the text there."""

    line_start: int
    line_end: int
    col_start: int
    col_end: int
    quote: str


class QuoteSearch:
    """One pair of versions; made once, asked for every quote."""

    def __init__(self, old: Sequence[str], new: Sequence[str]) -> None:
        self._old = old
        self._text = "\n".join(new)
        self._starts = [0, *accumulate(len(line) + 1 for line in new)][: len(new)]
        self._blocks = blocks(old, new)
        self._block_starts = [block.old_start for block in self._blocks]

    def find(self, quoted: Quoted) -> Place | None:
        """The same line where it is unchanged (it may have moved), else on the line with the same number,
        else the occurrence nearest to where the line would be now. None: the quote is gone.

        An occurrence inside a longer word is not the quote ("HF" in "HFpEF").
        """
        if place := self._unmoved(quoted):
            return place
        expected = self._expected_line(quoted.line_start)
        best: tuple[tuple[bool, int, int], Place] | None = None
        for offset in self._occurrences(quoted):
            place = self._place(offset, len(quoted.quote))
            rank = (
                place.line_start != quoted.line_start,
                abs(place.line_start - expected),
                abs(place.col_start - quoted.col_start),
            )
            if best is None or rank < best[0]:
                best = (rank, place)
        return best[1] if best else None

    def _block_at(self, line: int) -> Block | None:
        """The block with that old line (from 1); a block without old lines never has it."""
        index = bisect_right(self._block_starts, line - 1) - 1
        while index >= 0:
            block = self._blocks[index]
            if block.old_start <= line - 1 < block.old_end:
                return block
            if block.old_end <= line - 1 and block.old_start != block.old_end:
                return None
            index -= 1
        return None

    def _unmoved(self, quoted: Quoted) -> Place | None:
        block = self._block_at(quoted.line_start)
        if block is None or not block.same or quoted.line_end > block.old_end:
            return None
        shift = block.new_start - block.old_start
        return Place(quoted.line_start + shift, quoted.line_end + shift, quoted.col_start, quoted.col_end)

    def _expected_line(self, line: int) -> int:
        block = self._block_at(line)
        return line if block is None else line + block.new_start - block.old_start

    def _occurrences(self, quoted: Quoted) -> Iterator[int]:
        quote = quoted.quote
        if not quote:
            return
        open_start, open_end = self._inside_words(quoted)
        at = self._text.find(quote)
        while at >= 0:
            end = at + len(quote)
            cut_start = _joins(self._text[at - 1 : at], quote[0])
            cut_end = _joins(quote[-1], self._text[end : end + 1])
            if (open_start or not cut_start) and (open_end or not cut_end):
                yield at
            at = self._text.find(quote, at + 1)

    def _inside_words(self, quoted: Quoted) -> tuple[bool, bool]:
        """Whether the quote already began or ended inside a word where it was first taken."""
        if not 1 <= quoted.line_start <= quoted.line_end <= len(self._old):
            return False, False
        first, last = self._old[quoted.line_start - 1], self._old[quoted.line_end - 1]
        before = first[quoted.col_start - 1 : quoted.col_start] if quoted.col_start else ""
        return _joins(before, quoted.quote[0]), _joins(
            quoted.quote[-1], last[quoted.col_end : quoted.col_end + 1]
        )

    def _place(self, offset: int, length: int) -> Place:
        first = bisect_right(self._starts, offset) - 1
        last = bisect_right(self._starts, offset + length) - 1
        return Place(first + 1, last + 1, offset - self._starts[first], offset + length - self._starts[last])


def _joins(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum()
