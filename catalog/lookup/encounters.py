"""Of codes that differ by their 7th character alone, the one that words leave open to: the initial encounter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from catalog.lookup.index import Index
from catalog.lookup.rank import Found

_INITIAL = "A"
# With its dot, a code of seven characters.
_LENGTH = 8


def initial_first(index: Index, found: Sequence[Found], typed: Iterable[int]) -> list[Found]:
    """`found` with the code of the initial encounter before those it shares six characters with, where no typed word
    tells them apart; everything else keeps its place. The scores stay with the places. `typed`: what the typed words
    were read as.

    The words of a sequela are fewer than those of an initial encounter, so that it would stand first by what nobody
    said.
    """
    families: dict[str, list[int]] = {}
    for at, one in enumerate(found):
        code = index.nodes[one.place].code
        if len(code) == _LENGTH and not one.exact:
            families.setdefault(code[:-1], []).append(at)
    ordered = list(found)
    read = frozenset(typed)
    for places in families.values():
        codes = [index.nodes[found[at].place].code for at in places]
        initial = next((at for at, code in zip(places, codes, strict=True) if code[-1] == _INITIAL), None)
        if initial in (None, places[0]) or _told(index, [found[at] for at in places], read):
            continue
        scores = [found[at].score for at in places]
        family = [found[initial], *(found[at] for at in places if at != initial)]
        for at, one, score in zip(places, family, scores, strict=True):
            ordered[at] = one.at(score)
    return ordered


def _told(index: Index, family: Sequence[Found], read: frozenset[int]) -> bool:
    """Whether a typed word stands in the title of some of them and not of all."""
    titles = [frozenset(index.document_words[one.place]) for one in family]
    telling = frozenset[int]().union(*titles) - frozenset.intersection(*titles)
    return not telling.isdisjoint(read.union(*(one.said for one in family)))
