"""Which words are ordinary: what people also write in lower case. A name hardly ever is.

Learned from the charts at hand (a word that two patients' charts hold in lower case), told by the caller (the catalog's
own words), and those of invented notes (ordinary_words.txt). So a name that is a word too, as Brown, is found only
where something says that it is one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_LOWER = re.compile(r"(?<![\w'’-])[a-z\u00df-\u00ff]{2,}(?![\w-])")
_FEWEST_PATIENTS = 2
_ENDINGS = (("s", ""), ("d", ""), ("ed", ""), ("ing", ""), ("ing", "e"))
_CALENDAR = (
    *(
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
    ),
    *("december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
)

# fmt: off
# Given names that are words as well: after "daughter" or "son" they are names.
ALSO_GIVEN_NAMES = frozenset((
    "amber", "angel", "april", "art", "august", "autumn", "bill", "brook", "chance", "chase", "clay",
    "crystal", "dale", "dawn", "dean", "earl", "eve", "faith", "fern", "forest", "frank", "gene", "ginger",
    "glen", "grace", "grant", "guy", "hazel", "heath", "heather", "hope", "hunter", "iris", "ivy", "jack",
    "jade", "jasmine", "jay", "jewel", "joy", "june", "lance", "lily", "mark", "mason", "may", "melody",
    "miles", "misty", "norm", "olive", "pat", "pearl", "penny", "peg", "ray", "reed", "rich", "rob",
    "robin", "rod", "rose", "ruby", "rusty", "sandy", "scarlet", "sky", "stew", "summer", "sue", "ted",
    "violet", "wade", "ward", "will", "willow",
))
# fmt: on


class OrdinaryWords:
    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(word.casefold() for word in words)

    @classmethod
    def learned(
        cls, texts: Iterable[tuple[str, str]], known: Iterable[str] = (), *, names: Iterable[str] = ()
    ) -> OrdinaryWords:
        """`texts`: pairs of a patient's key and a text; `known`: words that are ordinary in any case; `names`: words
        of people's names, which writing them in lower case makes not ordinary."""
        patients: dict[str, set[str]] = defaultdict(set)
        for patient, text in texts:
            for word in set(_LOWER.findall(text)):
                if len(patients[word]) < _FEWEST_PATIENTS:
                    patients[word].add(patient)
        never = frozenset(names)
        found = (word for word, who in patients.items() if len(who) >= _FEWEST_PATIENTS and word not in never)
        return cls([*known, *_CALENDAR, *_of_notes(), *found])

    def __contains__(self, word: str) -> bool:
        """Also by its plain form, and by the parts of a word with hyphens."""
        folded = word.casefold().removesuffix("'s").removesuffix("’s")
        if folded in self._words or any(
            folded.endswith(ending) and f"{folded.removesuffix(ending)}{stem}" in self._words
            for ending, stem in _ENDINGS
        ):
            return True
        parts = folded.split("-")
        return len(parts) > 1 and all(part in self._words for part in parts)


@cache
def _of_notes() -> tuple[str, ...]:
    return tuple(files(__package__).joinpath("ordinary_words.txt").read_text(encoding="utf-8").split())
