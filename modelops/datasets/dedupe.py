"""Near-duplicates: of charts that are nearly the same one stays, whichever order they came in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modelops.datasets.examples import KINDS, TrainingExample
from modelops.datasets.likeness import ALIKE, LikeTexts
from modelops.engines.types import ChartText


@dataclass(frozen=True, slots=True)
class Duplicate:
    """`example` left because it is like `kept`."""

    example: str
    kept: str
    share: float


def text_of(chart: ChartText) -> str:
    """All documents, one after another."""
    return "\n".join(document.text for document in chart.documents)


def without_duplicates(
    examples: Iterable[TrainingExample], *, least: float = ALIKE
) -> tuple[list[TrainingExample], list[Duplicate]]:
    """Gold stays before signed-off, signed-off before synthetic, then the smaller id. Sorted so.

    Charts of one patient and of two are alike judged: a note in both splits would be seen twice.
    """
    ranked = sorted(examples, key=lambda example: (KINDS.index(example.provenance.kind), example.id))
    kept: list[TrainingExample] = []
    left: list[Duplicate] = []
    seen = LikeTexts()
    for example in ranked:
        text = text_of(example.chart)
        before = next(seen.like(text, least), None)
        if before is not None:
            left.append(Duplicate(example.id, before[0], round(before[1], 4)))
            continue
        seen.add(example.id, text)
        kept.append(example)
    return kept, left
