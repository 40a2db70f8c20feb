"""Finds the wordings that say what was typed, and orders them. Pure.

First every wording that shares a word is weighed at once: twice the weight of the shared words over the weight
of both. Then the best are read word by word: which typed word answers which of theirs, misspelled or shortened
ones by the words left over, and in which order.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from catalog.lookup.cut import sentence_key
from catalog.lookup.index import ASIDE, Floats, Index, Ints
from catalog.lookup.sentence import without_history
from catalog.lookup.slots import How, Reader, Slot
from catalog.lookup.spelling import likeness, shortens

_READ = 60
# A word that more wordings have ("initial", "right", "unspecified") leads to none at a glance.
_COMMON = 4000
_NEAR = 0.4
# Terms of headers that are read with each code below the header.
_HEADERS = 4
_HEADER_SAID = 0.8
_MOST_BELOW = 200
# What a word of a title counts that nobody typed: little where the code for lack of more has it, more where it
# names another patient or another time.
_UNSAID = {
    **dict.fromkeys(("initial", "encounter", "closed"), 0.15),
    **dict.fromkeys(("unspecified", "specified", "with", "side", "site", "level"), 0.4),
    **dict.fromkeys(("other", "elsewhere", "classified", "not", "uncomplicated"), 0.6),
    **dict.fromkeys(("nos", "nec"), 0.3),
    # A poisoning whose intent nobody told is coded as accidental (guideline I.C.19.e.5.b).
    "accidental": 0.4,
    **dict.fromkeys(("sequela", "subsequent", "postprocedural", "history"), 1.5),
    **dict.fromkeys(("newborn", "neonatal", "congenital", "pregnancy", "childbirth", "puerperium"), 1.6),
    **dict.fromkeys(("delivery", "obstetric", "complicating", "fetal", "fetus"), 1.6),
}
# What a title says is absent, and nobody spoke of.
_UNSAID_WITHOUT = 0.4
_ORDER = 0.03
# For each word that one has with and the other without.
_CONTRARY, _MOST_CONTRARY = 0.02, 0.06
_LEFT_OVER = 20
_LEAST_LIKE = 0.55
# Near in letters to their opposite.
_NEVER_LEFT_OVER = frozenset(("with", "without", "not", "non"))


@dataclass(frozen=True, slots=True)
class Found:
    """A wording that answers; `read` says how words were read ("rihgt read as right"), `unmatched` typed words
    that it does not have, `said` and `unsaid` its words that were and were not typed; `near`: no word led here, only
    what it means."""

    document: int
    place: int
    score: float
    read: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    unsaid: tuple[int, ...] = ()
    said: frozenset[int] = frozenset()
    exact: bool = False
    near: bool = False

    def at(self, score: float) -> Found:
        return replace(self, score=score)


@dataclass(frozen=True, slots=True)
class _Wording:
    document: int
    place: int
    words: Sequence[int]


class Ranker:
    def __init__(self, index: Index) -> None:
        self.index = index
        self.reader = Reader(index)
        self._with = index.vocabulary.get("with", -1)
        self._without = index.vocabulary.get("without", -1)
        titles = np.arange(index.size) < len(index.nodes)
        self._header_terms = ~index.billable & ~titles
        self._unsaid = [_UNSAID.get(word, 1.0) for word in index.words]
        # For `glance`, made as they are needed; two threads may make the same.
        self._of_thread = threading.local()
        self._billable: dict[int, Ints] = {}
        self._common: dict[int, NDArray[np.bool_]] = {}

    def find(self, text: str, limit: int = 10, billable_only: bool = True) -> list[Found]:
        """The best wordings, one a code, best first; an exact wording stands first with score 1."""
        exact = self.find_exact(text, billable_only)
        if exact is not None and limit == 1:
            return [exact]
        found = self.rank(self.reader.read(without_history(text)), limit, billable_only)
        if exact is not None:
            found = [exact, *(one for one in found if one.place != exact.place)][:limit]
        return found

    def find_exact(self, text: str, billable_only: bool = True) -> Found | None:
        """The wording that is the text but for case, punctuation and accents."""
        document = self.index.exact.get(sentence_key(text))
        if document is None or (billable_only and not self.index.billable[document]):
            return None
        said = frozenset(self.index.document_words[document])
        return Found(document, self.index.places[document], 1.0, said=said, exact=True)

    def rank(self, slots: Sequence[Slot], limit: int, billable_only: bool) -> list[Found]:
        if not slots:
            return []
        best: dict[int, Found] = {}
        wordings = self._candidates(slots, billable_only)
        read = [(self._weigh(wording, slots), wording) for wording in wordings]
        read.sort(key=lambda one: (-one[0].score, one[0].document))
        # What has every typed word has nothing left over.
        again = [
            (self._weigh(wording, slots, left_over=True), wording) if found.unmatched else (found, wording)
            for found, wording in read[:_LEFT_OVER]
        ]
        for found, _ in (*again, *read[_LEFT_OVER:]):
            known = best.get(found.place)
            if known is None or found.score > known.score:
                best[found.place] = found
        nodes = self.index.nodes
        ordered = sorted(
            best.values(), key=lambda one: (-one.score, not nodes[one.place].billable, one.place)
        )
        return ordered[:limit]

    def glance(self, slots: Sequence[Slot], limit: int, read: int) -> list[Found]:
        """As `rank`, for many texts in little time: only the `read` best wordings of billable codes are read word by
        word, and nothing is paired by likeness."""
        best: dict[int, Found] = {}
        for document in self._nearest(slots, read):
            found = self._weigh(self._wording(document), slots)
            known = best.get(found.place)
            if known is None or found.score > known.score:
                best[found.place] = found
        return sorted(best.values(), key=lambda one: (-one.score, one.place))[:limit]

    def _nearest(self, slots: Sequence[Slot], count: int) -> list[int]:
        """Of the wordings of billable codes that have one of the words that not everything has, those that share most
        with the slots. Only these are weighed: to go over all the wordings would take as long as all the rest."""
        added, asked = _words_of(slots)
        rare = [word for word in added if len(self.index.postings[word]) <= _COMMON] or list(added)
        if not rare:
            return []
        shared = self._sums()
        having = []
        for word in rare:
            postings = self._billable_postings(word)
            shared[postings] += np.float32(self.index.weights[word] * added[word])
            having.append(postings)
        documents: Ints = np.concatenate(having)
        of_each: Floats = shared[documents]
        shared[documents] = 0
        for word in added.keys() - set(rare):
            of_each += self._has(word)[documents] * np.float32(self.index.weights[word] * added[word])
        score = 2 * of_each / (self.index.totals[documents] + np.float32(asked))
        near = np.flatnonzero(score > max(_NEAR * float(score.max(initial=0.0)), 0.0))
        # A wording stands there once for each of its words.
        found, first = np.unique(documents[near], return_index=True)
        return [int(found[place]) for place in _top(score[near][first], count)]

    def _sums(self) -> Floats:
        """A zero for every wording, this thread's own; whoever uses it leaves zeros behind."""
        sums: Floats | None = getattr(self._of_thread, "sums", None)
        if sums is None:
            sums = self._of_thread.sums = np.zeros(self.index.size, dtype=np.float32)
        return sums

    def _billable_postings(self, word: int) -> Ints:
        found = self._billable.get(word)
        if found is None:
            postings = self.index.postings[word]
            found = self._billable[word] = postings[self.index.billable[postings]]
        return found

    def _has(self, word: int) -> NDArray[np.bool_]:
        """Which wordings have a common word."""
        found = self._common.get(word)
        if found is None:
            found = np.zeros(self.index.size, dtype=bool)
            found[self.index.postings[word]] = True
            self._common[word] = found
        return found

    def _candidates(self, slots: Sequence[Slot], billable_only: bool) -> list[_Wording]:
        shared, asked = self.shared(slots)
        score = 2 * shared / (self.index.totals + np.float32(asked))
        if not billable_only:
            return [self._wording(document) for document in _top(score, _READ)]
        # Only terms that were said nearly whole: each is read with every code below its header.
        said = shared >= _HEADER_SAID * self.index.totals
        headers = np.where(self._header_terms & said, score, 0)
        score[~self.index.billable] = 0
        found = [self._wording(document) for document in _top(score, _READ)]
        for document in _top(headers, _HEADERS):
            found += self._codes_below(document)
        return found

    def shared(self, slots: Iterable[Slot]) -> tuple[Floats, float]:
        """The weight of the words that each wording shares with the slots, and the weight of the slots."""
        index = self.index
        shared: Floats = np.zeros(index.size, dtype=np.float32)
        added, asked = _words_of(slots)
        for word, sureness in added.items():
            shared[index.postings[word]] += np.float32(index.weights[word] * sureness)
        return shared, asked

    def _wording(self, document: int) -> _Wording:
        return _Wording(document, self.index.places[document], self.index.document_words[document])

    def _codes_below(self, document: int) -> list[_Wording]:
        """The codes under a header, each worded by the header's term and what its own title says more."""
        index = self.index
        header = index.places[document]
        term, titled = index.document_words[document], set(index.document_words[header])
        last = min(index.nodes[header].last, header + _MOST_BELOW)
        return [
            _Wording(
                document,
                place,
                [*term, *(word for word in index.document_words[place] if word not in titled)],
            )
            for place in range(header + 1, last + 1)
            if index.nodes[place].billable
        ]

    def _weigh(self, wording: _Wording, slots: Sequence[Slot], left_over: bool = False) -> Found:
        index, ids = self.index, wording.words
        has = set(ids)
        answered: dict[int, float] = {}
        asked = given = 0.0
        read: list[str] = []
        order: list[int] = []
        open_slots: list[Slot] = []
        for slot in slots:
            # The surest comes first.
            for best in slot.alternatives:
                if has.issuperset(best.words):
                    break
            else:
                asked += slot.weight
                open_slots.append(slot)
                continue
            sureness = best.sureness
            asked += best.weight
            given += best.weight * sureness
            order.extend(best.words)
            for word in best.words:
                answered[word] = max(answered.get(word, 0.0), sureness)
            if best.how not in (How.AS_TYPED, How.STEM):
                meant = " ".join(index.words[word] for word in best.words)
                read.append(f"{slot.typed} read as {meant}")
        if left_over and open_slots:
            given, open_slots = self._answer_left_over(has, answered, open_slots, given, read, order)
        wanted = told = 0.0
        unsaid: list[int] = []
        aside = index.asides.get(wording.document, frozenset())
        absent = _absent(ids, self._with, self._without) if self._without in has else frozenset()
        for word in dict.fromkeys(ids):
            weight = index.weights[word]
            sure = answered.get(word)
            if sure is None:
                factor = ASIDE if word in aside else self._unsaid[word]
                wanted += weight * (factor * _UNSAID_WITHOUT if word in absent else factor)
                if word not in aside:
                    unsaid.append(word)
            else:
                wanted += weight
                told += weight * sure
        score = (0.5 * given / asked if asked else 0.0) + (0.5 * told / wanted if wanted else 0.0)
        score -= _contrary(order, ids, self._with, self._without)
        score = (1 - _ORDER) * score + _ORDER * _in_order(order, ids) * score
        return Found(
            wording.document,
            wording.place,
            score,
            tuple(read),
            tuple(slot.typed for slot in open_slots if slot.weight),
            tuple(unsaid),
            frozenset(answered),
        )

    def _answer_left_over(
        self,
        has: set[int],
        answered: dict[int, float],
        open_slots: list[Slot],
        given: float,
        read: list[str],
        order: list[int],
    ) -> tuple[float, list[Slot]]:
        """Pairs typed words that found nothing with words of the title that nobody said."""
        index = self.index
        still: list[Slot] = []
        for slot in open_slots:
            if not slot.weight:
                continue
            best, sureness = -1, 0.0
            for word in has:
                if word in answered:
                    continue
                sure = _left_over_sureness(slot.typed, index.words[word])
                if sure > sureness:
                    best, sureness = word, sure
            if best < 0:
                still.append(slot)
                continue
            answered[best] = sureness
            given += slot.weight * sureness
            order.append(best)
            read.append(f"{slot.typed} read as {index.words[best]}")
        return given, still


