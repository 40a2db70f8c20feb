"""Reads templates/: what the embedded writer and the drawing go by, as plain data. Broken rows raise ValueError."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parent / "templates"
_OLDEST = 89


@dataclass(frozen=True, slots=True)
class Family:
    kind: str
    sex: str
    youngest: int
    oldest: int
    setting: str
    weight: float
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A code or the beginning of some, with its weight; 0: never drawn."""

    begins: str
    weight: float


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that a patient of that sex and age may have; `beside` names codes it does not stand beside."""

    place: str
    text: str
    sex: str = ""
    youngest: int = 0
    oldest: int = _OLDEST
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrapSentence:
    kind: str
    code: str
    optional: str
    sentence: Sentence


@dataclass(frozen=True, slots=True)
class Places:
    """Where a kind of condition is told: once of `must`, perhaps again; `generic`: frames for any kind fit it."""

    generic: bool
    must: Mapping[str, float]
    again: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Style:
    name: str
    note_type: str
    author: str
    specialty: str
    settings: tuple[str, ...]
    weight: float
    sections: tuple[str, ...]
    abbreviations: tuple[int, ...]
    wrap: tuple[int, ...]
    prose: bool
    domains: tuple[str, ...]


def rows(name: str) -> Iterator[str]:
    """Lines of a file without its comments."""
    for line in (TEMPLATES / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


@lru_cache(maxsize=1)
def families() -> dict[str, Family]:
    """By beginning of the code."""
    found: dict[str, Family] = {}
    for row in rows("families.txt"):
        begins, kind, sex, ages, setting, weight, clusters = row.split(";")
        youngest, oldest = _ages(ages)
        family = Family(
            kind,
            "" if sex == "-" else sex,
            youngest,
            oldest,
            setting,
            float(weight),
            tuple(clusters.split()),
        )
        for beginning in begins.split():
            found[beginning] = family
    return found


@lru_cache(maxsize=1)
def clusters() -> dict[str, tuple[Choice, ...]]:
    found: dict[str, tuple[Choice, ...]] = {}
    for row in rows("clusters.txt"):
        name, _, rest = row.partition(":")
        found[name] = tuple(choice for choice in _choices(rest) if choice.weight)
    return found


@dataclass(frozen=True, slots=True)
class Needs:
    """Each of `groups` is met by one of its choices; `never` may not be drawn beside it."""

    groups: tuple[tuple[Choice, ...], ...]
    never: tuple[str, ...]


@lru_cache(maxsize=1)
def requirements() -> dict[str, Needs]:
    """By beginning of the code; where two lines name one beginning, both hold."""
    found: dict[str, Needs] = {}
    for row in rows("requires.txt"):
        head = row.split("[", 1)[0]
        groups = tuple(group for inside in re.findall(r"\[([^\]]*)\]", row) if (group := _choices(inside)))
        never = tuple(re.findall(r"-([A-Z]\S*)", row.rsplit("]", 1)[-1]))
        for beginning in head.split():
            known = found.get(beginning, Needs((), ()))
            found[beginning] = Needs(known.groups + groups, known.never + never)
    return found


@lru_cache(maxsize=1)
def apart() -> tuple[tuple[str, ...], ...]:
    """Sets of beginnings of which one chart has one."""
    found: list[tuple[str, ...]] = []
    for row in rows("apart.txt"):
        one, colon, others = row.partition(": ")
        found += [(one, other) for other in others.split()] if colon else [tuple(row.split())]
    return tuple(found)


@lru_cache(maxsize=1)
def sayings() -> dict[str, tuple[str, ...]]:
    return {code: tuple(said) for code, *said in (row.split("|") for row in rows("sayings.txt"))}


@lru_cache(maxsize=1)
def common() -> tuple[str, ...]:
    """The commonest first; what a code needs stands before it."""
    return tuple(code for row in rows("common.txt") for code in row.split())


@lru_cache(maxsize=1)
def social() -> dict[str, tuple[Sentence, ...]]:
    found: dict[str, tuple[Sentence, ...]] = {}
    for row in rows("social.txt"):
        code, ages, *said = row.split("|")
        youngest, oldest = _ages(ages)
        found[code] = tuple(
            Sentence("sh", text, sex, youngest, oldest)
            for text, _, sex in (sentence.partition("~") for sentence in said)
        )
    return found


@lru_cache(maxsize=1)
def frames() -> dict[tuple[str, str], tuple[str, ...]]:
    """By kind and place."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows("frames.txt"):
        kind, place, text = row.split(";", 2)
        found.setdefault((kind, place), []).append(text)
    return {key: tuple(texts) for key, texts in found.items()}


