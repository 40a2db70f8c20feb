"""Other ways to look codes up, for comparison in the same run; bm25s is a development dependency."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from catalog.lookup.cut import forms

Finder = Callable[[str], list[str]]


def _grams(text: str) -> list[str]:
    found = forms(text)
    return found + [
        f"#{padded[at : at + 3]}" for word in found for padded in (f" {word} ",) for at in range(len(word))
    ]


def bm25_peers(titles: Sequence[tuple[str, str]]) -> dict[str, Finder]:
    """BM25 over the titles by words, and by words and character 3-grams; none where bm25s is not installed."""
    try:
        bm25s = importlib.import_module("bm25s")
    except ImportError:
        return {}
    return {
        "bm25s, words": _bm25(bm25s, titles, forms),
        "bm25s, words and 3-grams": _bm25(bm25s, titles, _grams),
    }


def _bm25(bm25s: Any, titles: Sequence[tuple[str, str]], cut: Callable[[str], list[str]]) -> Finder:
    # Untyped, as it may be absent: bm25_peers imports it by name.
    index = bm25s.BM25()
    index.index([cut(title) for _, title in titles], show_progress=False)
    codes = [code for code, _ in titles]

    def find(text: str) -> list[str]:
        found, _ = index.retrieve([cut(text)], k=10, show_progress=False)
        return [codes[place] for place in found[0]]

    return find
