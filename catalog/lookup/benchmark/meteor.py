"""METEOR of two titles: with synonyms where nltk and Debian's wordnet-base are at hand, else by words and stems."""

from __future__ import annotations

import importlib
import io
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from catalog.lookup.cut import forms
from catalog.lookup.slots import stem

# Where Debian's package wordnet-base puts its files.
WORDNET = Path("/usr/share/wordnet")
# WordNet 3.0 has 45 lexicographer files.
_LEXNAMES = "".join(f"{number:02} file{number:02} 0\n" for number in range(45))


class Meteor(NamedTuple):
    """`name` says which of the two it is; `score` takes what came and what was wanted."""

    name: str
    score: Callable[[str, str], float]


def best_meteor(wordnet: Path = WORDNET) -> Meteor:
    if not (wordnet / "data.noun").is_file():
        return Meteor("meteor by exact words and stems, without synonyms", by_words_and_stems)
    try:
        scores = importlib.import_module("nltk.translate.meteor_score")
        readers = importlib.import_module("nltk.corpus.reader.wordnet")
        data = importlib.import_module("nltk.data")
    except ImportError:
        return Meteor("meteor by exact words and stems, without synonyms", by_words_and_stems)
    # It reads below the folders of this list only.
    data.path.append(str(wordnet))
    plain = readers.WordNetCorpusReader

    def opened(reader: Any, name: str) -> Any:
        # Debian leaves this table out, of which synonyms need nothing but that its lines are there.
        return io.StringIO(_LEXNAMES) if name == "lexnames" else plain.open(reader, name)

    with warnings.catch_warnings():
        # It misses other languages and other versions, which nothing here asks for.
        warnings.simplefilter("ignore")
        own = {"open": opened, "map_wn": _no_other_version}
        words = type("DebiansWordNet", (plain,), own)(str(wordnet), None)

    def score(candidate: str, reference: str) -> float:
        left, right = forms(candidate), forms(reference)
        return float(scores.meteor_score([right], left, wordnet=words)) if left and right else 0.0

    return Meteor("meteor by nltk, with synonyms of WordNet", score)


def _no_other_version(reader: Any, version: str = "") -> None:
    return None


def by_words_and_stems(candidate: str, reference: str) -> float:
    """Harmonic mean (recall nine times precision) of matched words, less up to half for a broken order."""
    left, right = forms(candidate), forms(reference)
    matches: list[int] = []
    free = dict(enumerate(right))
    for word in left:
        at = next((place for place, other in free.items() if other == word), None)
        if at is None:
            at = next((place for place, other in free.items() if stem(other) == stem(word)), None)
        if at is not None:
            matches.append(at)
            del free[at]
    if not matches:
        return 0.0
    precision, recall = len(matches) / len(left), len(matches) / len(right)
    mean = 10 * precision * recall / (recall + 9 * precision)
    chunks = 1 + sum(after != before + 1 for before, after in pairwise(matches))
    return mean * (1 - 0.5 * (chunks / len(matches)) ** 3) if chunks > 1 else mean
