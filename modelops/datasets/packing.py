"""Packs: several examples in one row of N tokens. Counted here to plan and to report; the trainer packs by the same
rule (best fit, longest first), so both come to the same number of packs."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

PACK_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class Packs:
    """`packs`: positions in the lengths that were given, longest first within a pack. `too_long`: what fits none."""

    size: int
    packs: tuple[tuple[int, ...], ...]
    too_long: tuple[int, ...]
    tokens: int
    longest: int

    @property
    def useful(self) -> float:
        """Share of the packs' tokens that belong to an example."""
        return self.tokens / (len(self.packs) * self.size) if self.packs else 0.0

    @property
    def useful_padded_to_longest(self) -> float:
        """The same without packing, each example a row as long as the longest."""
        count = sum(map(len, self.packs))
        return self.tokens / (count * self.longest) if count else 0.0

    @property
    def useful_unpacked(self) -> float:
        """The same without packing, each example a row of N tokens."""
        count = sum(map(len, self.packs))
        return self.tokens / (count * self.size) if count else 0.0


def pack(lengths: Sequence[int], size: int = PACK_TOKENS) -> Packs:
    """Longest first, each into the pack where the least room is left after it; a new pack where none has room.

    Nothing is cut: what is longer than a pack is named in `too_long`. Raises ValueError for a length below 1.
    """
    if size < 1 or any(length < 1 for length in lengths):
        raise ValueError("lengths and size are whole numbers from 1 on")
    order = sorted(range(len(lengths)), key=lambda at: (-lengths[at], at))
    packs: list[list[int]] = []
    # Room left and the pack's number, by room.
    room: list[tuple[int, int]] = []
    too_long: list[int] = []
    for at in order:
        length = lengths[at]
        if length > size:
            too_long.append(at)
            continue
        found = bisect_left(room, (length, -1))
        if found == len(room):
            packs.append([at])
            insort(room, (size - length, len(packs) - 1))
            continue
        left, number = room.pop(found)
        packs[number].append(at)
        insort(room, (left - length, number))
    kept = [lengths[at] for one in packs for at in one]
    return Packs(size, tuple(map(tuple, packs)), tuple(sorted(too_long)), sum(kept), max(kept, default=0))
