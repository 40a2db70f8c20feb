"""Why output of an engine was left out, in words that a coder reads."""

from __future__ import annotations

# By reason code as engines and coding_review/suggestion_checks.py give it.
WORDS: dict[str, str] = {
    "fabricated": "No such code in the code set of the encounter's date",
    "header": "A category or subcategory, not a code that can be billed",
    "incomplete": "Characters are missing from the code",
    "expired": "No longer valid on the encounter's date",
    "not_yet_valid": "Not yet valid on the encounter's date",
    "other_system": "Of a code system that this claim does not carry",
    "no_release": "No release of its code system is loaded for the date",
    "no_evidence": "The quoted words do not stand in the documents",
    "no_confidence": "Without a usable figure of confidence",
    "context": "Said of another person or time, or denied",
    "duplicate": "Given more than once",
    "verified_out": "Dropped when description and evidence were compared again",
    "not_confirmed": "Found unsure by the knowledge layer, and not named by the language model when asked",
    "doubted": "Too unlikely for the knowledge layer to ask the language model about",
    "malformed": "Not in the form that was asked for",
    "too_many": "Beyond what one answer may hold",
}


def discard_words(reason: str) -> str:
    return WORDS.get(reason) or reason.replace("_", " ").capitalize() or "Not stated"
