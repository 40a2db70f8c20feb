"""A hand-made index of a few codes, as the lookup's tests see it."""

from __future__ import annotations

from catalog.lookup.answer import Lookup
from catalog.lookup.index import Index, Node, Term
from catalog.lookup.service import make_lookup
from catalog.models import Release

_ROWS = (
    ("E11", "Type 2 diabetes mellitus", False, 3),
    ("E11.2", "Type 2 diabetes mellitus with kidney complications", False, 2),
    ("E11.22", "Type 2 diabetes mellitus with diabetic chronic kidney disease", True, 2),
    ("E11.9", "Type 2 diabetes mellitus without complications", True, 3),
    ("I10", "Essential (primary) hypertension", True, 4),
    ("J45.909", "Unspecified asthma, uncomplicated", True, 5),
    ("B19.0", "Unspecified viral hepatitis with hepatic coma", True, 6),
    ("B19.9", "Unspecified viral hepatitis without hepatic coma", True, 7),
    ("S52.52", "Torus fracture of lower end of radius", False, 13),
    ("S52.521", "Torus fracture of lower end of right radius", False, 11),
    (
        "S52.521A",
        "Torus fracture of lower end of right radius, initial encounter for closed fracture",
        True,
        10,
    ),
    ("S52.521S", "Torus fracture of lower end of right radius, sequela", True, 11),
    ("S52.522", "Torus fracture of lower end of left radius", False, 13),
    (
        "S52.522A",
        "Torus fracture of lower end of left radius, initial encounter for closed fracture",
        True,
        13,
    ),
    ("W65.XXXA", "Accidental drowning and submersion while in bath-tub, initial encounter", True, 14),
    ("Z80.3", "Family history of malignant neoplasm of breast", True, 15),
)
_TERMS = ((4, "high blood pressure"), (8, "Buckle fracture of wrist"))


def small_lookup() -> Lookup:
    return Lookup(Index([Node(*row) for row in _ROWS], [Term(*row) for row in _TERMS]))


# Made once for every test that asks for the whole release: it takes seconds, and nothing changes it.
_made: dict[str, Lookup] = {}


def release_lookup(release: Release) -> Lookup:
    """The lookup of a whole release, without the tables of an index."""
    if release.source_hash not in _made:
        _made[release.source_hash] = make_lookup(release, ())
    return _made[release.source_hash]
