"""Parts of a line that were found to be something, none of which meets another."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """Places of the line as it stands; `text`: what stands there, as it reads."""

    start: int
    end: int
    kind: str
    text: str = field(default="", repr=False)


class Taken:
    """From left to right. Who comes first stays: a later one that meets it is not taken."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        # Beside the spans, since a line of a megabyte holds a hundred thousand of them.
        self._starts: list[int] = []

    def __iter__(self) -> Iterator[Span]:
        return iter(self._spans)

    def take(self, span: Span) -> None:
        """None that is empty."""
        if span.start < span.end and not self.meets(span.start, span.end):
            at = bisect_left(self._starts, span.start)
            self._spans.insert(at, span)
            self._starts.insert(at, span.start)

    def meets(self, start: int, end: int) -> bool:
        # Of those that begin before the end the last one ends last.
        at = bisect_left(self._starts, end)
        return at > 0 and self._spans[at - 1].end > start

    def beside(self, start: int, end: int, *, within: int) -> Iterator[Span]:
        """Those that end or begin so few characters from a part that meets none."""
        at = bisect_left(self._starts, start)
        before = at - 1
        while before >= 0 and start - self._spans[before].end <= within:
            yield self._spans[before]
            before -= 1
        while at < len(self._spans) and self._starts[at] - end <= within:
            yield self._spans[at]
            at += 1
