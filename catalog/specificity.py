"""Codes of one level in the order of how much they say: the specific, then other specified, then unspecified."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from catalog.models import Code

_OTHER = re.compile(r"\bother\b|\bnot elsewhere classified\b", re.IGNORECASE)
_UNSPECIFIED = re.compile(r"\bunspecified\b|\bnot otherwise specified\b", re.IGNORECASE)
_WORDS = ("", "other", "unspecified")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """`says` is empty for a specific code, else "other" or "unspecified"."""

    node: Code
    says: str


def by_specificity(nodes: Iterable[Code]) -> tuple[Neighbour, ...]:
    """Within each kind in published order. What all of them leave open tells none of them apart."""
    listed = sorted(nodes, key=lambda node: node.position)
    ranks = [_rank(node.title) for node in listed]
    if len(set(ranks)) == 1:
        ranks = [0] * len(ranks)
    order = sorted(range(len(listed)), key=lambda at: (ranks[at], at))
    return tuple(Neighbour(listed[at], _WORDS[ranks[at]]) for at in order)


def _rank(title: str) -> int:
    if _UNSPECIFIED.search(title):
        return 2
    return 1 if _OTHER.search(title) else 0
