"""Other names as queries: inclusion terms and index entries that neither the index nor the embedding knows.

Every wording of one code in five is left out of an index made for this, and the vectors beside it are of the same
wordings. The answer can only be found by its title. Pure.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from catalog.embedding.split import is_held_out
from catalog.embedding.static import Vectors
from catalog.lookup.answer import Lookup
from catalog.lookup.benchmark.peers import Finder
from catalog.lookup.benchmark.variants import Case
from catalog.lookup.index import Index

_NEAREST = 80
_CODES = 20
_AT_ONCE = 4096
Encode = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class UnknownTerms:
    """`cases` by the source of the term ("" is an inclusion term), and who is asked for them."""

    cases: dict[str, list[Case]]
    finders: dict[str, Finder]


def unknown_terms(index: Index, encode: Encode, count: int) -> UnknownTerms:
    nodes = index.nodes
    known = [term for term in index.terms if not is_held_out(nodes[term.place].code)]
    asked: dict[str, list[Case]] = {}
    for term in index.terms:
        node = nodes[term.place]
        if node.billable and is_held_out(node.code) and term.text != node.title:
            asked.setdefault(term.source, []).append(Case(term.text, (node.code,)))
    chance = random.Random(len(nodes))  # noqa: S311  a sample, nothing secret
    cases = {source: chance.sample(found, min(count, len(found))) for source, found in sorted(asked.items())}
    smaller = Index(nodes, known)
    near = _Exactly(smaller, encode)
    words, both = Lookup(smaller), Lookup(smaller, near)

    def nearest(text: str) -> list[str]:
        codes = (nodes[place].code for place, _ in near(text) if nodes[place].billable)
        return list(dict.fromkeys(codes))[:_CODES]

    return UnknownTerms(
        cases,
        {
            "lookup": lambda text: [answer.code for answer in both.find(text, _CODES)],
            "lookup, words alone": lambda text: [answer.code for answer in words.find(text, _CODES)],
            "plain vector search": nearest,
        },
    )


class _Exactly:
    """What is near to a text, each wording compared: no database, no index that may miss one."""

    def __init__(self, index: Index, encode: Encode) -> None:
        self._encode = encode
        self._places = np.array(index.places, dtype=np.intp)
        texts = [index.text_of(document) for document in range(index.size)]
        self._vectors = np.vstack(
            [encode(texts[at : at + _AT_ONCE]) for at in range(0, len(texts), _AT_ONCE)]
        )

    def __call__(self, text: str) -> list[tuple[int, float]]:
        likeness = self._vectors @ self._encode([text])[0]
        best = np.argpartition(-likeness, min(_NEAREST, len(likeness) - 1))[:_NEAREST]
        best = best[np.argsort(-likeness[best])]
        return [(int(self._places[at]), float(likeness[at])) for at in best]
