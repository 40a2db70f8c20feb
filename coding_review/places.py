"""Places in a document: UTF-16 selections of a browser against code points, quotes against text.

Pure functions over lines. Columns are code points from 0, the end exclusive; lines count from 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from coding_review.errors import InvalidEvidence


@dataclass(frozen=True, slots=True)
class Place:
    line_start: int
    line_end: int
    col_start: int
    col_end: int


def quote_at(lines: list[str], place: Place) -> str:
    """The text at a place, lines joined by a line feed. Raises InvalidEvidence where there is no such place."""
    first, last = place.line_start, place.line_end
    if not 1 <= first <= last <= len(lines):
        raise InvalidEvidence(f"The document has no lines {first} to {last}; it has {len(lines)}.")
    if not 0 <= place.col_start <= len(lines[first - 1]) or not 0 <= place.col_end <= len(lines[last - 1]):
        raise InvalidEvidence(f"The columns lie outside lines {first} to {last}.")
    if first == last:
        return lines[first - 1][place.col_start : place.col_end]
    middle = lines[first : last - 1]
    return "\n".join([lines[first - 1][place.col_start :], *middle, lines[last - 1][: place.col_end]])


def code_point_column(line: str, utf16_column: int) -> int:
    """How many code points precede a UTF-16 column. Raises InvalidEvidence inside a surrogate pair or outside."""
    units = 0
    for index, character in enumerate(line):
        if units == utf16_column:
            return index
        units += 2 if ord(character) > 0xFFFF else 1
    if units == utf16_column:
        return len(line)
    raise InvalidEvidence("A column of the selection lies outside its line or inside a character.")


def utf16_column(line: str, column: int) -> int:
    return sum(2 if ord(character) > 0xFFFF else 1 for character in line[:column])


def place_of_selection(
    lines: list[str], *, line_start: int, line_end: int, utf16_start: int, utf16_end: int, selected: str
) -> Place:
    """A browser's selection as a place; white space at its ends is trimmed.

    Raises InvalidEvidence when the text at the place is not what was selected: then the page showed
    another version, and nothing may be saved under it.
    """
    if not 1 <= line_start <= line_end <= len(lines):
        raise InvalidEvidence(f"The document has no lines {line_start} to {line_end}; it has {len(lines)}.")
    place = Place(
        line_start,
        line_end,
        code_point_column(lines[line_start - 1], utf16_start),
        code_point_column(lines[line_end - 1], utf16_end),
    )
    quote = quote_at(lines, place)
    if _flat(quote) != _flat(selected):
        raise InvalidEvidence(
            "The selected text does not match the document. Reload the page and select again."
        )
    return trimmed(lines, place)


def whole_lines(lines: list[str], line_start: int, line_end: int) -> Place:
    """Lines chosen by keyboard, without white space at the ends."""
    if not 1 <= line_start <= line_end <= len(lines):
        raise InvalidEvidence(f"The document has no lines {line_start} to {line_end}; it has {len(lines)}.")
    return trimmed(lines, Place(line_start, line_end, 0, len(lines[line_end - 1])))


def trimmed(lines: list[str], place: Place) -> Place:
    """The same place without white space at its ends. Raises InvalidEvidence when nothing is left."""
    first, last, start, end = place.line_start, place.line_end, place.col_start, place.col_end
    while first < last and not lines[first - 1][start:].strip():
        first, start = first + 1, 0
    while first < last and not lines[last - 1][:end].strip():
        last, end = last - 1, len(lines[last - 2])
    head = lines[first - 1][start : end if first == last else None]
    start += len(head) - len(head.lstrip())
    tail = lines[last - 1][start if first == last else 0 : end]
    end -= len(tail) - len(tail.rstrip())
    if first == last and start >= end:
        raise InvalidEvidence("Nothing but white space is selected.")
    return Place(first, last, start, end)


def _flat(text: str) -> str:
    """A browser may give line ends and tabs of a selection its own way."""
    return " ".join(text.split())
