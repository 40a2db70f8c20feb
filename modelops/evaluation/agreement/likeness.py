"""How much each set of codes is like all others together, by MASI. Pure.

Two ways to one result, since sets of few codes nearly all share one and sets of many codes seldom do: all sets
beside all others through a matrix product, or each set beside those that its codes lead to. Equal sets are given
once, with the number of values that have them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from modelops.evaluation.agreement.coefficients import Array

Ints = npt.NDArray[np.int64]
Postings = Mapping[Hashable, Ints]

# What a pair of sets costs by each way, measured in about the same unit.
_OF_A_PAIR, _OF_A_CODE, _OF_A_SHARED_CODE = 4.0, 1 / 30, 25.0
# So many sets at once on either side of the product.
_BLOCK = 1024


def similarity(shared: int, first: int, second: int) -> float:
    """MASI's, by the number of shared codes and the sizes."""
    if first == second == shared:
        return 1.0
    if not shared:
        return 0.0
    weight = 2 / 3 if shared == min(first, second) else 1 / 3
    return weight * shared / (first + second - shared)


def likeness(sets: Sequence[frozenset[Hashable]], values: Array, full: Array | None = None) -> Array:
    """Of each set: the sum of its similarity to all values, its own among them.

    `full`, where given, is filled with the similarity of each set to each other.
    """
    postings = _postings(sets)
    shared_codes = float(sum(len(numbers) ** 2 for numbers in postings.values()))
    pairs = len(sets) ** 2 / 2 * (_OF_A_PAIR + _OF_A_CODE * len(postings))
    if pairs < shared_codes * _OF_A_SHARED_CODE:
        return _by_product(sets, postings, values, full)
    return _by_postings(sets, postings, values, full)


def _postings(sets: Sequence[frozenset[Hashable]]) -> Postings:
    lists: dict[Hashable, list[int]] = defaultdict(list)
    for number, one in enumerate(sets):
        for code in one:
            lists[code].append(number)
    return {code: np.array(numbers, dtype=np.int64) for code, numbers in lists.items()}


def _by_product(
    sets: Sequence[frozenset[Hashable]], postings: Postings, values: Array, full: Array | None
) -> Array:
    """Sets of one size beside sets of one size: there the similarity hangs on the shared codes alone."""
    # Whole numbers below 2^24 are exact in single precision.
    has = np.zeros((len(sets), len(postings)), dtype=np.float32)
    for column, numbers in enumerate(postings.values()):
        has[numbers, column] = 1
    sizes = np.array([len(one) for one in sets], dtype=np.int64)
    blocks = [
        (size, chosen[start : start + _BLOCK])
        for size in np.unique(sizes).tolist()
        for chosen in [np.flatnonzero(sizes == size)]
        for start in range(0, len(chosen), _BLOCK)
    ]
    rows = [np.ascontiguousarray(has[chosen]) for _, chosen in blocks]
    found = np.zeros(len(sets))
    for a, (size, mine) in enumerate(blocks):
        for b in range(a, len(blocks)):
            other_size, theirs = blocks[b]
            table = np.array([similarity(n, size, other_size) for n in range(min(size, other_size) + 1)])
            alike = table[(rows[a] @ rows[b].T).astype(np.intp)]
            found[mine] += alike @ values[theirs]
            if a != b:
                found[theirs] += values[mine] @ alike
            if full is not None:
                full[np.ix_(mine, theirs)] = alike
                full[np.ix_(theirs, mine)] = alike.T
    return found


def _by_postings(
    sets: Sequence[frozenset[Hashable]], postings: Postings, values: Array, full: Array | None
) -> Array:
    sizes = np.array([len(one) for one in sets], dtype=np.int64)
    widest = int(sizes.max(initial=0)) + 1
    tables: dict[int, tuple[Array, Array]] = {}
    # A set without a code is like itself and like no other.
    found = values.copy()
    if full is not None:
        np.fill_diagonal(full, 1)
    # How many codes each set shares with the one looked at: kept and emptied again, since a new array for every
    # set costs more than the rest.
    shared = np.zeros(len(sets), dtype=np.int64)
    for number, one in enumerate(sets):
        if not one:
            continue
        lists = [postings[code] for code in one]
        # A set stands here as often as it shares a code, so each time with that part of its likeness.
        near = np.concatenate(lists)
        for posting in lists:
            shared[posting] += 1
        size = len(one)
        if size not in tables:
            tables[size] = _tables(size, widest)
        alike, part = tables[size]
        place = shared[near] * widest + sizes[near]
        shared[near] = 0
        found[number] = part[place] @ values[near]
        if full is not None:
            full[number, near] = alike[place]
    return found


def _tables(size: int, widest: int) -> tuple[Array, Array]:
    """Similarity of a set of this size, by shared codes x widest + the other's size; and the part of one code."""
    alike = np.array(
        [
            similarity(shared, size, other) if shared <= min(size, other) else 0.0
            for shared in range(size + 1)
            for other in range(widest)
        ]
    )
    return alike, alike / np.maximum(np.arange(size + 1).repeat(widest), 1)
