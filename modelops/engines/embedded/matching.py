"""Finding names of codes in one clause: the lexicon's phrases in order, the catalog's terms as sets of words.

Work is bounded by the clause: each word looks at the terms filed under it and at a window of its neighbours,
so a document costs time in proportion to its length.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelops.engines.embedded.lexicon import GAP_WORDS, Phrase, PhraseIndex, code_phrases
from modelops.engines.embedded.terms import Term, Vocabulary
from modelops.engines.embedded.tokens import STOP, Token, is_word

# How far from the rarest word of a term its other words may stand, in words.
REACH = 9
_LIST_SIGNS = frozenset({",", "/", "+", "&", "and", "•"})
_LOOSE_WORDS = 2
_BREAKS_A_GAP = frozenset({"no", "not", "without", "denies", "never", "but", "negative"})


@dataclass(frozen=True, slots=True)
class Found:
    """A name found at words `at` (places among the clause's words, ascending)."""

    code: str
    at: tuple[int, ...]
    source: str
    weight: str
    plain: int = 0
    slack: int = 0
    sex: str = ""
    trimester: str = ""


class Words:
    """The words of a clause without signs and stop words; `tokens[place]` is where each came from."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.all = tokens
        self.place: list[int] = []
        self.norms: list[str] = []
        self.segment: list[int] = []
        segment = 0
        for index, token in enumerate(tokens):
            if token.norm in _LIST_SIGNS:
                segment += 1
            if is_word(token.norm) and token.norm not in STOP:
                self.place.append(index)
                self.norms.append(token.norm)
                self.segment.append(segment)
        self.positions: dict[str, list[int]] = {}
        for at, norm in enumerate(self.norms):
            self.positions.setdefault(norm, []).append(at)


def find(words: Words, vocabulary: Vocabulary) -> list[Found]:
    """Names in the clause; where one lies within a longer one, only the longer stays."""
    return find_among(words, code_phrases(), vocabulary.by_rarest)


def find_among(words: Words, index: PhraseIndex, by_rarest: Mapping[str, tuple[Term, ...]]) -> list[Found]:
    """The same for any phrases and terms."""
    return _longest([*_phrases(words, index), *_terms(words, by_rarest)])


def _phrases(words: Words, index: PhraseIndex) -> list[Found]:
    found: list[Found] = []
    for at, norm in enumerate(words.norms):
        after = words.norms[at + 1] if at + 1 < len(words.norms) else ""
        for candidate in (
            *index.single.get(norm, ()),
            *index.pairs.get((norm, after), ()),
            *index.gapped.get(norm, ()),
        ):
            places = _in_order(words, at, candidate)
            if places is not None:
                slack = places[-1] - places[0] + 1 - len(places)
                found.append(Found(candidate.code, places, "lexicon", candidate.weight, slack=slack))
    return found


def _in_order(words: Words, at: int, candidate: Phrase) -> tuple[int, ...] | None:
    places = [at]
    for number in range(1, len(candidate.words)):
        reach = GAP_WORDS + 1 if number in candidate.gaps else 1
        wanted = candidate.words[number]
        last = places[-1]
        for place in range(last + 1, min(last + 1 + reach, len(words.norms))):
            if words.norms[place] == wanted:
                places.append(place)
                break
            if words.norms[place] in _BREAKS_A_GAP:
                return None
        else:
            return None
    return tuple(places)


def _terms(words: Words, by_rarest: Mapping[str, tuple[Term, ...]]) -> list[Found]:
    found: list[Found] = []
    for word, places in words.positions.items():
        filed = by_rarest.get(word)
        if filed is None:
            continue
        for at in places:
            low, high = max(0, at - REACH), min(len(words.norms), at + REACH + 1)
            near = set(words.norms[low:high])
            for term in filed:
                if len(term.words) <= len(near) and term.words <= near:
                    match = _nearest(words, at, term)
                    if match is not None:
                        found.append(match)
    return found


def _nearest(words: Words, at: int, term: Term) -> Found | None:
    places = sorted(_closest(words.positions[word], at) for word in term.words)
    span = places[-1] - places[0] + 1
    slack = span - len(places)
    if slack > _LOOSE_WORDS + len(places) // 4 or (len(places) <= 2 and slack > 1):
        return None
    if slack and any(
        words.norms[place] in _BREAKS_A_GAP and words.norms[place] not in term.words
        for place in range(places[0] + 1, places[-1])
    ):
        return None
    if words.segment[places[0]] != words.segment[places[-1]] and not _whole_segments(words, places):
        return None
    if any(_belongs_elsewhere(words, place, term) for place in places):
        return None
    return Found(
        term.code,
        tuple(places),
        "title" if term.title else "inclusion",
        "plain",
        term.plain,
        slack,
        term.sex,
        term.trimester,
    )


def _belongs_elsewhere(words: Words, place: int, term: Term) -> bool:
    """A figure belongs to the word before it: the 2 of "type 2 diabetes" is no stage of another disease."""
    if not words.norms[place][0].isdigit() or place == 0:
        return False
    return words.norms[place - 1] not in term.words


def _closest(places: Sequence[int], at: int) -> int:
    after = bisect_left(places, at)
    if after == len(places) or (after > 0 and at - places[after - 1] <= places[after] - at):
        return places[after - 1]
    return places[after]


def _whole_segments(words: Words, places: Sequence[int]) -> bool:
    """A name may reach over a comma only where it takes (nearly) all words on both sides: "anemia, iron
    deficiency" is one name, "respiratory failure, chronic kidney disease" are two."""
    used = set(places)
    segments = {words.segment[place] for place in places}
    low, high = places[0], places[-1]
    while high + 1 < len(words.norms) and words.segment[high + 1] in segments:
        high += 1
    while low > 0 and places[0] - low < _LOOSE_WORDS and words.segment[low - 1] in segments:
        low -= 1
    unused = sum(1 for place in range(low, high + 1) if place not in used)
    return unused <= (1 if len(places) > 2 else 0)


def _longest(found: list[Found]) -> list[Found]:
    order = {"lexicon": 0, "title": 1, "inclusion": 2}
    ranked = sorted(
        set(found),
        key=lambda f: (-len(f.at), f.slack, order[f.source], f.plain, f.weight != "strong", f.at, f.code),
    )
    kept: list[Found] = []
    covered: dict[int, list[Found]] = {}
    for candidate in ranked:
        rivals = covered.get(candidate.at[0], [])
        own = set(candidate.at)
        if any(own <= set(rival.at) and not _variant(candidate, rival) for rival in rivals):
            continue
        kept.append(candidate)
        for place in candidate.at:
            covered.setdefault(place, []).append(candidate)
    return kept


def _variant(one: Found, other: Found) -> bool:
    """The same words naming several codes that something else must decide between (sex, trimester)."""
    return one.at == other.at and (one.sex, one.trimester) != (other.sex, other.trimester)
