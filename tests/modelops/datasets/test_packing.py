"""Packs hold every example once and whole; what fits none is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops.datasets.packing import pack


def plain_best_fit(lengths: list[int], size: int) -> int:
    """Number of packs, by looking at every pack for every length."""
    room: list[int] = []
    for length in sorted((one for one in lengths if one <= size), reverse=True):
        fitting = [left for left in room if left >= length]
        if fitting:
            room.remove(min(fitting))
            room.append(min(fitting) - length)
        else:
            room.append(size - length)
    return len(room)


@given(st.lists(st.integers(1, 130), max_size=120), st.integers(1, 100))
def test_every_example_is_in_one_pack_or_too_long(lengths: list[int], size: int) -> None:
    packs = pack(lengths, size)
    placed = [at for one in packs.packs for at in one]
    assert sorted((*placed, *packs.too_long)) == list(range(len(lengths)))
    assert packs.too_long == tuple(at for at, length in enumerate(lengths) if length > size)
    assert all(sum(lengths[at] for at in one) <= size for one in packs.packs)
    assert packs.tokens == sum(length for length in lengths if length <= size)
    assert len(packs.packs) == plain_best_fit(lengths, size)


@given(st.lists(st.integers(1, 60), max_size=60), st.randoms(use_true_random=False))
def test_the_order_changes_no_figure(lengths: list[int], chance) -> None:
    shuffled = lengths[:]
    chance.shuffle(shuffled)
    one, other = pack(lengths, 60), pack(shuffled, 60)
    as_lengths = [
        sorted(sorted(given[at] for at in each) for each in packs.packs)
        for packs, given in ((one, lengths), (other, shuffled))
    ]
    assert as_lengths[0] == as_lengths[1]


def test_by_hand() -> None:
    packs = pack([5, 7, 3, 2, 9, 11, 1], 10)
    # 9+1, 7+3, 5+2; 11 fits none.
    assert [sorted(one) for one in packs.packs] == [[4, 6], [1, 2], [0, 3]]
    assert packs.too_long == (5,)
    assert packs.tokens == 27
    assert packs.useful == pytest.approx(27 / 30)
    assert packs.useful_unpacked == pytest.approx(27 / 60)
    assert packs.useful_padded_to_longest == pytest.approx(27 / 54)


def test_nothing_to_pack() -> None:
    packs = pack([], 10)
    assert (packs.packs, packs.useful, packs.useful_unpacked, packs.useful_padded_to_longest) == ((), 0, 0, 0)


@pytest.mark.parametrize(("lengths", "size"), [([0], 10), ([-1], 10), ([1], 0)])
def test_no_length_below_one(lengths: list[int], size: int) -> None:
    with pytest.raises(ValueError, match="whole numbers from 1 on"):
        pack(lengths, size)


def test_notes_of_usual_lengths_fill_their_packs() -> None:
    """The aim: 97 % of the tokens of 8,192-token packs belong to an example."""
    lengths = [300 + (n * 7919) % 3900 for n in range(2000)]
    packs = pack(lengths)
    assert packs.useful > 0.97
    assert packs.useful_unpacked < 0.30