def _words_of(slots: Iterable[Slot]) -> tuple[dict[int, float], float]:
    """The words that the slots may stand for with how surely, and the weight of the slots."""
    added: dict[int, float] = {}
    asked = 0.0
    for slot in slots:
        asked += slot.weight
        for alternative in slot.alternatives:
            for word in alternative.words:
                added[word] = max(added.get(word, 0.0), alternative.sureness)
    return added, asked


def _top(score: Floats, count: int) -> list[int]:
    """The places of the highest scores, none of them 0, the lowest place first."""
    # Nearly all are 0 or far below the best: only what is near it is put in order.
    near = np.flatnonzero(score > max(_NEAR * float(score.max(initial=0.0)), 0.0))
    if len(near) > count:
        near = near[np.argpartition(score[near], len(near) - count)[len(near) - count :]]
    return [int(place) for place in np.sort(near)]


def _left_over_sureness(typed: str, word: str) -> float:
    if typed.isdigit() or word.isdigit() or len(word) < 3 or typed in _NEVER_LEFT_OVER:
        return 0.0
    like = likeness(typed, word) if len(typed) > 2 else 0.0
    if like < _LEAST_LIKE:
        like = 0.0
    if len(typed) < len(word) - 1 and shortens(typed, word):
        like = max(like, 0.7)
    return like


