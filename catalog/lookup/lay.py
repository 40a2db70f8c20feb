"""Lay words, brand names and procedures that a patient has behind them, under the words of the tabular list.

`lay_terms.csv` is this product's own reviewed table. A row stands there only where the lookup without it goes wrong;
each names the code (or its beginning) that it must lead to, and tests hold it to that.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from catalog.lookup.cut import plain

_TABLE = Path(__file__).with_name("lay_terms.csv")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
# What may stand between two words of one term.
_WITHIN = re.compile(r"[\s-]+")
# What says of a procedure that it was done; without it "appendectomy" may be one that is planned.
_DONE_BEFORE = re.compile(
    r"(?:\bs/p|\bstatus[\s-]+post|\bh/o|\bhx(?:\s+of)?|\b(?:past\s+|personal\s+)?history\s+of|\bprior|\bprevious"
    r"|\bhad)\s+(?:an?\s+|the\s+|her\s+|his\s+)?$",
    re.IGNORECASE,
)


class Kind(StrEnum):
    """LAY and DRUG stand for their wording wherever they are typed; DONE only as something done, or by itself."""

    LAY = "lay"
    DRUG = "drug"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class LayTerm:
    """`leads_to`: how the code begins that the term alone must find (a drug, its overdose; a procedure, after s/p);
    empty where the term needs another beside it."""

    kind: Kind
    term: str
    wording: str
    leads_to: str


@dataclass(frozen=True, slots=True)
class Read:
    """What was typed as `term` and read as `wording`."""

    term: str
    wording: str

    def __str__(self) -> str:
        return f"{self.term} read as {self.wording}"


@dataclass(frozen=True, slots=True)
class Plain:
    """The text with its lay terms written as the tabular list has them."""

    text: str
    reads: tuple[Read, ...] = ()

    def as_typed(self, part: str) -> str:
        """A part of the text in the words that were typed."""
        for read in self.reads:
            part = part.replace(read.wording, read.term)
        return part

    def reads_in(self, part: str) -> tuple[Read, ...]:
        return tuple(read for read in self.reads if read.wording in part)


class LayTerms:
    def __init__(self, terms: Iterable[LayTerm]) -> None:
        self.terms = tuple(terms)
        self._by_words: dict[tuple[str, ...], LayTerm] = {}
        for term in self.terms:
            self._by_words[tuple(_form(word) for word in _WORD.findall(term.term))] = term
        self._longest = max((len(words) for words in self._by_words), default=0)

    def read(self, text: str) -> Plain:
        """Longest terms first, from the left; what is no lay term stays letter for letter."""
        pieces = list(_WORD.finditer(text))
        words = [_form(piece.group()) for piece in pieces]
        reads: list[Read] = []
        parts: list[str] = []
        done = at = 0
        while at < len(pieces):
            length, term = self._at(text, pieces, words, at)
            if term is None:
                at += 1
                continue
            begin, end = pieces[at].start(), pieces[at + length - 1].end()
            before = text[done:begin]
            if term.kind is Kind.DONE:
                said = _DONE_BEFORE.search(before)
                if said is None and text.strip() != text[begin:end]:
                    at += 1
                    continue
                if said is not None:
                    before, begin = before[: said.start()], done + said.start()
            reads.append(Read(text[begin:end], term.wording))
            parts += [before, term.wording]
            done, at = end, at + length
        return Plain("".join((*parts, text[done:])), tuple(reads)) if reads else Plain(text)

    def _at(
        self, text: str, pieces: list[re.Match[str]], words: list[str], at: int
    ) -> tuple[int, LayTerm | None]:
        for length in range(min(self._longest, len(pieces) - at), 0, -1):
            term = self._by_words.get(tuple(words[at : at + length]))
            if term is not None and all(
                _WITHIN.fullmatch(text, pieces[one].end(), pieces[one + 1].start())
                for one in range(at, at + length - 1)
            ):
                return length, term
        return 0, None


def _form(word: str) -> str:
    """Lower case, without possessive and plural endings: "Athlete's" and "ears" as "athlete" and "ear"."""
    form = plain(word)
    return (
        form[:-1] if len(form) > 3 and form.endswith("s") and not form.endswith(("ss", "us", "is")) else form
    )


def _read_table(path: Path) -> tuple[LayTerm, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return tuple(LayTerm(Kind(row["kind"]), row["term"], row["wording"], row["leads_to"]) for row in rows)


LAY_TERMS = LayTerms(_read_table(_TABLE))
NO_LAY_TERMS = LayTerms(())
