"""How one person writes: what is shortened, set in capitals, numbered, wrapped, misspelt. Drawn once for each note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from modelops.synthesis.tables import Style
from modelops.synthesis.types import Person

_BULLETS = ("- ", "* ", "# ", "", "{n}. ", "{n}) ", " - ", "{n}. ", "- ")
_CASES: tuple[Callable[[str], str], ...] = (str.upper, str.upper, str.title, str, str.lower)
_PATIENTS = ("the patient", "pt", "Pt", "patient")
_DATES = ("%m/%d/%Y", "%Y-%m-%d", "%d %b %Y", "%m/%d/%y", "%B %d, %Y")
# Of ten hands one never uses capitals at the beginning of a sentence.
_LOWER = 0.1
_HURRIED = 0.25
_TYPO = 0.015


@dataclass(frozen=True, slots=True)
class Hand:
    level: int
    width: int
    bullet: str
    heading: Callable[[str], str]
    inline: bool
    colon: str
    lower: bool
    typo: float
    patient: str
    date: str
    spaced: bool
    listed: bool


def hand_of(style: Style, random: Random) -> Hand:
    return Hand(
        level=random.choice(style.abbreviations),
        width=random.choice(style.wrap),
        bullet="" if style.prose else random.choice(_BULLETS),
        heading=random.choice(_CASES),
        inline=random.random() < 0.35,
        colon=random.choice((":", ":", "", " -")),
        lower=random.random() < _LOWER and not style.prose,
        typo=_TYPO if random.random() < _HURRIED else 0.0,
        patient=random.choice(_PATIENTS),
        date=random.choice(_DATES),
        spaced=random.random() < 0.7,
        listed=random.random() < 0.6,
    )


def misspelt(text: str, share: float, random: Random) -> str:
    """Some words with two letters changed about or one missing; never the first letter, never numbers."""
    words = text.split(" ")
    for number, word in enumerate(words):
        if len(word) > 5 and word.isalpha() and random.random() < share:
            at = random.randrange(1, len(word) - 2)
            swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            words[number] = swapped if random.random() < 0.6 else word[:at] + word[at + 1 :]
    return " ".join(words)


class Slots:
    """Fills the slots of frames for one patient; numbers are drawn anew each time."""

    def __init__(self, person: Person, hand: Hand, random: Random) -> None:
        female = person.sex == "F"
        self._random = random
        self._words = {
            "{He}": "She" if female else "He",
            "{he}": "she" if female else "he",
            "{his}": "her" if female else "his",
            "{His}": "Her" if female else "His",
            "{him}": "her" if female else "him",
            "{spouse}": "husband" if female else "wife",
            "{Spouse}": "Husband" if female else "Wife",
            "{pt}": hand.patient,
            "{Pt}": "The patient" if hand.patient == "the patient" else "Pt",
        }
        self._numbers: dict[str, Callable[[], str]] = {
            "{n}": lambda: str(random.randint(2, 9)),
            "{m}": lambda: str(random.randint(2, 6)),
            "{b}": lambda: str(random.randint(112, 148)),
            "{d}": lambda: str(random.randint(60, 88)),
            "{h}": lambda: str(random.randint(62, 96)),
            "{r}": lambda: str(random.randint(14, 20)),
            "{f}": lambda: f"{random.randint(970, 989) / 10:.1f}",
            "{o}": lambda: str(random.randint(94, 99)),
            "{w}": lambda: f"{random.randint(560, 920) / 10:.1f}",
            "{na}": lambda: str(random.randint(136, 143)),
            "{k}": lambda: f"{random.randint(37, 48) / 10:.1f}",
            "{c}": lambda: f"{random.randint(7, 11) / 10:.1f}",
            "{g}": lambda: f"{random.randint(125, 148) / 10:.1f}",
            "{l}": lambda: f"{random.randint(48, 98) / 10:.1f}",
            "{p}": lambda: str(random.randint(170, 340)),
        }

    def fill(self, text: str) -> str:
        """All slots but {t} and {T}."""
        if "{" not in text:
            return text
        for slot, word in self._words.items():
            if slot in text:
                text = text.replace(slot, word)
        for slot, make in self._numbers.items():
            while slot in text:
                text = text.replace(slot, make(), 1)
        return text
