"""Documents that disagree on a diagnosis: a consultant's names one code, the attending provider's another.

ICD-10-CM Official Guidelines I.B.14: with conflicting documentation the attending provider is queried. What can
be seen without reading is told and no more: two codes of one category, each suggested from one side only. Whether
the texts really contradict each other is for the coder to judge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CITATION = "I.B.14"
CONSULTANT, ATTENDING = "consultant", "attending"


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks in a document, by words of its author's role or, where none of these says so, of its type."""

    side: str
    roles: tuple[str, ...]
    types: tuple[str, ...]


SPEAKERS: tuple[Speaker, ...] = (
    Speaker(CONSULTANT, ("consult",), ("consult",)),
    Speaker(ATTENDING, ("attending",), ("discharge summary", "history and physical", "h&p")),
)

# Categories of which several codes stand beside each other without contradiction, by how they begin.
COEXIST: tuple[tuple[tuple[str, ...], str], ...] = (
    (("C", "D0"), "one code a site"),
    (("D1", "D2", "D3", "D4"), "one code a site"),
    (("E08", "E09", "E10", "E11", "E13"), "one code a complication"),
    (("H", "M", "Q"), "one code a site or side"),
    (("O", "P"), "several complications of one pregnancy, or of one newborn"),
    (("R",), "symptoms and findings"),
    (("S", "T"), "one code an injury or substance"),
    (("V", "W", "X", "Y"), "circumstances"),
    (("Z",), "status and history"),
)
_BESIDE: tuple[str, ...] = tuple(prefix for prefixes, _ in COEXIST for prefix in prefixes)


@dataclass(frozen=True, slots=True)
class Suggested:
    """A suggested code and the documents it was suggested from."""

    id: int
    code: str
    title: str
    documents: frozenset[int]


def side_of(document_type: str, author_role: str) -> str:
    """CONSULTANT, ATTENDING, or empty where neither can be told."""
    role = author_role.lower()
    for speaker in SPEAKERS:
        if any(word in role for word in speaker.roles):
            return speaker.side
    name = document_type.lower().replace("_", " ")
    return next((s.side for s in SPEAKERS if any(word in name for word in s.types)), "")


def conflicts(suggested: Iterable[Suggested], sides: Mapping[int, str]) -> dict[int, tuple[Suggested, ...]]:
    """For each suggestion that another contradicts, those others; `sides` is side_of each document."""
    by_category: dict[str, list[tuple[str, Suggested]]] = defaultdict(list)
    for each in suggested:
        speaks = {sides.get(document, "") for document in each.documents} - {""}
        if len(speaks) == 1 and not each.code.startswith(_BESIDE):
            by_category[each.code[:3]].append((speaks.pop(), each))
    found: dict[int, list[Suggested]] = defaultdict(list)
    for members in by_category.values():
        for side, one in members:
            found[one.id] += [
                other for beside, other in members if beside != side and _contradict(one, other)
            ]
    return {id_: tuple(others) for id_, others in found.items() if others}


def _contradict(one: Suggested, other: Suggested) -> bool:
    return one.code != other.code and not _covers(one, other) and not _covers(other, one)


def _covers(general: Suggested, other: Suggested) -> bool:
    """An unspecified code says less than one of its kind, not something else (I50.9 and I50.33, I50.30 and I50.33)."""
    if "unspecified" not in general.title.lower():
        return False
    kind = general.code.replace(".", "")[:-1].rstrip("09") or general.code[:3]
    return other.code.replace(".", "").startswith(max(kind, general.code[:3], key=len))
