"""The prompts that ask for a chart's diagnosis codes, and how long the texts of an answer to each may be.

The long one is for models that follow instructions. The short one is for small models, which learn from examples what
is wanted of them: words that stand in every prompt would only take room, and a rationale they could not give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Longest texts of one code, in code points; 0: the text is there and empty. `from_line`: a quote is the beginning
    of the first line cited, whatever words of it tell the code."""

    description: int = 200
    rationale: int = 300
    quote: int = 300
    from_line: bool = False


CODES = "icd10cm-1"
SHORT = "icd10cm-short-1"

# By the name of the file in prompts/.
CODE_PROMPTS: Mapping[str, Limits] = {
    CODES: Limits(),
    # Enough to find the evidence by, in an answer of few tokens. A small model learns one way of quoting, not two:
    # where reviewers accept words amid a line, it learns from that line's beginning.
    SHORT: Limits(description=200, rationale=0, quote=24, from_line=True),
}
