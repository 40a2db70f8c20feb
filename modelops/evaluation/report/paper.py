"""Figures of the paper that the protocol follows, as far as they are known here. On other data: never comparable.

Cook, Wyatt, Wei et al., "Training a Large Language Model for Medical Coding Using Privacy-Preserving Synthetic
Clinical Data", arXiv:2603.23515 (2026). A figure that is not in this table is printed as "not given".
"""

from __future__ import annotations

from modelops.evaluation.report.parts import NOT_GIVEN

SOURCE = "Cook et al. 2026, arXiv:2603.23515"

_PUBLISHED: dict[str, float] = {
    "levels.L3.micro.f1": 0.704,
    "levels.L4.micro.f1": 0.629,
    "baseline.L3.f1": 0.18,
    "cpt.f1": 0.736,
    "expert.precision": 0.32,
    "expert.recall": 0.86,
}
_DIGITS = {"baseline.L3.f1": 2, "expert.precision": 2, "expert.recall": 2}


def published(key: str) -> str:
    value = _PUBLISHED.get(key)
    return NOT_GIVEN if value is None else f"{value:.{_DIGITS.get(key, 3)}f}"
