"""Rules of the Official Guidelines about who must have documented a diagnosis, and how.

They go by the evidence cues of a line and by them alone: a line without evidence, or whose evidence does not say
who wrote it, is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator

from catalog.edits.rows import INPATIENT, OUTPATIENT, Case, Check, Hit, Placed
from catalog.edits.sections import GUIDELINES
from catalog.edits.types import Severity

# Words of an author's role, in the order in which they are looked for: a nurse practitioner is a provider.
_PROVIDER = (
    "practitioner",
    "physician assistant",
    "physician",
    "attending",
    "resident",
    "surgeon",
    "consultant",
    "hospitalist",
    "doctor",
    "md",
    "do",
    "np",
    "pa",
)
_CLINICIAN = (
    "nurse",
    "nursing",
    "rn",
    "lpn",
    "dietitian",
    "dietician",
    "nutritionist",
    "therapist",
    "pharmacist",
    "social",
    "case manager",
    "community health",
    "technician",
    "paramedic",
    "emt",
)
_PATIENT = ("patient", "self", "family", "caregiver")
_FINDINGS = (
    "lab",
    "laboratory",
    "radiology",
    "imaging",
    "x-ray",
    "pathology",
    "ecg",
    "ekg",
    "diagnostic report",
)

_SOCIAL: tuple[str, ...] = tuple(f"Z{n}" for n in range(55, 66))
# What clinicians other than the provider may document (I.B.14), the associated diagnosis aside.
_OTHERS_MAY: tuple[str, ...] = (*_SOCIAL, "Z68", "L89", "L97", "L98.4", "R40.2", "R29.7", "Y90", "Z28")


def _side(role: str) -> str:
    words = role.lower().replace("_", " ")
    parts = set(words.replace(",", " ").split())
    for side, names in (("provider", _PROVIDER), ("clinician", _CLINICIAN), ("patient", _PATIENT)):
        if any(name in parts if len(name) < 4 else name in words for name in names):
            return side
    return ""


def _sides(placed: Placed) -> set[str]:
    """Who documented it; empty where one passage does not say."""
    sides = {_side(cue.author_role) for cue in placed.line.evidence}
    return set() if "" in sides else sides


def _uncertain(case: Case) -> Iterator[Hit]:
    for placed in case.diagnoses:
        cues = placed.line.evidence
        if cues and all(cue.uncertain for cue in cues):
            yield Hit(
                f"{placed.code}: the evidence is worded as uncertain. Outside inpatient care the condition is coded "
                "to what is known for certain, such as its symptoms.",
                (placed,),
            )


def _social_source(case: Case) -> Iterator[Hit]:
    for placed in case.starting(*_SOCIAL):
        if _sides(placed) == {"patient"}:
            yield Hit(
                f"{placed.code} rests on the patient's own report, which a clinician or provider has to sign off and "
                "include in the record.",
                (placed,),
            )


def _provider(case: Case) -> Iterator[Hit]:
    for placed in case.diagnoses:
        sides = _sides(placed)
        if sides and "provider" not in sides and not placed.code.startswith(_OTHERS_MAY):
            yield Hit(f"{placed.code} is not documented by a provider in its evidence.", (placed,))


def _finding_only(case: Case) -> Iterator[Hit]:
    for placed in case.diagnoses:
        cues = placed.line.evidence
        types = [cue.document_type.lower().replace("_", " ") for cue in cues]
        if types and all(any(name in kind for name in _FINDINGS) for kind in types):
            yield Hit(
                f"{placed.code} rests on {' and '.join(dict.fromkeys(types))} only; an abnormal finding is coded when "
                "the provider says what it means.",
                (placed,),
            )


_ANSWERS: tuple[str, ...] = ("documented", "answered_query", "query", "not_applicable", "other")

CHECKS: tuple[Check, ...] = (
    Check(
        "uncertain_outpatient",
        "Uncertain diagnosis outside inpatient care",
        Severity.WARN,
        f"{GUIDELINES} IV.H",
        case=_uncertain,
        claim_types=OUTPATIENT,
        needs="",
        outcomes=_ANSWERS,
    ),
    Check(
        "social_source",
        "Who documented social determinants",
        Severity.WARN,
        f"{GUIDELINES} I.B.14",
        case=_social_source,
        needs="",
        outcomes=_ANSWERS,
    ),
    Check(
        "provider_documentation",
        "Documented by a provider",
        Severity.WARN,
        f"{GUIDELINES} I.B.14",
        case=_provider,
        needs="",
        outcomes=_ANSWERS,
    ),
    Check(
        "finding_only",
        "Abnormal finding without a provider's diagnosis",
        Severity.WARN,
        f"{GUIDELINES} III.B",
        case=_finding_only,
        claim_types=INPATIENT,
        needs="",
        outcomes=_ANSWERS,
    ),
)
