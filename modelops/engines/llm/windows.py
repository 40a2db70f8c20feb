"""A chart cut into windows that a model's context holds: by the server's own token count, at section borders,
overlapping, and with every line in at least one. Pure but for the count that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from modelops.engines.embedded.lexicon import headings
from modelops.engines.embedded.sections import Sections
from modelops.engines.llm.numbered import NumberedLine, Piece, whole, write_out
from modelops.engines.types import ChartDocument
from modelops.errors import ContextTooLong

# Below this a window holds no sentence: the prompt itself is too long for the server.
SMALLEST = 48
# Parts of a line that is too long share this many code points, so that no term is cut in both.
_SHARED = 60
# Code points before the cut that the second half of a window repeats, where the first half is long enough.
_REPEATED = 240
# Code points of a line that may well name more conditions than an answer may list.
_LONG_LINE = 400
# What may stand before a line's own text, in bytes.
_HEADING_AND_NUMBER = 300
# How far back from the end a border is looked for.
_BACK = 1 / 3


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces in the order of the chart; the numbers of its first and last line bound what may be cited."""

    pieces: tuple[Piece, ...]

    @property
    def first(self) -> int:
        return self.pieces[0].line.number

    @property
    def last(self) -> int:
        return self.pieces[-1].line.number

    @property
    def lines(self) -> tuple[NumberedLine, ...]:
        """Whole lines, each once."""
        return tuple(dict.fromkeys(piece.line for piece in self.pieces))

    @property
    def has_text(self) -> bool:
        return any(piece.text.strip() for piece in self.pieces)

    @property
    def is_divisible(self) -> bool:
        """Whether halves of it can hold less than the whole does: several lines, or a long one."""
        return len(self.pieces) > 1 or len(self.pieces[0].text) > _LONG_LINE

    def holds(self, number: int) -> bool:
        return self.first <= number <= self.last

    def halves(self) -> tuple[Window, ...]:
        """Two windows that together hold the same, or none where it cannot be divided; a lone line is divided by
        code points. The second begins with the end of the first, up to 240 code points and at most half of it, so
        that no term on the cut is in neither."""
        if len(self.pieces) > 1:
            middle = _middle([len(piece.text) + 1 for piece in self.pieces])
            first, second = self.pieces[:middle], self.pieces[middle:]
            return Window(first), Window((*_end(first), *second))
        piece = self.pieces[0]
        size = piece.col_end - piece.col_start
        if size < 2:
            return ()
        left, right = _divide(piece)
        return Window((left,)), Window((right,))


def cut_windows(
    lines: Sequence[NumberedLine],
    documents: Sequence[ChartDocument],
    *,
    budget: int,
    overlap: int,
    count: Callable[[str], int],
) -> list[Window]:
    """Windows of at most `budget` tokens each, about `overlap` of them shared with the window before.

    A tokenizer gives no more tokens than a text has bytes of UTF-8, so a chart that is short enough is not
    counted at all. Raises ContextTooLong where the budget holds nothing.
    """
    if not lines:
        return []
    if budget < SMALLEST:
        raise ContextTooLong("The prompt leaves no room for the chart in the model's context.")

    def size(pieces: Sequence[Piece]) -> int:
        return count(write_out(pieces, documents))

    pieces = whole(lines)
    text = write_out(pieces, documents)
    if _bytes(text) <= budget:
        return [Window(pieces)]
    tokens = count(text)
    if tokens <= budget:
        return [Window(pieces)]
    per_byte = max(tokens / max(_bytes(text), 1), 1e-6)
    divided = [part for piece in pieces for part in _fitting(piece, budget, per_byte, size)]
    return list(_cut(divided, documents, budget, overlap, per_byte, size))


def _cut(
    pieces: list[Piece],
    documents: Sequence[ChartDocument],
    budget: int,
    overlap: int,
    per_byte: float,
    size: Callable[[Sequence[Piece]], int],
) -> Iterator[Window]:
    # By estimate first; the count of what was cut decides.
    costs = [(_bytes(piece.text) + 6) * per_byte for piece in pieces]
    borders = _borders(pieces, documents)
    start = end = 0
    while end < len(pieces):
        reach = _reach(costs, start, budget)
        while reach > start + 1 and size(pieces[start:reach]) > budget:
            reach = start + max(1, int((reach - start) * 0.85))
        if reach <= end:
            # What is shared leaves no room for anything new.
            start = end
            continue
        if reach < len(pieces):
            reach = _at_border(borders, max(end, start + int((reach - start) * (1 - _BACK))), reach)
        yield Window(tuple(pieces[start:reach]))
        end = reach
        start = _back(costs, start, end, overlap)


