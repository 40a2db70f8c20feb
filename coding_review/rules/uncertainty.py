"""Wording by which a diagnosis is documented as uncertain (Official Guidelines, IV.H)."""

from __future__ import annotations

import re

_WORDS = re.compile(
    r"\b(?:probabl[ey]|suspect(?:ed|s|ing)?|suspicious for|suspicion (?:of|for)|questionable|possibl[ey]|likely"
    r"|rule[ -]?out|r/o|working diagnosis|compatible with|consistent with|concern(?:ing)? for"
    r"|cannot (?:be )?(?:excluded?|ruled? out)|presumed|presumptive|may (?:be|have)|might (?:be|have)"
    r"|versus|vs\.?)(?!\w)|\?",
    re.IGNORECASE,
)
# Where a cue before the passage no longer speaks of it.
_END = re.compile(r"[.;:]\s|\n|\bno longer\b")
REACH = 60


def is_uncertain(before: str, passage: str) -> bool:
    """Whether the passage, or what stands right before it in its sentence, words the diagnosis as uncertain.

    A cue is not understood, only seen: "rule out" far away in the sentence is missed, one about another
    diagnosis of the same passage is not told apart.
    """
    near = _END.split(before[-REACH:])[-1]
    return _WORDS.search(f"{near} {passage}") is not None
