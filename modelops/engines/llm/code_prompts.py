"""The prompts that ask for a chart's diagnosis codes, and how long the texts of an answer to each may be.

The long one is for models that follow instructions. The short one is for small models, which learn from examples what
is wanted of them: words that stand in every prompt would only take room, and a rationale they could not give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Longest texts of one code, in code points; 0: the text is there and empty."""

    description: int = 200
    rationale: int = 300
    quote: int = 300


CODES = "icd10cm-1"
SHORT = "icd10cm-short-1"

# By the name of the file in prompts/.
CODE_PROMPTS: Mapping[str, Limits] = {
    CODES: Limits(),
    # Beginning of a line: enough to find the evidence by, in an answer of few tokens.
    SHORT: Limits(description=200, rationale=0, quote=24),
}
