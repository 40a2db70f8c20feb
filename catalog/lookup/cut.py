"""Text as the lookup compares it: words in one form, each with how it was written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[a-z0-9]+")
_POSSESSIVE = re.compile(r"['’]s?\b")
# Words that order nothing and that no title is told by. "with" stays: it and "without" name different codes.
FUNCTION = frozenset(
    (
        *(
            "a",
            "an",
            "the",
            "of",
            "and",
            "or",
            "in",
            "on",
            "at",
            "by",
            "to",
            "for",
            "due",
            "is",
            "as",
            "from",
        ),
        *("its", "into"),
    )
)
_ORDINALS = {
    "1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth", "5th": "fifth", "6th": "sixth",
    "7th": "seventh", "8th": "eighth", "9th": "ninth", "10th": "tenth", "11th": "eleventh", "12th": "twelfth",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """`form` is compared; `dotted`: a full stop followed; `capital`: it began with a capital letter and
    `shout`: it was written in capitals throughout (a name or an abbreviation may be)."""

    form: str
    dotted: bool = False
    capital: bool = False
    shout: bool = False


def plain(text: str) -> str:
    """Lower case, without accents and possessive endings."""
    lowered = text.lower()
    if not lowered.isascii():
        decomposed = unicodedata.normalize("NFKD", lowered)
        lowered = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _POSSESSIVE.sub("", lowered)


def forms(text: str) -> list[str]:
    """The words of a title or term, in order, function words left out."""
    return [_ORDINALS.get(word, word) for word in _WORD.findall(plain(text)) if word not in FUNCTION]


_ASIDE = re.compile(
    r"[(\[][^()\[\]]*[)\]]|(?<=, )unspecified whether .*|(?<=, )unspecified \w+|\b\w+ not specified"
    r"|not otherwise specified|unspecified as to .*",
    re.IGNORECASE,
)


def asides(text: str) -> list[str]:
    """Words that need not be said: in brackets ("Essential (primary) hypertension") or for what is left open
    ("Pneumonia, unspecified organism")."""
    return [word for aside in _ASIDE.findall(text) for word in forms(aside)]


def without_asides(text: str) -> str:
    return _ASIDE.sub(" ", text)


_HYPHENED = re.compile(r"([a-z0-9]+)-([a-z0-9]+)")


def hyphened(text: str) -> list[tuple[str, str]]:
    """The two parts of each word written with a hyphen: 'bath-tub' gives (bath, tub)."""
    return _HYPHENED.findall(plain(text))


def sentence_key(text: str) -> str:
    """What two wordings share that differ only in case, punctuation and accents."""
    return " ".join(_WORD.findall(plain(text)))


_TYPED = re.compile(r"[^\W_]+(?:['’]s?\b)?")


def read_words(text: str) -> list[Word]:
    """The words of what was typed, in order, function words included."""
    found: list[Word] = []
    for match in _TYPED.finditer(text):
        typed = match.group()
        dotted = text[match.end() : match.end() + 1] == "."
        shout = len(typed) > 1 and typed.isupper()
        found.extend(
            Word(_ORDINALS.get(form, form), dotted, typed[0].isupper(), shout)
            for form in _WORD.findall(plain(typed))
        )
    return found
