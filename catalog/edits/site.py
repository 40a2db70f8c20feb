"""Checks without a published table: off until the site's own table has rows for them, never more than information."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.edits.rows import EVERY_SYSTEM, Case, Check, Hit, Placed
from catalog.edits.types import Severity

_OWN = "The site's own table"


def _beside(case: Case, check_id: str, words: str) -> Iterator[Hit]:
    """Each row whose two codes are both on the claim."""
    for row in case.knowledge.site.get(check_id, ()):
        for one in case.starting(row.code):
            for other in case.starting(row.other):
                if one is not other:
                    yield Hit(words.format(one=one.code, other=other.code), (one, other))


def _symptom(case: Case) -> Iterator[Hit]:
    yield from _beside(case, "symptom_integral", "{one} is listed as a symptom that belongs to {other}.")


def _unspecified(case: Case) -> Iterator[Hit]:
    yield from _beside(
        case, "unspecified_beside_specific", "{one} is listed as less specific than {other} beside it."
    )


def _procedure(case: Case) -> Iterator[Hit]:
    """A procedure of the table without any of the diagnoses listed for it."""
    families: dict[str, list[str]] = {}
    for row in case.knowledge.site.get("procedure_without_diagnosis", ()):
        families.setdefault(row.code, []).append(row.other)
    for beginning, diagnoses in families.items():
        for placed in _procedures(case, beginning):
            if not case.starting(*diagnoses):
                yield Hit(f"{placed.code}: none of {', '.join(diagnoses)} is on the claim.", (placed,))


def _procedures(case: Case, beginning: str) -> list[Placed]:
    diagnoses = {p.index for p in case.diagnoses}
    return [p for p in case.lines if p.index not in diagnoses and p.code.startswith(beginning)]


CHECKS: tuple[Check, ...] = (
    Check(
        "symptom_integral",
        "Symptom beside its diagnosis",
        Severity.INFO,
        f"{_OWN}; ICD-10-CM Official Guidelines I.B.5",
        case=_symptom,
        needs="",
        on=False,
    ),
    Check(
        "unspecified_beside_specific",
        "Unspecified beside specific",
        Severity.INFO,
        f"{_OWN}; ICD-10-CM Official Guidelines I.B.18",
        case=_unspecified,
        needs="",
        on=False,
    ),
    Check(
        "procedure_without_diagnosis",
        "Procedure without a diagnosis that goes with it",
        Severity.INFO,
        _OWN,
        case=_procedure,
        systems=EVERY_SYSTEM,
        needs="",
        on=False,
    ),
)
