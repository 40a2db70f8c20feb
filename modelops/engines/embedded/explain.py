"""The one or two sentences that say why a code is suggested. They hold no text of the note."""

from __future__ import annotations

from modelops.choices import ContextTag
from modelops.engines.embedded.combine import Candidate

_PARTS = {
    "final": "the diagnoses at the end of the stay",
    "diagnoses": "the assessment",
    "course": "the course",
    "pmh": "the past history",
    "psh": "the surgical history",
    "hpi": "the history",
    "start": "the head of the note",
    "body": "the note",
    "cc": "the chief complaint",
    "meds": "the medications",
    "goals": "the goals of care",
    "social": "the social history",
    "family": "the family history",
    "allergies": "the allergies",
    "procedure": "the procedure",
    "findings": "the findings",
    "pathology": "the pathology report",
    "imaging": "imaging",
    "labs": "laboratory data",
    "exam": "the examination",
    "ros": "the review of systems",
    "instructions": "the instructions",
    "screening": "screening",
}


def rationale(candidate: Candidate, names: list[str]) -> str:
    first: list[str] = []
    parts = list(dict.fromkeys(_PARTS.get(m.section, "the note") for m in candidate.mentions))
    where = parts[0] if len(parts) == 1 else f"{parts[0]} and {parts[1]}"
    if candidate.told:
        first.append(candidate.told)
    else:
        first.append(f"Named in {where}.")
    if ContextTag.UNCERTAIN in candidate.tags:
        first.append("Uncertain at the end of the stay: coded as if established (II.H, III.C).")
    if candidate.lowered:
        first.append(candidate.lowered)
    if "author" in names:
        first.append("Documented only by clinicians who do not establish a diagnosis (I.B.14).")
    if "denied elsewhere" in names or "denied once" in names:
        first.append("Denied elsewhere in the chart.")
    return " ".join(first[:3])
