"""From a title of the tabular to words that clinicians use. The rules are data: templates/wording.txt.

A wording keeps what the title says that tells its code from others; what it drops is what coders need not be told
("initial encounter", "unspecified").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from modelops.synthesis.tables import rows

MOST_LEVEL = 2
_SPACES = re.compile(r"\s+")
_LOOSE = re.compile(r"\s+([,.;])|^[\s,;]+|[\s,;]+$")
_ALTERNATIVES = re.compile(r"(?<!\\)\(\?:|\\.|[\^$|()\[\]?+*.]")


@dataclass(frozen=True, slots=True)
class _Rule:
    level: int
    pattern: re.Pattern[str]
    wordings: tuple[str, ...]
    whole: bool
    # A word that every match has: most rules are passed over without trying them.
    word: str


@lru_cache(maxsize=1)
def _rules() -> tuple[_Rule, ...]:
    found: list[_Rule] = []
    level = 0
    for row in rows("wording.txt"):
        if row.startswith("level "):
            level = int(row.removeprefix("level "))
            continue
        pattern, _, wordings = row.partition(" =>")
        words = _ALTERNATIVES.split(pattern.replace(r"\b", "").replace("(?:", "("))
        plain = max((word for word in words if word), key=len, default="")
        optional = f"{plain})?" in pattern or "|" in pattern
        found.append(
            _Rule(
                level,
                re.compile(pattern),
                tuple(wordings.strip().split("|")),
                pattern.startswith("^") and pattern.endswith("$"),
                "" if optional or len(plain) < 4 else plain,
            )
        )
    return tuple(found)


@lru_cache(maxsize=1)
def _names() -> tuple[tuple[re.Pattern[str], str], ...]:
    pairs = (row.split(" ", 1) for row in rows("names.txt"))
    return tuple((re.compile(rf"(?<![\w'])-?{re.escape(low)}(?![\w'])"), name) for low, name in pairs)


def worded(title: str, level: int, random: Random) -> str:
    """One wording of the title; `level` 0 writes words out, 2 writes short."""
    words = title.lower()
    whole_done = False
    for rule in _rules():
        if rule.level > level or (rule.whole and whole_done) or (rule.word and rule.word not in words):
            continue
        if rule.level and level == 1 and random.random() < 0.5:
            continue
        wording = random.choice(rule.wordings)
        words, times = rule.pattern.subn(wording, words, count=1)
        whole_done = whole_done or (rule.whole and times > 0)
    return tidy(words)


def tidy(words: str) -> str:
    words = _LOOSE.sub(r"\1", _SPACES.sub(" ", words).replace(", ,", ","))
    for pattern, name in _names():
        if pattern.search(words):
            words = pattern.sub(name, words)
    return words.strip()


def begun(words: str) -> str:
    """With a capital where a sentence begins."""
    return words[:1].upper() + words[1:]
