"""Text in the making: pieces set into lines, and on which lines the words of each code came to stand."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

Piece = tuple[str, Hashable | None]


class Page:
    """Lines from 1; `marks` holds the lines of each key."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.marks: dict[Hashable, set[int]] = {}

    def blank(self) -> None:
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def write(self, pieces: Sequence[Piece], *, first: str = "", hang: str = "", width: int = 0) -> None:
        """Set the pieces behind `first`, cut at spaces so that no line is longer than `width` (0: one line)."""
        text = first + "".join(piece for piece, _ in pieces)
        ends = [len(text)] if not width or len(text) <= width else _cuts(text, width, len(hang))
        number, begin = len(self.lines) + 1, 0
        spans = _spans(pieces, len(first))
        for end in ends:
            line = text[begin:end].strip() if begin else text[begin:end].rstrip()
            self.lines.append(f"{hang}{line}" if begin else line)
            for start, stop, key in spans:
                if start < end and stop > begin and text[max(start, begin) : min(stop, end)].strip():
                    self.marks.setdefault(key, set()).add(number)
            number, begin = number + 1, end

    def text(self) -> str:
        while self.lines and not self.lines[-1]:
            self.lines.pop()
        return "\n".join(self.lines)


def _spans(pieces: Sequence[Piece], at: int) -> list[tuple[int, int, Hashable]]:
    spans: list[tuple[int, int, Hashable]] = []
    for piece, key in pieces:
        if key is not None:
            spans.append((at, at + len(piece), key))
        at += len(piece)
    return spans


def _cuts(text: str, width: int, hang: int) -> list[int]:
    ends: list[int] = []
    begin, room = 0, width
    while len(text) - begin > room:
        cut = text.rfind(" ", begin + 1, begin + room + 1)
        if cut <= begin:
            cut = text.find(" ", begin + room)
            if cut < 0:
                break
        ends.append(cut)
        begin, room = cut, max(20, width - hang)
    return [*ends, len(text)]
