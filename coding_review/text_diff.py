"""The difference between two texts, by line, with the line numbers of both sides.

Lines that stand exactly once on both sides anchor the comparison (patience diff); difflib compares what
lies between two anchors. So 20,000 lines take well under a second even where difflib alone would need
minutes (many equal lines, or everything shuffled).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# Above this product of lengths a gap without anchors is shown as replaced as a whole.
MAX_GAP = 1_000_000
CONTEXT_LINES = 3

Kind = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Block:
    """Equal (`same`) or different stretches: old[old_start:old_end] against new[new_start:new_end], from 0."""

    same: bool
    old_start: int
    old_end: int
    new_start: int
    new_end: int


@dataclass(frozen=True, slots=True)
class DiffLine:
    """Numbers count from 1; None on the side that does not have the line."""

    kind: Kind
    old_number: int | None
    new_number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Hunk:
    """Changed lines with a few unchanged around them; `skipped` unchanged lines lie before it."""

    skipped: int
    lines: tuple[DiffLine, ...]


def blocks(old: Sequence[str], new: Sequence[str]) -> list[Block]:
    """Stretches in order, equal and different ones alternating, together covering both texts."""
    pairs = sorted(_equal_runs(old, new))
    found: list[Block] = []
    i = j = 0
    for old_start, new_start, size in _joined(pairs):
        if i < old_start or j < new_start:
            found.append(Block(False, i, old_start, j, new_start))
        found.append(Block(True, old_start, old_start + size, new_start, new_start + size))
        i, j = old_start + size, new_start + size
    if i < len(old) or j < len(new):
        found.append(Block(False, i, len(old), j, len(new)))
    return found


def hunks(old: Sequence[str], new: Sequence[str], context: int = CONTEXT_LINES) -> list[Hunk]:
    """What a page shows: removed lines before added ones. No difference: an empty list."""
    found: list[Hunk] = []
    lines: list[DiffLine] = []
    skipped = 0
    all_blocks = blocks(old, new)
    for index, block in enumerate(all_blocks):
        if not block.same:
            lines += [DiffLine("removed", i + 1, None, old[i]) for i in range(block.old_start, block.old_end)]
            lines += [DiffLine("added", None, j + 1, new[j]) for j in range(block.new_start, block.new_end)]
            continue
        size = block.old_end - block.old_start
        after = context if index > 0 else 0
        before = context if index < len(all_blocks) - 1 else 0
        if size <= after + before:
            lines += _same(old, block, 0, size)
            continue
        lines += _same(old, block, 0, after)
        if lines:
            found.append(Hunk(skipped, tuple(lines)))
        skipped = size - after - before
        lines = _same(old, block, size - before, size)
    if any(line.kind != "same" for line in lines):
        found.append(Hunk(skipped, tuple(lines)))
    return found


def _same(old: Sequence[str], block: Block, start: int, end: int) -> list[DiffLine]:
    return [
        DiffLine("same", block.old_start + k + 1, block.new_start + k + 1, old[block.old_start + k])
        for k in range(start, end)
    ]


def _joined(runs: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Runs that touch on both sides as one."""
    current: tuple[int, int, int] | None = None
    for i, j, size in runs:
        if current is not None and current[0] + current[2] == i and current[1] + current[2] == j:
            current = (current[0], current[1], current[2] + size)
            continue
        if current is not None:
            yield current
        current = (i, j, size)
    if current is not None:
        yield current


def _equal_runs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """(old start, new start, length) of equal runs, in no order; a stack instead of recursion."""
    stack = [(0, len(old), 0, len(new))]
    while stack:
        i1, i2, j1, j2 = stack.pop()
        head = 0
        while i1 + head < i2 and j1 + head < j2 and old[i1 + head] == new[j1 + head]:
            head += 1
        if head:
            yield i1, j1, head
            i1, j1 = i1 + head, j1 + head
        tail = 0
        while i1 < i2 - tail and j1 < j2 - tail and old[i2 - tail - 1] == new[j2 - tail - 1]:
            tail += 1
        if tail:
            i2, j2 = i2 - tail, j2 - tail
            yield i2, j2, tail
        if i1 == i2 or j1 == j2:
            continue
        anchors = _anchors(old, new, i1, i2, j1, j2)
        if not anchors:
            yield from _by_difflib(old, new, i1, i2, j1, j2)
            continue
        for i, j in anchors:
            stack.append((i1, i, j1, j))
            yield i, j, 1
            i1, j1 = i + 1, j + 1
        stack.append((i1, i2, j1, j2))


def _by_difflib(
    old: Sequence[str], new: Sequence[str], i1: int, i2: int, j1: int, j2: int
) -> Iterator[tuple[int, int, int]]:
    if (i2 - i1) * (j2 - j1) > MAX_GAP:
        return
    matcher = SequenceMatcher(None, old[i1:i2], new[j1:j2], autojunk=False)
    for match in matcher.get_matching_blocks():
        if match.size:
            yield i1 + match.a, j1 + match.b, match.size


def _anchors(
    old: Sequence[str], new: Sequence[str], i1: int, i2: int, j1: int, j2: int
) -> list[tuple[int, int]]:
    """Lines unique on both sides, as the longest series that rises on both."""
    old_count, new_count = Counter(old[i1:i2]), Counter(new[j1:j2])
    places = {new[j]: j for j in range(j1, j2) if new_count[new[j]] == 1}
    candidates = [(i, places[old[i]]) for i in range(i1, i2) if old_count[old[i]] == 1 and old[i] in places]
    tops: list[int] = []
    top_index: list[int] = []
    previous: list[int] = []
    for index, (_, j) in enumerate(candidates):
        pile = bisect_left(tops, j)
        previous.append(top_index[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(j)
            top_index.append(index)
        else:
            tops[pile] = j
            top_index[pile] = index
    series: list[tuple[int, int]] = []
    index = top_index[-1] if top_index else -1
    while index >= 0:
        series.append(candidates[index])
        index = previous[index]
    return series[::-1]
