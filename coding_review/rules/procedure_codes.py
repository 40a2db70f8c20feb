"""The shape of procedure codes that are entered by hand, before their tables are loaded."""

from __future__ import annotations

import re

from catalog.choices import CodeSystem

_SHAPES: dict[str, tuple[re.Pattern[str], str]] = {
    CodeSystem.CPT: (re.compile(r"\d{4}[0-9FTUM]"), "five characters: four digits and a digit, F, T, U or M"),
    CodeSystem.HCPCS: (re.compile(r"[A-V]\d{4}"), "a letter A to V and four digits"),
    CodeSystem.ICD10PCS: (re.compile(r"[0-9B-DF-HX][0-9A-HJ-NP-Z]{6}"), "seven characters without I and O"),
}
# Reported with modifiers, units and diagnosis pointers; an ICD-10-PCS code has none of them.
BY_UNIT: frozenset[str] = frozenset({str(CodeSystem.CPT), str(CodeSystem.HCPCS)})
MODIFIER = re.compile(r"[0-9A-Z]{2}")


def shape_error(system: str, code: str) -> str:
    """Why the code cannot be one of the system, or an empty string."""
    pattern, words = _SHAPES[system]
    return "" if pattern.fullmatch(code) else f"A code of {CodeSystem(system).label} has {words}."
