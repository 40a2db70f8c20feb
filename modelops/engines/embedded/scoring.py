"""How sure the engine is of a code: points for what supports it, then a probability fitted on development charts.

The figure is honest within limits: it was fitted on few charts, so it is shown as uncalibrated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache

from modelops.engines.embedded.combine import Candidate
from modelops.engines.embedded.lexicon import table
from modelops.engines.embedded.mentions import Mention
from modelops.engines.embedded.terms import Vocabulary

# A code that a rule set aside, or that rests on nothing but a symptom word, never rises above this.
LOW_CEILING = 0.35
_FLOOR, _CEILING = 0.02, 0.96


@cache
def weights() -> dict[str, float]:
    return {name: float(value) for name, value in table("weights.csv", 2)}


def features(candidate: Candidate, vocabulary: Vocabulary, denied: Mapping[str, int]) -> list[str]:
    """The names of the facts that count for or against the code."""
    best = max(candidate.mentions, key=mention_points)
    names = [f"section:{best.section}", f"weight:{best.weight}", f"source:{best.source}"]
    if best.source in ("title", "inclusion"):
        names.append(f"words:{min(best.size, 4)}")
        if best.slack:
            names.append("slack")
    code = candidate.code
    names.append(f"chapter:{code[0]}")
    if len({m.evidence.line_start for m in candidate.mentions}) > 1:
        names.append("repeated")
    if len({m.section for m in candidate.mentions}) > 1:
        names.append("several sections")
    if "unspecified" in vocabulary.nodes[code].title.lower():
        names.append("unspecified")
    if times := denied.get(code, 0):
        names.append("denied elsewhere" if times >= len(candidate.mentions) else "denied once")
    if candidate.made_of:
        names.append("combined")
    names.extend(f"tag:{tag}" for tag in sorted(candidate.tags))
    if all(m.nonprovider for m in candidate.mentions) and not may_come_from_others(code):
        names.append("author")
    return names


def mention_points(mention: Mention) -> float:
    table_ = weights()
    return (
        table_.get(f"section:{mention.section}", 0.0)
        + table_.get(f"weight:{mention.weight}", 0.0)
        + table_.get(f"source:{mention.source}", 0.0)
    )


def points(names: Iterable[str]) -> float:
    return weights()["bias"] + sum(weights().get(name, 0.0) for name in names)


def confidence(score: float, lowered: bool) -> float:
    probability = min(_CEILING, max(_FLOOR, 1.0 / (1.0 + math.exp(-weights()["shrink"] * score))))
    return round(min(probability, LOW_CEILING) if lowered else probability, 3)


@cache
def _from_others() -> tuple[str, ...]:
    return tuple(prefix for (field,) in table("other_authors.csv", 1) for prefix in field.split())


def may_come_from_others(code: str) -> bool:
    """Codes that clinicians other than the patient's provider may document (I.B.14)."""
    return code.startswith(_from_others())
