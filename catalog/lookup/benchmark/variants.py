"""Seeded variants of titles: reordered, abbreviated, misspelled, in a sentence, several joined. Pure."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from catalog.lookup.benchmark.wordings import Wordings

KINDS = ("titles", "reordered", "abbreviation", "typo", "sentence", "multiple")

_PART = re.compile(r",\s+|\s+(?=(?:with|without|due to|of|in|on|by|for|at)\s)", re.IGNORECASE)
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_SOUNDS = (
    ("ph", "f"),
    ("ae", "e"),
    ("ie", "ei"),
    ("ei", "ie"),
    ("ch", "k"),
    ("ss", "s"),
    ("ll", "l"),
    ("c", "k"),
)
_SHARE_MISSPELLED = 0.3


@dataclass(frozen=True, slots=True)
class Case:
    text: str
    codes: tuple[str, ...]


def cases(kind: str, titles: Sequence[tuple[str, str]], wordings: Wordings, count: int) -> Iterator[Case]:
    """`count` cases from (code, title) rows, always the same for one seed; a title that a generator cannot vary
    (one word, nothing to abbreviate) is passed over, so there may be fewer."""
    chance = random.Random(f"{wordings.seed} {kind}")  # noqa: S311  a sample, nothing secret
    if kind == "titles":
        yield from (Case(title, (code,)) for code, title in titles)
        return
    if kind == "multiple":
        for _ in range(count):
            yield _joined(chance.sample(titles, chance.randint(2, 4)), wordings, chance)
        return
    vary = _VARY[kind]
    made = 0
    for code, title in chance.sample(titles, len(titles)):
        text = vary(title, wordings, chance)
        if text is not None and text != title:
            yield Case(text, (code,))
            made += 1
            if made == count:
                return


def _joined(rows: Sequence[tuple[str, str]], wordings: Wordings, chance: random.Random) -> Case:
    between, last = chance.choice(wordings.joins)
    texts = [title if chance.random() < 0.5 else _lower_first(title) for _, title in rows]
    return Case(between.join(texts[:-1]) + last + texts[-1], tuple(code for code, _ in rows))


def _reordered(title: str, wordings: Wordings, chance: random.Random) -> str | None:
    parts = [part for part in _PART.split(title) if part]
    if len(parts) < 2:
        words = title.split()
        if not 2 <= len(words) <= 5:
            return None
        return " ".join([words[-1], *words[:-1]])
    if wordings.shuffled:
        chance.shuffle(parts)
        return " ".join(parts)
    return ", ".join([*parts[-1:], *parts[:-1]])


def _abbreviated(title: str, wordings: Wordings, chance: random.Random) -> str | None:
    text = title
    for words, short in wordings.short:
        text = re.sub(rf"\b{re.escape(words)}\b(?![-/])", short, text, flags=re.IGNORECASE)
    return text if text != title else None


def _misspelled(title: str, wordings: Wordings, chance: random.Random) -> str | None:
    def change(match: re.Match[str]) -> str:
        word = match.group()
        if chance.random() >= _SHARE_MISSPELLED:
            return word
        return TYPOS[chance.choice(wordings.typos)](word, chance)

    for _ in range(5):
        text = re.sub(r"[A-Za-z]{5,}", change, title)
        if text != title:
            return text
    return None


def _in_sentence(title: str, wordings: Wordings, chance: random.Random) -> str:
    return chance.choice(wordings.frames).format(title=_lower_first(title))


def _lower_first(title: str) -> str:
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def _drop(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def _swap(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _key(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    row = next((row for row in _KEYS if word[at].lower() in row), None)
    if row is None:
        return word
    place = row.index(word[at].lower())
    near = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    return word[:at] + chance.choice(near) + word[at + 1 :]


def _insert(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word))
    return word[:at] + chance.choice("aeioustrnl") + word[at:]


def _vowel(word: str, chance: random.Random) -> str:
    places = [at for at, letter in enumerate(word) if at and letter in "aeiou"]
    if not places:
        return _insert(word, chance)
    at = chance.choice(places)
    return word[:at] + chance.choice("aeiou".replace(word[at], "")) + word[at + 1 :]


def _sound(word: str, chance: random.Random) -> str:
    fitting = [pair for pair in _SOUNDS if pair[0] in word[1:]]
    if not fitting:
        return _key(word, chance)
    old, new = chance.choice(fitting)
    return word[0] + word[1:].replace(old, new, 1)


TYPOS: dict[str, Callable[[str, random.Random], str]] = {
    "drop": _drop,
    "swap": _swap,
    "key": _key,
    "insert": _insert,
    "vowel": _vowel,
    "sound": _sound,
}
_VARY: dict[str, Callable[[str, Wordings, random.Random], str | None]] = {
    "reordered": _reordered,
    "abbreviation": _abbreviated,
    "typo": _misspelled,
    "sentence": _in_sentence,
}
