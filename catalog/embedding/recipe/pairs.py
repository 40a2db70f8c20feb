"""Wordings of codes to learn from and to measure with: titles, inclusion terms, entries of the Alphabetic Index.

Codes are split by a hash of the code itself, so a code's wordings are all learned from or all held out, in every
run and every edition.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import simple_icd_10_cm

from catalog.embedding.split import is_held_out

_CODE = re.compile(r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?")


@dataclass(frozen=True, slots=True)
class Pair:
    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """`titles` of every node below the blocks, `billable` its codes in published order, `terms` and `index` the
    other wordings of any node."""

    titles: dict[str, str]
    billable: tuple[str, ...]
    terms: tuple[Pair, ...]
    index: tuple[Pair, ...]


def read_catalog(index: Path | None) -> Catalog:
    """The built-in release; `index`: a CSV of the Alphabetic Index as docs/data-sources.md describes it."""
    titles: dict[str, str] = {}
    billable: list[str] = []
    terms: list[Pair] = []
    for code in dict.fromkeys(simple_icd_10_cm.get_all_codes(with_dots=True)):
        if not _CODE.fullmatch(code):
            continue
        titles[code] = simple_icd_10_cm.get_description(code)
        if simple_icd_10_cm.is_leaf(code):
            billable.append(code)
        # A code with a 7th character repeats the terms of the code above it.
        if len(code) < 8:
            terms += [Pair(term, code) for term in simple_icd_10_cm.get_inclusion_term(code)]
    entries = _read_index(index, titles) if index is not None else ()
    return Catalog(titles, tuple(billable), tuple(terms), tuple(entries))


def _read_index(path: Path, titles: dict[str, str]) -> Iterable[Pair]:
    """Each entry as its whole term: those of the levels above it, then its own."""
    above: list[str] = []
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            del above[int(row["Level"]) :]
            above.append(f"{row['Term']} {row['NonEssModif']}".strip())
            code = row["Code"].rstrip("-. ")
            if code in titles:
                yield Pair(", ".join(above), code)


def learned_from(pairs: Iterable[Pair]) -> list[Pair]:
    return [pair for pair in pairs if not is_held_out(pair.code)]


def held_out(pairs: Iterable[Pair], billable: frozenset[str]) -> list[Pair]:
    """Of codes that may be billed, since an answer is one."""
    return [pair for pair in pairs if is_held_out(pair.code) and pair.code in billable]


def with_words_left_out(title: str, chance: random.Random) -> str:
    words = title.split()
    kept = [word for word in words if chance.random() > 0.3]
    return " ".join(kept or words)
