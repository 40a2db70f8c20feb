"""Of codes that differ by their 7th character alone, the initial encounter stands first unless words say another."""

from __future__ import annotations

import pytest

from catalog.lookup.answer import Lookup
from catalog.lookup.index import Index, Node

_SEEN = (
    ("A", "initial encounter for closed fracture"),
    ("B", "initial encounter for open fracture"),
    ("D", "subsequent encounter for closed fracture with routine healing"),
    ("K", "subsequent encounter for closed fracture with nonunion"),
    ("S", "sequela"),
)
_FEMUR = "Other fracture of head and neck of unspecified femur"


@pytest.fixture(scope="module")
def lookup():
    codes = [(f"S72.099{letter}", f"{_FEMUR}, {told}") for letter, told in _SEEN]
    codes += [("S13.4XXA", "Sprain of neck, initial encounter"), ("S13.4XXS", "Sprain of neck, sequela")]
    codes += [("H40.9", "Unspecified glaucoma")]
    return Lookup(Index([Node(code, title, True, at) for at, (code, title) in enumerate(codes)], []))


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("fracture neck of femur", "S72.099A"),
        ("femur neck fx", "S72.099A"),
        ("fracture neck of femur, sequela", "S72.099S"),
        ("late effect of fracture neck of femur", "S72.099S"),
        ("open fracture neck of femur, initial encounter", "S72.099B"),
        ("nonunion of fracture neck of femur, subsequent", "S72.099K"),
        ("neck sprain", "S13.4XXA"),
        ("sprained neck sequela", "S13.4XXS"),
        ("glaucoma", "H40.9"),
    ],
)
def test_first_code(lookup, typed, first):
    assert lookup.find(typed, 5)[0].code == first
    assert lookup.find(typed, 1)[0].code == first
    assert lookup.find_each(typed)[0].code == first


def test_what_is_near_in_meaning_is_put_in_order_too(lookup):
    near = Lookup(lookup.index, lambda _: [(4, 0.9), (7, 0.8), (0, 0.7)])
    assert [answer.code for answer in near.find("zzzz", 3)] == ["S72.099A", "H40.9", "S72.099S"]


def test_scores_stay_with_the_places(lookup):
    scores = [answer.score for answer in lookup.find("fracture neck of femur", 5)]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)


def test_a_title_word_for_word_stays_first(lookup):
    assert lookup.find(f"{_FEMUR}, sequela", 2)[0].code == "S72.099S"
