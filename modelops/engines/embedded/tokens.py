"""Text to tokens that keep their place, in the normal form in which terms and notes are compared.

The same normal form is made of catalog titles, of the lexicon's phrases and of notes, so that a rule
which reads oddly by itself ("diabetes" loses its s) does no harm: it is applied to all sides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

# Written with a slash and meaning a word; before the words, so that they stay whole.
_SLASHED = (
    r"(?i:\b(?:s/p|h/o|d/t|2/2|c/w|r/o|b/l|f/u|c/o|c/b|w/o|y/o|n/v|a/p|d/c|c/f|i/s/o|p/w|o/w|a/w|w/u)"
    r"\b(?!/)|\bw/)"
)
_TOKEN = re.compile(
    rf"{_SLASHED}"
    r"|\d+(?:\.\d+)?(?:[a-eA-E]\b)?"
    r"|[^\W_\d][^\W_]*(?:['’](?:s|S|t|T|re|ve|ll|d)\b)?"
    r"|\[[ xX]?\]|\([ xX]\)"
    r"|[^\s]"
)
_MAX_WORD = 60
_SHORT = 2


def word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words that carry nothing when two wordings of one diagnosis are compared.
STOP = word_set(
    "of the a an and or in to by for at on as with his her their its my our is are was were be been has "
    "have had this that these those from into"
)
_KEEP_S = ("ss", "us", "is", "as", "os")
_IRREGULAR = {
    "metastases": "metastasis",
    "mets": "metastasis",
    "diagnoses": "diagnosis",
    "stenoses": "stenosis",
    "thromboses": "thrombosis",
    "fibroids": "fibroid",
    "feet": "foot",
    "teeth": "tooth",
    "calculi": "calculus",
    "emboli": "embolus",
    "varices": "varix",
    "vertebrae": "vertebra",
    "lice": "louse",
    "women": "woman",
    "children": "child",
    "diabetes": "diabetes",
    "herpes": "herpes",
    "rabies": "rabies",
    "scabies": "scabies",
    "kidneys": "kidney",
    "ii": "2",
    "iii": "3",
    "iv": "4",
    "iiia": "3a",
    "iiib": "3b",
}
_PLURAL_ES = ("xes", "ches", "shes", "sses", "zes")


class Token(NamedTuple):
    """One normalised word or sign. `start` and `end` are code points in its line; lines from 1."""

    norm: str
    line: int
    start: int
    end: int
    raw: str
    # Place among the document's tokens as written; words that an abbreviation stands for share it.
    position: int
    last_line: int
    last_end: int


@lru_cache(maxsize=65536)
def normal(word: str) -> str:
    """Lower case, no accents, no possessive, singular, American spelling, Roman stage as a number."""
    plain = word.lower().replace("’", "'")
    if not plain.isascii():
        decomposed = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    plain = plain.removesuffix("'s").removesuffix("'") or "'"
    if plain in _IRREGULAR:
        return _IRREGULAR[plain]
    if len(plain) > 4:
        plain = plain.replace("ae", "e").replace("oe", "e") if plain.isalpha() else plain
        plain = plain.replace("our", "or") if plain.endswith(("our", "ours")) else plain
        plain = plain.replace("paralys", "paralyz").replace("ise", "ize") if plain.endswith("ised") else plain
    if len(plain) > 3 and plain.endswith("s") and not plain.endswith(_KEEP_S) and plain.isalpha():
        if plain.endswith("ies") and len(plain) > 4:
            return plain[:-3] + "y"
        if plain.endswith(_PLURAL_ES):
            return plain[:-2]
        return plain[:-1]
    return plain


class Rewrites:
    """Phrases that stand for others (abbreviations, synonyms), applied longest first and once."""

    def __init__(self, rows: Iterable[tuple[str, str, bool]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], tuple[str, ...], bool]]] = {}
        for written, means, capitals in rows:
            source = tuple(token.norm for token in scan_line(written, 1))
            target = tuple(token.norm for token in scan_line(means, 1))
            if source:
                self._by_first.setdefault(source[0], []).append((source, target, capitals))
        for rules in self._by_first.values():
            rules.sort(key=lambda rule: (-len(rule[0]), not rule[2]))

    def apply(self, tokens: list[Token]) -> list[Token]:
        found: list[Token] = []
        at, size = 0, len(tokens)
        by_first = self._by_first
        while at < size:
            token = tokens[at]
            for source, target, capitals in by_first.get(token.norm, ()):
                end = at + len(source)
                if end > size or (len(source) > 1 and not _same(tokens, at, source)):
                    continue
                last = tokens[end - 1]
                if capitals and not all(_capital(t.raw) for t in tokens[at:end]):
                    continue
                if len(source) == 1 and len(source[0]) <= _SHORT and _beside_a_number(tokens, at, capitals):
                    continue
                found.extend(
                    token._replace(norm=norm, last_line=last.last_line, last_end=last.last_end)
                    for norm in target
                )
                at = end
                break
            else:
                found.append(token)
                at += 1
        return found


def _same(tokens: list[Token], at: int, source: tuple[str, ...]) -> bool:
    return all(tokens[at + offset].norm == word for offset, word in enumerate(source))


def _beside_a_number(tokens: list[Token], at: int, before_too: bool) -> bool:
    """ "Ca 8.8", "R 16", "97 RA": a measurement, not a word."""
    if at + 1 < len(tokens) and tokens[at + 1].norm[0].isdigit() and len(tokens) > 1:
        return True
    if not before_too or at == 0:
        return False
    before = tokens[at - 1].norm
    # A year or a date before it is no measurement.
    return before == "%" or (before[-1].isdigit() and len(before) < 4)


def _capital(raw: str) -> bool:
    return raw.upper() == raw


def scan_line(text: str, line: int, first_index: int = 0) -> list[Token]:
    """The line's tokens in order, signs included. Linear in the line."""
    found: list[Token] = []
    for match in _TOKEN.finditer(text):
        raw = match.group()
        start, end = match.span()
        if end - start > _MAX_WORD:
            continue
        found.append(Token(normal(raw), line, start, end, raw, first_index + len(found), line, end))
    return found


