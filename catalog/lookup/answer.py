"""What the lookup answers with: codes, and in words why each was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from catalog.lookup.conditions import split_conditions
from catalog.lookup.cut import forms
from catalog.lookup.encounters import initial_first
from catalog.lookup.fusion import Near, fused, is_weak
from catalog.lookup.index import Index
from catalog.lookup.rank import Found, Ranker
from catalog.lookup.slots import How, Slot

_PIECE = re.compile(r"[^\W_]+(?:['’]s?\b)?")
# Below this nothing in the text names a condition.
_LEAST = 0.35
_READINGS_SHOWN = 3
# How many answers by words are weighed with those by meaning.
_WEIGHED = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """`condition` is the part of the text that the code answers; `term` the other wording that matched, if any;
    `marked` the title cut into (text, matched) pieces."""

    code: str
    title: str
    billable: bool
    score: float
    why: str
    term: str = ""
    condition: str = ""
    marked: tuple[tuple[str, bool], ...] = ()


class Lookup:
    """Answers for one release. Holds no text of what it was asked beyond single words (spellings).

    `near`, where given, is asked for what a text means when its words settle little.
    """

    def __init__(self, index: Index, near: Near | None = None) -> None:
        self.index = index
        self.ranker = Ranker(index)
        self.near = near

    def find(self, text: str, limit: int = 10, billable_only: bool = True) -> list[Answer]:
        """The codes for one condition, best first."""
        return [self._answer(found, text) for found in self._find(text, limit, billable_only)]

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
        typed = (word for slot in slots for one in slot.alternatives for word in one.words)
        return initial_first(self.index, found, typed)

    def find_each(self, text: str) -> list[Answer]:
        """One code for each condition in the text, in its order, none twice."""
        answers: dict[str, Answer] = {}
        whole = self.ranker.find_exact(text)
        if whole is not None:
            return [self._answer(whole, text)]
        for condition in split_conditions(self.ranker, text):
            for found in self._by_words(condition):
                if found.score >= _LEAST:
                    answer = self._answer(found, condition)
                    answers.setdefault(answer.code, answer)
        return list(answers.values())

    def _by_words(self, condition: str) -> list[Found]:
        exact = self.ranker.find_exact(condition)
        if exact is not None:
            return [exact]
        return self._in_order(self.ranker.find(condition, _WEIGHED), self.ranker.reader.read(condition))[:1]

    def _answer(self, found: Found, condition: str) -> Answer:
        node = self.index.nodes[found.place]
        term = "" if found.document < len(self.index.nodes) else self.index.text_of(found.document)
        return Answer(
            node.code,
            node.title,
            node.billable,
            round(found.score, 4),
            self._why(found, term),
            term,
            condition,
            # What a term answered cannot be pointed at in the title.
            ((node.title, False),) if term else self._marked(node.title, found),
        )

    def _marked(self, title: str, found: Found) -> tuple[tuple[str, bool], ...]:
        said = {self.index.words[word] for word in found.said}
        pieces: list[tuple[str, bool]] = []
        at = 0
        for match in _PIECE.finditer(title):
            if said.intersection(forms(match.group())):
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
