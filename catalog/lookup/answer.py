"""What the lookup answers with: codes, and in words why each was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from catalog.lookup.conditions import split_conditions
from catalog.lookup.cut import forms
from catalog.lookup.encounters import INITIAL, LENGTH, Titled, families, initial_first
from catalog.lookup.fusion import WEAK, Near, fused, is_weak
from catalog.lookup.index import Index
from catalog.lookup.lay import NO_LAY_TERMS, LayTerms, Plain
from catalog.lookup.rank import Found, Ranker
from catalog.lookup.slots import How, Slot
from catalog.lookup.typed_codes import TypedCode, TypedCodes

_PIECE = re.compile(r"[^\W_]+(?:['’]s?\b)?")
# Below this nothing in the text names a condition.
_LEAST = 0.35
_READINGS_SHOWN = 3
# How many answers by words are weighed with those by meaning.
_WEIGHED = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """`condition` is the part of the text that the code answers; `term` the other wording that matched, if any;
    `marked` the title cut into (text, matched) pieces; `whole`: one wording says everything that was typed."""

    code: str
    title: str
    billable: bool
    score: float
    why: str
    term: str = ""
    condition: str = ""
    marked: tuple[tuple[str, bool], ...] = ()
    whole: bool = False


class Lookup:
    """Answers for one release. Holds no text of what it was asked beyond single words (spellings).

    `near`, where given, is asked for what a text means when its words settle little; `lay` has the lay terms of the
    release's code system.
    """

    def __init__(self, index: Index, near: Near | None = None, lay: LayTerms = NO_LAY_TERMS) -> None:
        self.index = index
        self.ranker = Ranker(index)
        self.near = near
        self.lay = lay
        self.codes = TypedCodes(index)

    def find(self, text: str, limit: int = 10, billable_only: bool = True) -> list[Answer]:
        """The codes for one condition, best first; a code typed as such, or the codes that begin so."""
        typed = self.codes.read(text, billable_only)
        if typed or self.codes.looks_like_one(text):
            return [self._typed(one, text) for one in typed[:limit]]
        read = self._plain(text)
        found = self._find(read.text, limit, billable_only)
        if read.reads:
            # "Botulism food poisoning": the words as they are say more than the lay term among them.
            as_typed = self._find(text, limit, billable_only)
            if _is_better(as_typed, found):
                read, found = Plain(text), as_typed
        return [self._answer(one, read.text, read) for one in found]

    def _plain(self, text: str) -> Plain:
        """A wording of a code is meant as it stands, whatever lay term is in it."""
        return Plain(text) if self.ranker.find_exact(text) else self.lay.read(text)

    def _find(self, text: str, limit: int, billable_only: bool) -> list[Found]:
        # Word for word: nothing else is weighed.
        most = 1 if limit == 1 and self.ranker.find_exact(text, billable_only) else max(limit, _WEIGHED)
        found = self.ranker.find(text, most, billable_only)
        slots = self.ranker.reader.read(text)
        if self.near is not None and is_weak(found):
            nodes = self.index.nodes
            near = [
                (place, likeness)
                for place, likeness in self.near(_written_out(text, slots, self.index))
                if nodes[place].billable or not billable_only
            ]
            found = fused(found, near)
        return self._in_order(found, slots)[:limit]

    def _in_order(self, found: list[Found], slots: Sequence[Slot]) -> list[Found]:
        words = self.index.words
        typed = {words[word] for slot in slots for one in slot.alternatives for word in one.words}
        every = self._with_initial(found)
        order = initial_first([self._titled(one) for one in every], typed)
        return [
            every[at] if every[at] is place else every[at].at(place.score)
            for at, place in zip(order, every, strict=True)
        ]

    def _titled(self, found: Found) -> Titled:
        words = self.index.words
        if len(self.index.nodes[found.place].code) != LENGTH:
            return Titled(self.index.nodes[found.place].code, frozenset())
        title = frozenset(words[word] for word in self.index.document_words[found.place])
        said = frozenset(words[word] for word in found.said)
        return Titled(self.index.nodes[found.place].code, title, said, found.exact)

    def _with_initial(self, found: list[Found]) -> list[Found]:
        """The initial encounter beside the codes that it shares six characters with, where none of the words led to
        it."""
        nodes = self.index.nodes
        grouped = families([Titled(nodes[one.place].code, frozenset()) for one in found])
        beside: dict[int, Found] = {}
        for stem, places in grouped.items():
            if any(nodes[found[at].place].code[-1] == INITIAL for at in places):
                continue
            initial = first = found[places[0]].place
            # Codes of one family stand together, the initial encounter first.
            while initial and nodes[initial - 1].code[:-1] == stem:
                initial -= 1
            if initial != first and nodes[initial].code[-1] == INITIAL:
                beside[places[0]] = self._as(found[places[0]], initial)
        every: list[Found] = []
        for at, one in enumerate(found):
            every += [one, beside[at]] if at in beside else [one]
        return every

    def _as(self, found: Found, place: int) -> Found:
        words = self.index.document_words[place]
        said = found.said.intersection(words)
        unsaid = tuple(word for word in dict.fromkeys(words) if word not in said)
        return replace(found, document=place, place=place, said=said, unsaid=unsaid)

    def find_each(self, text: str) -> list[Answer]:
        """One code for each condition in the text, in its order, none twice. A text of codes is read as these."""
        answers: dict[str, Answer] = {}
        whole = self.ranker.find_exact(text)
        if whole is not None:
            return [self._answer(whole, text)]
        read = self._plain(text)
        parts = list(self.codes.listed(text)) or split_conditions(self.ranker, read.text)
        for part in parts:
            for answer in self._one(part, read):
                answers.setdefault(answer.code, answer)
        return list(answers.values())

    def _one(self, part: str, read: Plain) -> list[Answer]:
        """The code of one condition, or none."""
        typed = self.codes.read(part, billable_only=True)
        if typed or self.codes.looks_like_one(part):
            return [self._typed(one, part) for one in typed[:1]]
        by_words = self._by_words(part)
        if read.reads_in(part):
            as_typed = self._by_words(read.as_typed(part))
            if _is_better(as_typed, by_words):
                part, by_words, read = read.as_typed(part), as_typed, Plain(part)
        return [self._answer(found, part, read) for found in by_words if found.score >= _LEAST]

    def _by_words(self, condition: str) -> list[Found]:
        exact = self.ranker.find_exact(condition)
        if exact is not None:
            return [exact]
        return self._in_order(self.ranker.find(condition, _WEIGHED), self.ranker.reader.read(condition))[:1]

    def _typed(self, typed: TypedCode, text: str) -> Answer:
        node = self.index.nodes[typed.place]
        marked = ((node.title, False),)
        return Answer(
            node.code,
            node.title,
            node.billable,
            typed.score,
            typed.why,
            condition=text.strip(),
            marked=marked,
        )

    def _answer(self, found: Found, condition: str, read: Plain | None = None) -> Answer:
        node = self.index.nodes[found.place]
        term = "" if found.document < len(self.index.nodes) else self.index.text_of(found.document)
        reads = read.reads_in(condition) if read is not None else ()
        return Answer(
            node.code,
            node.title,
            node.billable,
            round(found.score, 4),
            "; ".join((self._why(found, term), *(str(one) for one in reads))),
            term,
            read.as_typed(condition) if read is not None else condition,
            # What a term answered cannot be pointed at in the title.
            ((node.title, False),) if term else self._marked(node.title, found),
            whole=not found.near and not found.unmatched and found.score >= WEAK,
        )

    def _marked(self, title: str, found: Found) -> tuple[tuple[str, bool], ...]:
        said = {self.index.words[word] for word in found.said}
        pieces: list[tuple[str, bool]] = []
        at = 0
        for match in _PIECE.finditer(title):
            if said.intersection(_forms(match.group())):
                if match.start() > at:
                    pieces.append((title[at : match.start()], False))
                pieces.append((match.group(), True))
                at = match.end()
        return (*pieces, (title[at:], False)) if at < len(title) else tuple(pieces)

    def _why(self, found: Found, term: str) -> str:
        if found.near:
            return "near in meaning"
        what = f"also called {term}" if term else "title"
        if found.exact:
            return f"{what}, word for word"
        unsaid = [self.index.words[word] for word in found.unsaid]
        parts = [
            what,
            *found.read[:_READINGS_SHOWN],
            f"without {', '.join(found.unmatched)}" if found.unmatched else "",
            f"not said: {', '.join(unsaid)}" if unsaid else "",
        ]
        return "; ".join(part for part in parts if part)


@lru_cache(maxsize=20_000)
def _forms(piece: str) -> tuple[str, ...]:
    """Of a word of a title; titles have few different ones."""
    return tuple(forms(piece))


def _is_better(found: Sequence[Found], than: Sequence[Found]) -> bool:
    return bool(found) and (not than or found[0].score > than[0].score)


def _written_out(text: str, slots: Sequence[Slot], index: Index) -> str:
    """The text for its meaning: of an abbreviation the vectors know nothing."""
    if not any(_is_short(slot) for slot in slots):
        return text
    return " ".join(
        " ".join(index.words[word] for word in slot.alternatives[0].words) if _is_short(slot) else slot.typed
        for slot in slots
    )


def _is_short(slot: Slot) -> bool:
    return bool(slot.alternatives) and slot.alternatives[0].how is How.SHORT
