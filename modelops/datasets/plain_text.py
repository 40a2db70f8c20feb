"""A line as it reads, for rules that look for words: without characters that nobody sees, with one kind of blank and
dash, letters in one piece and of one width. Every place in it leads back to the line as it stands."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d")
_BLANK_FIRST = re.compile(r"(?<! ) {2}(?! )")
# Zero-width signs, soft hyphens, marks of direction; signs of control that some systems leave behind.
_UNSEEN = ("Cf", "Cc")


@dataclass(frozen=True, slots=True)
class PlainText:
    """`text` and, for each of its characters and its end, where that begins in the line as it stands."""

    text: str
    _starts: tuple[int, ...] | None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Of a part of `text` that is not empty: where it stands in the line, with what nobody sees between."""
        if self._starts is None:
            return start, end
        return self._starts[start], self._starts[end]


def plain(line: str) -> PlainText:
    if line.isascii() and "  " not in line and line.isprintable():
        return PlainText(line, None)
    made: list[str] = []
    starts: list[int] = []
    for at, character in enumerate(line):
        if character in "\n\t":
            made.append(character)
        elif unicodedata.category(character) in _UNSEEN:
            continue
        elif unicodedata.combining(character) and made and made[-1].isalpha():
            joined = unicodedata.normalize("NFC", made[-1] + character)
            # A mark that no letter has in one piece changes nothing for who reads the name.
            made[-1] = joined if len(joined) == 1 else made[-1]
            continue
        elif character.isspace():
            made.append(" ")
        elif character in _DASHES:
            made.append("-")
        else:
            narrow = unicodedata.normalize("NFKC", character)
            made.append(narrow if len(narrow) == 1 and "\uff00" <= character <= "\uffef" else character)
        starts.append(at)
    # Two blanks are one; more are a gap between columns.
    text = "".join(made)
    twice = {match.start() + 1 for match in _BLANK_FIRST.finditer(text)}
    kept = [at for at in range(len(text)) if at not in twice]
    return PlainText("".join(text[at] for at in kept), (*(starts[at] for at in kept), len(line)))


def without_marks(word: str) -> str:
    """As hands without the right keys write it: Pena for Peña."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