def _reach(costs: Sequence[float], start: int, budget: int) -> int:
    total, end = 0.0, start
    while end < len(costs) and (total + costs[end] <= budget or end == start):
        total += costs[end]
        end += 1
    return end


def _back(costs: Sequence[float], start: int, end: int, overlap: int) -> int:
    """Where the next window begins: about `overlap` tokens before the end of this one, after its beginning."""
    total, first = 0.0, end
    while first - 1 > start and total + costs[first - 1] <= overlap:
        first -= 1
        total += costs[first]
    return first


def _at_border(borders: Sequence[int], lowest: int, reach: int) -> int:
    """The best place to cut in (lowest, reach]: the strongest border, the last of them; else reach."""
    best, strength = reach, 0
    for place in range(reach, lowest, -1):
        if borders[place] > strength:
            best, strength = place, borders[place]
    return best


def _borders(pieces: Sequence[Piece], documents: Sequence[ChartDocument]) -> list[int]:
    """How good it is to cut before each piece: 3 a document begins, 2 a section, 1 after a blank line, 0 within."""
    sections = {
        position: Sections(document.lines, headings()).borders for position, document in enumerate(documents)
    }
    found = []
    for before, piece in zip((None, *pieces), pieces, strict=False):
        if before is None or before.line.document != piece.line.document:
            found.append(3)
        elif piece.col_start:
            found.append(0)
        elif piece.line.line in sections[piece.line.document]:
            found.append(2)
        else:
            found.append(int(not before.text.strip()))
    return found


def _fitting(
    piece: Piece, budget: int, per_byte: float, size: Callable[[Sequence[Piece]], int]
) -> Iterator[Piece]:
    """The piece, or parts of it that each fit. Raises ContextTooLong where one character alone does not."""
    if (_bytes(piece.text) + _HEADING_AND_NUMBER) * per_byte <= budget / 2 or size([piece]) <= budget:
        yield piece
        return
    if piece.col_end - piece.col_start < 2:
        raise ContextTooLong("The prompt leaves no room for the chart in the model's context.")
    for part in _divide(piece):
        yield from _fitting(part, budget, per_byte, size)


def _divide(piece: Piece) -> tuple[Piece, Piece]:
    """Two parts that share some code points where they are long enough; cut at white space near the middle."""
    size = piece.col_end - piece.col_start
    middle = piece.col_start + size // 2
    space = piece.line.text.rfind(" ", middle - size // 8, middle)
    cut = space + 1 if space > piece.col_start else middle
    shared = min(_SHARED, size // 8)
    return (
        Piece(piece.line, piece.col_start, cut),
        Piece(piece.line, max(piece.col_start + 1, cut - shared), piece.col_end),
    )


def _end(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """The last words of the pieces that stand in the document they end in: at most _REPEATED code points and half of
    all there is. Never within a word, and nothing where the last word alone is longer."""
    room = min(_REPEATED, sum(len(piece.text) for piece in pieces) // 2)
    found: list[Piece] = []
    for piece in reversed(pieces):
        if piece.line.document != pieces[-1].line.document or room <= 0:
            break
        size = len(piece.text)
        if size <= room:
            found.append(piece)
            room -= size
            continue
        text, first = piece.line.text, piece.col_end - room
        while first < piece.col_end and not (text[first - 1].isspace() and not text[first].isspace()):
            first += 1
        if first < piece.col_end:
            found.append(Piece(piece.line, first, piece.col_end))
        break
    return tuple(reversed(found))


def _middle(sizes: Sequence[int]) -> int:
    total, half = 0, sum(sizes) / 2
    for index, size in enumerate(sizes, start=1):
        total += size
        if total >= half:
            return min(index, len(sizes) - 1)
    return len(sizes) - 1


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
