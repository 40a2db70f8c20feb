"""Codes of the three domains, by the product's own default lists and what the release has of them."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import catalog.loaders
from modelops.synthesis.vocabulary import Vocabulary

DOMAINS = ("advanced_illness", "frailty", "sdoh")
_DEFAULTS = Path(catalog.loaders.__file__).parent / "defaults"
_SOCIAL = tuple(f"Z{number}" for number in range(55, 66))


@lru_cache(maxsize=3)
def beginnings(domain: str) -> tuple[str, ...]:
    """How the codes of a domain begin."""
    if domain == "sdoh":
        return _SOCIAL
    with (_DEFAULTS / f"{domain}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(row["begins"] for row in csv.DictReader(file))


def domain_codes(domain: str, vocabulary: Vocabulary) -> frozenset[str]:
    """Those that charts are written about; empty without a domain."""
    if not domain:
        return frozenset()
    return frozenset(code for code in vocabulary.terms if code.startswith(beginnings(domain)))


def domains_of(codes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(domain for domain in DOMAINS if any(code.startswith(beginnings(domain)) for code in codes))
