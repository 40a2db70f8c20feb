"""What statuses, domains, traps and reasons of synthetic charts are called on their pages."""

from __future__ import annotations

from collections.abc import Mapping

from catalog.edits.engine import CHECKS
from modelops.choices import Setting, WorkStatus
from modelops.synthesis.tables import styles

TONES: Mapping[str, str] = {
    WorkStatus.QUEUED: "calm",
    WorkStatus.RUNNING: "accent",
    WorkStatus.DONE: "good",
    WorkStatus.FAILED: "bad",
    WorkStatus.CANCELLED: "calm",
}
# Why a code was drawn, found or suggested and not kept, where the id alone does not say it; a code edit's is its title.
REASONS: Mapping[str, str] = {
    "does_not_stand": "does not stand as the seed of a chart",
    "not_attributed": "ordered, and no line tells it",
    "suggested_not_written": "a likely candidate that nobody wrote: a trap, or a word that says more than meant",
    "not_retrieved": "written, and retrieval did not find it: kept",
    "no_code": "no code is left",
    "not_written": "the writer gave nothing",
}
_EDITS: Mapping[str, str] = {check.id: check.title for check in CHECKS}
DOMAINS: Mapping[str, str] = {
    "advanced_illness": "Advanced illness",
    "frailty": "Frailty",
    "sdoh": "Social determinants of health",
}
TRAPS: Mapping[str, str] = {
    "negated": "negated",
    "family_history": "family history",
    "historical": "historical",
    "uncertain_outpatient": "uncertain, outpatient",
    "other_person": "another person's",
    "copied_forward_resolved": "copied forward, resolved",
    "template_text": "template text",
    "lab_only": "a value alone",
    "hypothetical": "hypothetical",
}
# What the gate found may be somebody's: such a chart's text is not shown.
PHI = "phi"


def reason_words(reason: str) -> str:
    """The gate's reasons name the kinds of what it found: "phi: name, date"."""
    if reason.lower().startswith(PHI):
        return f"may identify somebody: {reason.partition(':')[2].strip() or 'by the gate'}"
    return REASONS.get(reason) or _EDITS.get(reason) or plain(reason)


def style_words(name: str) -> str:
    """What notes of a style are called: an id says "ed note" and "clinic soap"."""
    known = styles().get(name)
    told = known.note_type if known is not None else plain(name)
    return told[:1].upper() + told[1:]


def setting_words(setting: str) -> str:
    return str(Setting(setting).label).lower() if setting in Setting else plain(setting)


def plain(key: str) -> str:
    return key.replace("_", " ")