def phrase(text: str, rewrites: Rewrites) -> list[str]:
    """The normal words of a term or lexicon phrase, signs and stop words left out."""
    return [t.norm for t in rewrites.apply(scan_line(text, 1)) if is_word(t.norm) and t.norm not in STOP]


def is_word(norm: str) -> bool:
    return norm[0].isalnum()


_BULLET = re.compile(
    r"^\s*(?:[-*•#>+–—▪◦]+|\(?\d{1,2}[.)]|\(?[A-Za-z][.)]|\[[ xX]?\]|\d{1,2}(?=\s+[A-Z])|[A-Z](?=\s{2,}))\s*"
)
_ENDS = frozenset(".!?;")
_CLAUSE_LIMIT = 240


# Columns set apart by spaces: each line of a table stands for itself.
_TABLE = re.compile(r"\S(?: {3,}|\t)\S")


def is_item(text: str) -> bool:
    return _BULLET.match(text) is not None


def continues(previous: str, text: str) -> bool:
    """Whether a line carries on the sentence of the line before (a wrapped line)."""
    before, here = previous.rstrip(), text.lstrip()
    if not before or not here or before[-1] in ".:;!?" or is_item(text):
        return False
    if len(before) < 40 or _TABLE.search(text):
        return False
    return here[0].islower() or (
        len(before) >= 70 and (here[0].isdigit() or here[0].isupper() or here[0] in '("')
    )


def clauses(tokens: list[Token], breaks: Mapping[int, bool]) -> list[list[Token]]:
    """Split a document's tokens at sentence ends and where `breaks` says that a line starts anew."""
    found: list[list[Token]] = []
    current: list[Token] = []
    for place, token in enumerate(tokens):
        if current and token.line != current[-1].line and breaks.get(token.line, True):
            found.append(current)
            current = []
        current.append(token)
        if (token.norm in _ENDS and _ends_here(tokens, place)) or len(current) >= _CLAUSE_LIMIT:
            found.append(current)
            current = []
    if current:
        found.append(current)
    return found


_NOT_AN_END = frozenset({"dr", "mr", "mrs", "ms", "vs", "approx", "no", "st", "e", "pt", "ca", "inc", "fig"})


def _ends_here(tokens: list[Token], place: int) -> bool:
    if tokens[place].norm != ".":
        # "?pneumonia" questions what follows it, and ends nothing.
        glued = place + 1 < len(tokens) and tokens[place + 1].line == tokens[place].line
        return tokens[place].norm == ";" or not glued or tokens[place + 1].start > tokens[place].end
    if place == 0:
        return False
    before = tokens[place - 1]
    if before.raw.lower() in _NOT_AN_END and before.end == tokens[place].start and before.raw != "no":
        # "E. coli", "Dr. Reed": but "approx." at a line's end still ends it.
        return place + 1 == len(tokens) or tokens[place + 1].line != before.line
    if place + 1 == len(tokens) or tokens[place + 1].line != tokens[place].line:
        return True
    after = tokens[place + 1]
    return after.start > tokens[place].end
