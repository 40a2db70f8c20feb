"""The order of codes on a claim: what may stand first, what stands behind what causes it."""

from __future__ import annotations

from collections.abc import Sequence

from modelops.synthesis.tables import longest
from modelops.synthesis.vocabulary import Vocabulary

# A small number stands before a greater one; the longest beginning decides. What is not named is 50.
_RANKS: dict[str, int] = {
    "O": 5,
    "Z3A": 90,
    "Z34": 4,
    "Z47": 10,
    "Z48": 10,
    "A40": 12,
    "A41": 12,
    "T8": 13,
    "C": 30,
    "E08": 31,
    "E09": 31,
    "E10": 31,
    "E11": 31,
    "E13": 31,
    "I11": 32,
    "I12": 32,
    "I13": 32,
    "G10": 33,
    "G20": 33,
    "G30": 33,
    "G31": 33,
    "K70": 33,
    "U07.1": 33,
    "K74": 33,
    "K86": 30,
    "E66": 40,
    "R63.6": 40,
    "I50": 60,
    "N18": 61,
    "F02": 60,
    "F10": 60,
    "L97": 62,
    "D63": 62,
    "D70": 62,
    "G89.3": 63,
    "I85": 63,
    "K76.6": 62,
    "K76.82": 62,
    "J12.82": 60,
    "R": 70,
    "R65": 70,
    "Z": 80,
    "T3": 75,
    "T4": 75,
    "T50": 75,
    "B95": 74,
    "B96": 74,
    "B97": 74,
    "V": 95,
    "W": 95,
    "X": 95,
    "Y": 96,
}
_NEVER_FIRST = frozenset(
    {
        "social",
        "cause",
        "place",
        "bmi",
        "drugstatus",
        "weeks",
        "status",
        "history",
        "familystatus",
        "dependence",
        "drug",
    }
)
_USUAL = 50
# Kinds that are the reason of a visit where several stand beside each other, the likeliest first.
_REASONS: tuple[str, ...] = (
    "pregnancy", "aftercare", "maltreated", "complication", "acute", "injury", "injury_d", "injury_g",
    "injury_k", "injury_p", "burn",
    "neoplasm", "metastasis", "wound", "chronic", "dementia", "mental", "eye", "male", "female", "sequela",
    "neoplasm_benign", "nutrition", "substance", "symptom", "frailty",
)  # fmt: skip


def may_stand_first(kind: str) -> bool:
    return kind not in _NEVER_FIRST


def rank(code: str) -> int:
    return _RANKS.get(longest(_RANKS, code), _USUAL)


def in_order(codes: Sequence[str], seed: str, vocabulary: Vocabulary) -> list[str]:
    """The seed first where it may stand there and nothing has to stand before it, else the likeliest reason."""
    kinds = {code: vocabulary.terms[code].kind for code in codes}
    able = [code for code in codes if may_stand_first(kinds[code]) and rank(code) < 60]
    able = able or [code for code in codes if may_stand_first(kinds[code])]
    leading = min(able, key=lambda c: (rank(c) > 13, c != seed, _reason(kinds[c]), rank(c)), default="")
    return sorted(codes, key=lambda code: (code != leading, rank(code)))


def _reason(kind: str) -> int:
    return _REASONS.index(kind) if kind in _REASONS else len(_REASONS)
