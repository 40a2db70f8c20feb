"""What was typed, read against an index: each word with the words of the index it may stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from catalog.lookup.cut import FUNCTION, Word, read_words
from catalog.lookup.index import Index
from catalog.lookup.lexicon import NUMBERS, SAME, SHORT, resolve
from catalog.lookup.sentence import NAMES, NOISE
from catalog.lookup.spelling import Speller

_MAX_WORDS = 60
# How sure a reading is that is not the word itself.
_STEM, _SHORT_FORM, _SAME_MEANING, _BEGINNING, _NUMBER = 0.95, 0.95, 0.85, 0.75, 0.9
# What an unmatched word counts that no index word is like, against one that the index has.
_UNKNOWN = 0.35
# Words whose reading is kept.
_KEPT = 20_000

_NUMBERS = {form: tuple(other for other in row if other != form) for row in NUMBERS for form in row}


class How(Enum):
    """How a reading came about, for the reason shown."""

    AS_TYPED = "as typed"
    STEM = "another form"
    SHORT = "abbreviation"
    SAME = "another word"
    SPELLING = "spelling"
    BEGINNING = "beginning"


@dataclass(frozen=True, slots=True)
class Alternative:
    words: tuple[int, ...]
    sureness: float
    how: How
    weight: float


@dataclass(frozen=True, slots=True)
class Slot:
    """One typed word with its readings, the surest first. `weight` counts against wordings that do not have it; 0 for
    words of the frame."""

    typed: str
    alternatives: tuple[Alternative, ...]
    weight: float


class Reader:
    def __init__(self, index: Index) -> None:
        self.index = index
        self.speller = Speller(index)
        self._relatives = _relatives(index)
        self._read: dict[tuple[str, bool, bool], Slot] = {}

    def read(self, text: str) -> list[Slot]:
        """The slots of a text, in its order; words that mean nothing to any title are left out."""
        (slots,) = self.read_all([text])
        return slots

    def read_all(self, texts: Iterable[str]) -> list[list[Slot]]:
        """The slots of each text. What no title has is compared with all words of the index in one pass for all
        texts, which takes as long as for one."""
        of_texts = [
            [word for word in read_words(resolve(text)) if word.form not in FUNCTION][:_MAX_WORDS]
            for text in texts
        ]
        self.speller.learn(word.form for words in of_texts for word in words if self._is_doubtful(word))
        return [self._slots(words) for words in of_texts]

    def _slots(self, words: Sequence[Word]) -> list[Slot]:
        slots: list[Slot] = []
        at = 0
        while at < len(words):
            joined = self._joined(words[at], words[at + 1]) if at + 1 < len(words) else None
            slots.append(joined or self._known_slot(words[at]))
            at += 2 if joined else 1
        return [slot for slot in slots if slot.alternatives or slot.weight]

    def _joined(self, first: Word, second: Word) -> Slot | None:
        """ "non organic" for nonorganic, "peri prosthetic" for periprosthetic; either way where both are words."""
        vocabulary, weights = self.index.vocabulary, self.index.weights
        number = vocabulary.get(first.form + second.form)
        apart = tuple(vocabulary[word.form] for word in (first, second) if word.form in vocabulary)
        if number is None or (len(apart) == 2 and first.form != "non"):
            return None
        alternatives = [Alternative((number,), 0.97, How.STEM, weights[number])]
        if len(apart) == 2:
            alternatives.insert(0, Alternative(apart, 1.0, How.AS_TYPED, sum(weights[one] for one in apart)))
        return Slot(first.form + second.form, tuple(alternatives), alternatives[0].weight)

    def _is_doubtful(self, word: Word) -> bool:
        form = word.form
        return (
            len(form) > 3 and form not in self.index.vocabulary and form not in NOISE and not form.isdigit()
        )

    def _known_slot(self, word: Word) -> Slot:
        """A word is read once: the same words come again and again."""
        key = word.form, word.dotted, word.capital
        found = self._read.get(key)
        if found is None:
            if len(self._read) >= _KEPT:
                self._read.clear()
            found = self._read[key] = self._slot(word)
        return found

    def _slot(self, word: Word) -> Slot:
        form, vocabulary = word.form, self.index.vocabulary
        found: dict[tuple[int, ...], Alternative] = {}

        def add(numbers: tuple[int, ...], sureness: float, how: How) -> None:
            known = found.get(numbers)
            if known is None or known.sureness < sureness:
                weight = sum(self.index.weights[number] for number in set(numbers))
                found[numbers] = Alternative(numbers, sureness, how, weight)

        number = vocabulary.get(form)
        if number is not None:
            add((number,), 1.0, How.AS_TYPED)
        for relative in self._relatives.get(stem(form), ()):
            add((relative,), _STEM, How.STEM)
        for other in _NUMBERS.get(form, ()):
            if other in vocabulary:
                add((vocabulary[other],), _NUMBER, How.SAME)
        if form in self.index.compounds:
            add(
                tuple(vocabulary[part] for part in self.index.compounds[form] if part in vocabulary),
                0.97,
                How.STEM,
            )
        for table, sureness, how in ((SHORT, _SHORT_FORM, How.SHORT), (SAME, _SAME_MEANING, How.SAME)):
            for meaning in table.get(form, ()):
                numbers = tuple(vocabulary[part] for part in meaning if part in vocabulary)
                if len(numbers) == len(meaning):
                    add(numbers, sureness, how)
        if form in NOISE or (form in NAMES and word.capital):
            return Slot(form, tuple(sorted(found.values(), key=lambda one: -one.sureness)), 0.0)
        known_well = bool(found)
        if len(form) > 1 and (number is None or word.dotted) and not form.isdigit():
            for beginning in self.speller.beginning(form) if len(form) > 2 else ():
                add((beginning,), _BEGINNING + 0.02 * min(len(form), 7), How.BEGINNING)
            if number is None and not known_well and len(form) > 5:
                for numbers in self._split(form):
                    add(numbers, 0.9, How.SPELLING)
        if number is None and len(form) > 3:
            for near, likeness in self.speller.near(form) if not form.isdigit() else ():
                add((near,), likeness, How.SPELLING)
        ranked = sorted(found.values(), key=lambda alternative: -alternative.sureness)
        if not ranked:
            return Slot(form, (), _UNKNOWN)
        weight = ranked[0].weight * (1.0 if ranked[0].sureness > 0.8 else _UNKNOWN)
        return Slot(form, tuple(ranked), weight)

    def _split(self, form: str) -> Sequence[tuple[int, ...]]:
        """Two words typed as one."""
        vocabulary = self.index.vocabulary
        return [
            (vocabulary[form[:at]], vocabulary[form[at:]])
            for at in range(3, len(form) - 2)
            if form[:at] in vocabulary and form[at:] in vocabulary
        ][:3]


_ENDINGS = (
    ("ies", "y"), ("sses", "ss"), ("uses", "us"), ("xes", "x"), ("ches", "ch"), ("ings", ""), ("ing", ""),
    ("ated", "at"), ("ates", "at"), ("ate", "at"), ("ation", "at"), ("ations", "at"),
    ("ed", ""), ("es", "e"), ("s", ""),
)  # fmt: skip


def stem(form: str) -> str:
    """One form for injury, injuries, injured; for burn, burns, burned. Rough: only compared with itself."""
    if len(form) < 5 or form.isdigit():
        return form
    for ending, instead in _ENDINGS:
        if (
            form.endswith(ending)
            and len(form) - len(ending) >= 3
            and not (ending == "s" and form[-2] in "su")
        ):
            form = form[: len(form) - len(ending)] + instead
            break
    if form.endswith("e") or (form.endswith(("i", "y")) and len(form) > 4):
        form = form[:-1]
    return form


def _relatives(index: Index) -> dict[str, tuple[int, ...]]:
    grouped: dict[str, list[int]] = {}
    for number, word in enumerate(index.words):
        grouped.setdefault(stem(word), []).append(number)
    return {stem: tuple(numbers) for stem, numbers in grouped.items()}


def total_weight(slots: Sequence[Slot]) -> float:
    return sum(slot.weight for slot in slots)
