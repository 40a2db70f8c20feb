"""How well a wording answers what was typed, and which of its words to mark. Pure, no database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.words import FUNCTION_WORDS, words

# Words that say nothing about which condition it is; they count neither for nor against a wording.
_NEUTRAL = FUNCTION_WORDS | frozenset(
    (
        *("from", "elsewhere", "classified", "unspecified", "nos", "nec", "without", "uncomplicated"),
        *("complication", "complications", "encounter", "initial", "subsequent", "sequela"),
        # A fracture is coded as closed unless it is said to be open (tabular list, S72 and others).
        "closed",
    )
)
# Of two wordings that say as much, the one with these is the code for lack of anything better.
_DEFAULTS = (
    (0.03, frozenset(("without", "uncomplicated"))),
    (0.02, frozenset(("unspecified", "nos"))),
)
# Non-essential modifiers in parentheses, and what is left open ("unspecified organism").
_ASIDE = re.compile(
    r"\([^()]*\)|(?<=, )unspecified whether .*|(?<=, )unspecified \w+|\b(?:of|with) unspecified \w+"
    r"|\w+ not specified|not otherwise specified",
    re.IGNORECASE,
)
_PIECE = re.compile(r"[^\W_]+(?:['’]s?\b)?")


@dataclass(frozen=True)
class Reading:
    """A typed word with the wordings it may stand for, itself first; `open`: it may be unfinished."""

    word: str
    wordings: tuple[tuple[str, ...], ...]
    open: bool = False


@dataclass(frozen=True)
class Answer:
    """`missing` are the typed words that the wording does not have, `expanded` says in words which
    abbreviations were read as what."""

    score: float
    missing: tuple[str, ...]
    expanded: tuple[str, ...]


def read_wording(text: str, readings: Sequence[Reading], stems: Mapping[str, str]) -> Answer:
    """0..1: two parts what share of the typed words the wording has, one part how little else it says.

    A wording that is nothing but the words typed, or these and "unspecified", scores 1.
    `stems` has the stem of every word of the text and of the readings.
    """
    full = words(text)
    used: set[str] = set()
    missing: list[str] = []
    expanded: list[str] = []
    for reading in readings:
        as_typed, *meant = [_met(wording, full, reading.open, stems) for wording in reading.wordings]
        used = used.union(as_typed, *meant)
        if not as_typed and not any(meant):
            missing.append(reading.word)
        elif not as_typed:
            meaning = next(
                " ".join(wording) for wording, met in zip(reading.wordings[1:], meant, strict=True) if met
            )
            expanded.append(f"{reading.word.upper()} read as {meaning}")
    content = {word for word in words(_ASIDE.sub(" ", text)) if word not in _NEUTRAL} | used
    precision = len(used) / len(content) if content else 1.0
    recall = 1 - len(missing) / len(readings)
    default = next((bonus for bonus, some in _DEFAULTS if some.intersection(full) - used), 0.0)
    score = 0.65 * recall + 0.35 * precision + (default if precision < 1 and not missing else 0.0)
    return Answer(min(1.0, score), tuple(missing), tuple(expanded))


def split_marked(
    text: str, readings: Sequence[Reading], stems: Mapping[str, str]
) -> tuple[tuple[str, bool], ...]:
    """The text in pieces, each with whether it answers a typed word; joined they are the text."""
    asked = [
        (word, reading.open and not number)
        for reading in readings
        for number, wording in enumerate(reading.wordings)
        for word in wording
        if word not in _NEUTRAL
    ]
    pieces: list[tuple[str, bool]] = []
    at = 0
    for match in _PIECE.finditer(text):
        found = words(match.group())
        if not any(_answers(word, other, is_open, stems) for other in found for word, is_open in asked):
            continue
        if match.start() > at:
            pieces.append((text[at : match.start()], False))
        pieces.append((match.group(), True))
        at = match.end()
    if at < len(text):
        pieces.append((text[at:], False))
    return tuple(pieces)


def _met(wording: Sequence[str], among: Sequence[str], is_open: bool, stems: Mapping[str, str]) -> set[str]:
    """The words of `among` that answer the wording, none unless each of its words is answered."""
    found: set[str] = set()
    for word in wording:
        hits = {other for other in among if _answers(word, other, is_open and len(wording) == 1, stems)}
        if not hits:
            return set()
        found |= hits
    return found


def _answers(word: str, other: str, is_open: bool, stems: Mapping[str, str]) -> bool:
    if stems[word] == stems[other]:
        return True
    return is_open and (other.startswith(word) or stems[other].startswith(stems[word]))
