"""The index of one release: every wording of every code, by its words.

Pure: made from `Node` and `Term` rows, knows nothing of where they come from. About 75,000 titles and 25,000
terms take some 80 MB.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from catalog.lookup.cut import asides, forms, hyphened, sentence_key, without_asides

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]

# What a word weighs: this much for being a word, and more the fewer wordings have it.
_BASE = 1.0
_RARITY = 0.35
# What a word in brackets weighs, against one outside, when it was not said.
ASIDE = 0.15


@dataclass(frozen=True, slots=True)
class Node:
    """A code or header in published order; `last` is the place of its last descendant (its own if none)."""

    code: str
    title: str
    billable: bool
    last: int


@dataclass(frozen=True, slots=True)
class Term:
    """Another wording of the node at `place`: an inclusion term or an entry of an index (`source` names it)."""

    place: int
    text: str
    source: str = ""


class Index:
    """`documents` are wordings, titles first (document n < len(nodes) is the title of node n)."""

    def __init__(self, nodes: Sequence[Node], terms: Iterable[Term]) -> None:
        self.nodes = nodes
        self.terms = [term for term in terms if forms(term.text)]
        self.places = array("i", [*range(len(nodes)), *(term.place for term in self.terms)])
        self.vocabulary: dict[str, int] = {}
        self.words: list[str] = []
        postings: dict[int, array[int]] = defaultdict(lambda: array("i"))
        self.document_words: list[array[int]] = []
        # Of some wordings: the words that need not be said.
        self.asides: dict[int, frozenset[int]] = {}
        self.exact: dict[str, int] = {}
        # "bathtub" → the two words of "bath-tub".
        self.compounds: dict[str, tuple[str, str]] = {}
        for document, text in enumerate(self._texts()):
            ids = array("i", [self._number(word) for word in forms(text)])
            self.document_words.append(ids)
            for word in set(ids):
                postings[word].append(document)
            self._note_exact(sentence_key(text), document)
            aside = asides(text)
            if aside:
                outside = set(forms(without_asides(text)))
                self.asides[document] = frozenset(
                    self.vocabulary[word] for word in aside if word not in outside
                )
            if "-" in text:
                self.compounds.update((first + second, (first, second)) for first, second in hyphened(text))
        self.size = len(self.document_words)
        self.postings: list[Ints] = [
            np.frombuffer(postings[word], dtype=np.int32) for word in range(len(self.words))
        ]
        self.weights: list[float] = [_BASE + _RARITY * log(self.size / len(found)) for found in self.postings]
        self.totals: Floats = np.array(
            [self._total(document) for document in range(self.size)], dtype=np.float32
        )
        # The same with every word at its full weight: what a text is cut into conditions by.
        self.full_totals: Floats = np.array(
            [sum(self.weights[word] for word in set(ids)) for ids in self.document_words], dtype=np.float32
        )
        self.billable = np.array([nodes[place].billable for place in self.places], dtype=bool)

    def _total(self, document: int) -> float:
        aside = self.asides.get(document, frozenset())
        return sum(
            self.weights[word] * (ASIDE if word in aside else 1.0)
            for word in set(self.document_words[document])
        )

    def _texts(self) -> Iterable[str]:
        yield from (node.title for node in self.nodes)
        yield from (term.text for term in self.terms)

    def _number(self, word: str) -> int:
        number = self.vocabulary.setdefault(word, len(self.words))
        if number == len(self.words):
            self.words.append(word)
        return number

    def _note_exact(self, key: str, document: int) -> None:
        """A code's title before a header's, a header's before a term."""
        known = self.exact.get(key)
        if known is None or (
            document < len(self.nodes)
            and self.nodes[document].billable
            and not self.nodes[self.places[known]].billable
        ):
            self.exact[key] = document

    def text_of(self, document: int) -> str:
        if document < len(self.nodes):
            return self.nodes[document].title
        return self.terms[document - len(self.nodes)].text