@lru_cache(maxsize=1)
def details() -> dict[str, dict[str, tuple[str, ...]]]:
    """By beginning of the code and place."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows("details.txt"):
        begins, place, text = row.split("|", 2)
        for beginning in begins.split():
            places = found.setdefault(beginning, {})
            places[place] = (*places.get(place, ()), text)
    return found


@lru_cache(maxsize=1)
def traps() -> tuple[TrapSentence, ...]:
    conflicts = {
        code: tuple(begins.split()) for code, begins in (row.split(": ", 1) for row in rows("conflicts.txt"))
    }
    found: list[TrapSentence] = []
    for row in rows("traps.txt"):
        kind, code, place, sex, ages, text = row.split("|")
        text, _, optional = text.partition(" => ")
        text, _, only = text.partition("~")
        youngest, oldest = _ages(ages)
        category = code[:3]
        beside = (category, *conflicts.get(category, ()))
        sentence = Sentence(place, text, only or sex.strip("-"), youngest, oldest, beside)
        found.append(TrapSentence(kind, code, optional, sentence))
    return tuple(found)


@lru_cache(maxsize=1)
def distractors() -> dict[str, tuple[Sentence, ...]]:
    """By place."""
    found: dict[str, list[Sentence]] = {}
    for row in rows("distractors.txt"):
        place, text, who, beside = (*row.split("|"), "", "")[:4]
        ages, _, sex = who.partition(" ")
        youngest, oldest = _ages(ages) if ages else (0, _OLDEST)
        found.setdefault(place, []).append(
            Sentence(place, text, sex, youngest, oldest, tuple(beside.split()))
        )
    return {place: tuple(said) for place, said in found.items()}


@lru_cache(maxsize=1)
def drugs() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in rows("drugs.txt"):
        begins, *said = row.split("|")
        for beginning in begins.split():
            found[beginning] = tuple(said)
    return found


@lru_cache(maxsize=1)
def places() -> dict[str, Places]:
    return {
        kind: Places(row["generic"], row["must"], row["again"]) for kind, row in _json("places.json").items()
    }


@lru_cache(maxsize=1)
def styles() -> dict[str, Style]:
    return {
        name: Style(
            name,
            row["note_type"],
            row["author"],
            row["specialty"],
            tuple(row["settings"]),
            row["weight"],
            tuple(row["sections"]),
            tuple(row["abbreviations"]),
            tuple(row["wrap"]),
            row.get("prose", False),
            tuple(row.get("for", ())),
        )
        for name, row in _json("styles.json").items()
    }


@lru_cache(maxsize=1)
def headings() -> dict[str, tuple[str, ...]]:
    return {place: tuple(words) for place, words in _json("headings.json").items()}


def longest(table: Mapping[str, Any], code: str) -> str:
    """The longest beginning of the code that the table has; empty where it has none."""
    for end in range(len(code), 0, -1):
        if code[:end] in table:
            return code[:end]
    return ""


def _json(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((TEMPLATES / name).read_text(encoding="utf-8"))
    return read


def _ages(text: str) -> tuple[int, int]:
    youngest, _, oldest = text.partition("-")
    return int(youngest), int(oldest)


def _choices(text: str) -> tuple[Choice, ...]:
    pairs = (part.partition("*") for part in text.split())
    return tuple(Choice(begins, float(said or 1)) for begins, _, said in pairs)
