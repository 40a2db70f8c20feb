"""Drawing charts: stratified, in proportion, by a seed that gives the same charts from the same population. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Lines of a chart up to which it is called so; what is longer is "long".
LENGTHS: tuple[tuple[int, str], ...] = ((60, "short"), (200, "medium"))
STRATA: tuple[str, ...] = ("domain", "setting", "specialty", "length")


def length_of(lines: int) -> str:
    return next((word for limit, word in LENGTHS if lines < limit), "long")


@dataclass(frozen=True, slots=True)
class Candidate:
    """`stratum`: its value for each of STRATA; a domain is its first in the project's order, or empty."""

    id: int
    stratum: Mapping[str, str]


def by_hash(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def place(seed: int, pk: int) -> str:
    """A chart's place in the draw: by hash, so that it depends on neither order nor the rest of the population."""
    return by_hash(seed, str(pk))


def draw(population: Sequence[Candidate], size: int, seed: int, by: Sequence[str] = ()) -> list[Candidate]:
    """Up to `size` candidates in the order in which they are read.

    Each stratum gives its share of the population, rounded by largest remainder; of equal remainders the larger
    stratum first, then by name.
    """
    strata: dict[tuple[str, ...], list[Candidate]] = defaultdict(list)
    for candidate in population:
        strata[tuple(candidate.stratum.get(name, "") for name in by)].append(candidate)
    size = min(size, len(population))
    if size <= 0:
        return []
    exact = {key: size * len(rows) / len(population) for key, rows in strata.items()}
    shares = {key: int(share) for key, share in exact.items()}
    by_remainder = sorted(strata, key=lambda key: (-(exact[key] - shares[key]), -len(strata[key]), key))
    for key in by_remainder[: size - sum(shares.values())]:
        shares[key] += 1
    chosen = [
        candidate
        for key, rows in strata.items()
        for candidate in sorted(rows, key=lambda c: place(seed, c.id))[: shares[key]]
    ]
    return sorted(chosen, key=lambda candidate: place(seed, candidate.id))


def counts(chosen: Sequence[Candidate], by: Sequence[str]) -> dict[str, int]:
    """How many of each stratum, by its values joined with "/"."""
    found: dict[str, int] = defaultdict(int)
    for candidate in chosen:
        found["/".join(candidate.stratum.get(name, "") or "none" for name in by) or "all"] += 1
    return dict(sorted(found.items()))
