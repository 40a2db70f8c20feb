"""A word or two that name many things: what says nothing but these, else the headers under which they stand. Pure.

"Fracture" is in the title of twenty thousand codes, and no code is meant by it; "pain" is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from catalog.lookup.cut import forms
from catalog.lookup.index import Index, Ints
from catalog.lookup.lexicon import SAME, SHORT, resolve

# Of more words than this, those that are found tell enough.
_MOST_WORDS = 2
_FEWEST_HEADERS = 5
_SHOWN = 12
# Said of an encounter or a side, they leave as open what it is.
_LEFT_OUT = frozenset(
    ("open", "closed", "initial", "subsequent", "sequela", "encounter", "right", "left", "bilateral")
)
_NOTHING_MORE = frozenset(("unspecified", "nos", "other", "encounter", "initial"))
# Of a category and of a subcategory, with its dot.
_LEVELS = (3, 5)


@dataclass(frozen=True, slots=True)
class Breadth:
    """Places of nodes. `plain`: what says the typed words and nothing else; `headers`: where no title does (a term may:
    "Fracture NOS" stands with T14.8), the first of the `count` headers that have the words."""

    plain: frozenset[int]
    headers: tuple[int, ...] = ()
    count: int = 0


def breadth(index: Index, text: str) -> Breadth | None:
    """None where the text is of many words, or of one that the release does not have."""
    typed = [part for word in forms(resolve(text)) for part in _meaning(word)]
    meant = [word for word in dict.fromkeys(typed) if word not in _LEFT_OUT]
    asked = {word for word in forms(resolve(text)) if not _LEFT_OUT.issuperset(_meaning(word))}
    if not 0 < len(asked) <= _MOST_WORDS:
        return None
    wanted = {index.vocabulary.get(word, -1) for word in meant}
    if -1 in wanted:
        return None
    having: Ints = reduce(np.intersect1d, (index.postings[word] for word in wanted))
    # What is said of the side or the encounter is not plain.
    documents = _plain(index, having, wanted) if len(meant) == len(set(typed)) else []
    plain = frozenset(index.places[document] for document in documents)
    if any(document < len(index.nodes) for document in documents):
        return Breadth(plain)
    titles = [document for document in having.tolist() if document < len(index.nodes)]
    for level in _LEVELS:
        found = [
            place
            for place in titles
            if len(index.nodes[place].code) == level and not index.nodes[place].billable
        ]
        if len(found) >= _FEWEST_HEADERS:
            found.sort(key=lambda place: (len(set(index.document_words[place])), place))
            return Breadth(plain, tuple(found[:_SHOWN]), len(found))
    return Breadth(plain) if plain else None


def _meaning(word: str) -> tuple[str, ...]:
    return (*SHORT.get(word, ()), *SAME.get(word, ()), (word,))[0]


def _plain(index: Index, documents: Ints, wanted: set[int]) -> list[int]:
    nothing_more = {index.vocabulary[word] for word in _NOTHING_MORE if word in index.vocabulary}
    room = sum(index.weights[word] for word in wanted | nothing_more)
    return [
        document
        for document in documents[index.totals[documents] <= room].tolist()
        if set(index.document_words[document]) - index.asides.get(document, frozenset()) - nothing_more
        <= wanted
    ]
