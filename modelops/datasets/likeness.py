"""How alike two texts are: the share of common runs of five words, estimated by MinHash and then counted.

Words are folded and numbers made one sign, so that a copied note with another date is still the same note. An
estimate only proposes a pair; the exact share decides, so the result does not hang on the hash functions.

datasketch is imported where it is used: it brings scipy's integration, which every worker and command would load.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from catalog.words import words

if TYPE_CHECKING:
    from datasketch import MinHash

RUN = 5
ALIKE = 0.8
# What has fewer words says too little to be recognised by them: such texts are compared as they stand.
FEWEST_WORDS = 20
_PERMUTATIONS = 128
# Below the share that counts, so that a pair whose estimate is low is still looked at.
_PROPOSED = 0.6
_SEED = 1
_SCHEME: Final = "affine32"


def shingles(text: str) -> frozenset[int]:
    """Hashes of the text's runs of five words; of one run where it has fewer."""
    found = ["0" if word.isdigit() else word for word in words(text)]
    runs = (" ".join(found[at : at + RUN]) for at in range(max(1, len(found) - RUN + 1)))
    return frozenset(_hash(run) for run in runs)


def _hash(run: str) -> int:
    return int.from_bytes(hashlib.blake2b(run.encode(), digest_size=8).digest(), "big")


def share(one: frozenset[int], other: frozenset[int]) -> float:
    """Jaccard: common runs over all runs of either."""
    union = len(one | other)
    return len(one & other) / union if union else 1.0


def long_enough(text: str) -> bool:
    return len(words(text)) >= FEWEST_WORDS


class LikeTexts:
    """Texts under keys, asked for those that are like another."""

    def __init__(self) -> None:
        from datasketch import MinHashLSH

        self._shingles: dict[str, frozenset[int]] = {}
        self._index = MinHashLSH(threshold=_PROPOSED, num_perm=_PERMUTATIONS)

    def add(self, key: str, text: str) -> None:
        """Raises ValueError for a key that is there."""
        if key in self._shingles:
            raise ValueError(f"{key} is there already")
        found = shingles(text)
        self._shingles[key] = found
        self._index.insert(key, _signature(found))

    def like(self, text: str, least: float = ALIKE) -> Iterator[tuple[str, float]]:
        """Keys whose texts share at least so much with this one, the most alike first, then by key."""
        mine = shingles(text)
        proposed: Iterable[str] = self._index.query(_signature(mine))
        found = [(key, share(mine, self._shingles[key])) for key in proposed]
        yield from sorted(
            ((key, alike) for key, alike in found if alike >= least), key=lambda pair: (-pair[1], pair[0])
        )


def _signature(found: frozenset[int]) -> MinHash:
    from datasketch import MinHash

    signature = MinHash(
        num_perm=_PERMUTATIONS, seed=_SEED, hashfunc=_as_it_is, permutations=_permutations(), scheme=_SCHEME
    )
    signature.update_batch(found)
    return signature


def _as_it_is(shingle: int) -> int:
    """The shingle is a hash already; MinHash takes 32 bits of it."""
    return shingle & 0xFFFFFFFF


@cache
def _permutations() -> Any:
    """Made once: making them anew for every text costs more than hashing it."""
    from datasketch import MinHash

    return MinHash(num_perm=_PERMUTATIONS, seed=_SEED, scheme=_SCHEME).permutations
