"""Cuts text into the pieces of a WordPiece vocabulary (BERT, lower case). Pure.

The rules are those of the `tokenizers` package for such a tokenizer.json; they are few enough that a package which
brings a client of a model hub along is not needed for them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final, Self

_WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
_LONGEST = 100
# Words whose pieces are kept; a catalog has some 20,000.
_KEPT: Final = 50_000


class WordPiece:
    """`vocabulary`: piece → row; a piece inside a word begins with "##"."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._vocabulary = vocabulary
        self._known: dict[str, tuple[int, ...]] = {}

    @classmethod
    def from_tokenizer(cls, tokenizer: Mapping[str, Any]) -> Self:
        """From the content of a tokenizer.json. Raises ValueError where it is of another kind."""
        model = tokenizer.get("model", {})
        if model.get("type") != "WordPiece" or model.get("continuing_subword_prefix", "##") != "##":
            raise ValueError("the tokenizer is not WordPiece")
        if not (tokenizer.get("normalizer") or {}).get("lowercase", False):
            raise ValueError("the tokenizer does not lower letters")
        return cls(model["vocab"])

    def ids(self, text: str) -> list[int]:
        """Rows of the text's pieces in order; a word that no pieces make up is left out."""
        found: list[int] = []
        for word in _WORD.findall(_plain(text)):
            ids = self._known.get(word)
            if ids is None:
                ids = self._cut(word)
                if len(self._known) < _KEPT:
                    self._known[word] = ids
            found += ids
        return found

    def _cut(self, word: str) -> tuple[int, ...]:
        """The longest piece that fits, again and again."""
        if len(word) > _LONGEST:
            return ()
        ids: list[int] = []
        start = 0
        while start < len(word):
            before = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._vocabulary.get(before + word[start:end])
                if number is not None:
                    break
            else:
                return ()
            ids.append(number)
            start = end
        return tuple(ids)


def _plain(text: str) -> str:
    """Lower case and without accents."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    decomposed = unicodedata.normalize("NFD", lowered)
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")
