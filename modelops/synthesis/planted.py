"""Invented identifiers planted in sentences as notes have them, and how many of them the gate lets through.

The plain set has the forms that the recognizers were made for. The hard set was written afterwards and nothing was
tuned on it: names without a cue, in capitals or small, short dates, ages in words.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.seeded import seeded
from modelops.synthesis.types import Order

PLAIN, HARD = "plain", "hard"
SETS = (PLAIN, HARD)
_SURNAMES = (
    "Kowalczyk",
    "Abernathy",
    "Villanueva",
    "Okonkwo",
    "Thibodeaux",
    "Nakamura",
    "Petrosyan",
    "Lindqvist",
)
_GIVEN = ("Margarethe", "Dwayne", "Yolanda", "Tadeusz", "Latisha", "Hiroshi", "Anneliese", "Guillermo")
_TOWNS = ("Poughkeepsie", "Chattanooga", "Walla Walla", "Kalamazoo")


@dataclass(frozen=True, slots=True)
class Residual:
    """`planted` and `missed` by kind; a sentence in which the gate found anything is never used, so it counts as
    caught whatever was found."""

    planted: Mapping[str, int]
    missed: Mapping[str, int]

    @property
    def rate(self) -> float:
        return sum(self.missed.values()) / sum(self.planted.values())


def residual(gate: PhiGate, order: Order, which: str, count: int) -> Residual:
    """Of the first `count` sentences of a set. `order`: whose own date is no identifier."""
    sentence = _SENTENCES[which]
    planted, missed = Counter[str](), Counter[str]()
    for number in range(count):
        text, kind = sentence(number)
        planted[kind] += 1
        if not gate(order, text):
            missed[kind] += 1
    return Residual(dict(sorted(planted.items())), dict(sorted(missed.items())))


@dataclass(frozen=True, slots=True)
class _Drawn:
    given: str
    surname: str
    town: str
    digits: str
    day: dt.date


def _drawn(number: int) -> _Drawn:
    random = seeded("planted", number)
    given, surname, town = random.choice(_GIVEN), random.choice(_SURNAMES), random.choice(_TOWNS)
    digits = "".join(random.choice("0123456789") for _ in range(10))
    day = dt.date(1931 + random.randrange(80), 1 + random.randrange(12), 1 + random.randrange(28))
    return _Drawn(given, surname, town, digits, day)


def plain(number: int) -> tuple[str, str]:
    """A sentence, and the kind of what stands in it."""
    d = _drawn(number)
    made = (
        (f"Patient: {d.surname}, {d.given}", "name"),
        (f"Mr. {d.surname} tolerated the visit well.", "name"),
        (f"Seen with Dr. {d.given} {d.surname} today.", "name"),
        (f"his daughter {d.given} helped with the story", "name"),
        (f"{d.given} {d.surname}, RN", "name"),
        (f"MRN {d.digits[:7]}", "number"),
        (f"MRN: {d.digits[:3]}-{d.digits[3:7]}", "number"),
        (f"SSN {d.digits[:3]}-{d.digits[3:5]}-{d.digits[5:9]}", "number"),
        (f"account # {d.digits[:8]}", "number"),
        (f"call {d.digits[:3]}-{d.digits[3:6]}-{d.digits[6:]} with results", "contact"),
        (f"({d.digits[:3]}) {d.digits[3:6]}-{d.digits[6:]}", "contact"),
        (f"{d.given.lower()}.{d.surname.lower()}@example.org", "contact"),
        (f"DOB {d.day:%m/%d/%Y}", "date"),
        (f"born {d.day:%B} {d.day.day}, {d.day.year}", "date"),
        (f"last seen {d.day:%Y-%m-%d}", "date"),
        (f"lives at {d.digits[:3]} Maple Grove Road", "place"),
        (f"moved here from {d.town}", "place"),
        ("this 94 y/o woman", "age"),
    )
    return made[number % len(made)]


def hard(number: int) -> tuple[str, str]:
    """As plain()."""
    d = _drawn(number)
    made = (
        (f"{d.surname.upper()}, {d.given.upper()}", "name"),
        (f"dr {d.surname.lower()} aware of the result", "name"),
        (f"neighbor {d.given} drove her here", "name"),
        (f"saw {d.surname} in clinic last week", "name"),
        (f"d/w {d.given} at bedside", "name"),
        (f"pt goes by {d.given[:4]}", "name"),
        (f"wife ({d.given.lower()}) gives the history", "name"),
        (f"acct {d.digits[:5]}-A", "number"),
        (f"chart no. {d.digits[:6]}", "number"),
        (f"member id W{d.digits[:9]}", "number"),
        (f"cell {d.digits[:7]} after 5 pm", "contact"),
        (f"fax {d.digits[:3]} {d.digits[3:6]} {d.digits[6:]}", "contact"),
        (f"DOB {d.day.month}/{d.day.day}/{d.day:%y}", "date"),
        (f"admitted on the {d.day.day}th of {d.day:%B}", "date"),
        (f"discharged {d.day:%d%b%Y}", "date"),
        (f"lives on Maple Grove Rd, apt {d.digits[0]}", "place"),
        (f"sent over from {d.town} Memorial", "place"),
        ("a ninety-four-year-old man", "age"),
        ("age 97, lives alone", "age"),
    )
    return made[number % len(made)]


_SENTENCES = {PLAIN: plain, HARD: hard}