def _in_order(order: Sequence[int], ids: Sequence[int]) -> float:
    """The share of the title's neighbouring words that were typed as neighbours too."""
    if len(ids) < 2:
        return 1.0
    pairs = set(pairwise(ids))
    return len(pairs.intersection(pairwise(order))) / len(pairs)


def _contrary(order: Sequence[int], ids: Sequence[int], with_: int, without: int) -> float:
    """What is typed as present where the wording says without, or the other way round."""
    if without not in ids and without not in order:
        return 0.0
    typed, worded = _governed(order, with_, without), _governed(ids, with_, without)
    against = sum(1 for word, marker in typed.items() if worded.get(word, marker) != marker)
    return min(_MOST_CONTRARY, _CONTRARY * against)


def _absent(ids: Sequence[int], with_: int, without: int) -> frozenset[int]:
    governed = _governed(ids, with_, without)
    return frozenset(word for word, marker in governed.items() if marker == without) | {without}


def _governed(ids: Sequence[int], with_: int, without: int) -> dict[int, int]:
    """Each word after a "with" or "without" and before the next."""
    governed: dict[int, int] = {}
    marker = -1
    for word in ids:
        if word in (with_, without):
            marker = word
        elif marker >= 0:
            governed.setdefault(word, marker)
    return governed
