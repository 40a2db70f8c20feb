"""Charts whose codes are known: lines with terms of the stand-in's dictionary among lines without any."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

from modelops.engines.types import ChartDocument, ChartText
from tests.standin.terms import DIAGNOSES

_BETWEEN = (
    "Seen on the ward with the family present; slept well, eats and drinks.",
    "Blood pressure 132/78, pulse 76, afebrile, saturation 97% on room air.",
    "Lungs clear, abdomen soft, no oedema; gait steady with a walker.",
    "Medication list reviewed with the pharmacist, no changes today.",
    "Plan: continue as before, laboratory tests on Thursday, call if worse.",
)
_AROUND = ("Continues treatment for {}.", "Assessment: {}, stable.", "{} remains under good control.")
LINES = 24


@dataclass(frozen=True)
class Known:
    """A chart and the codes that the stand-in gives for it."""

    chart: ChartText
    codes: frozenset[str]

    @property
    def first_line(self) -> str:
        """By which the stand-in tells whom a fault struck."""
        return self.chart.documents[0].lines[0]


def known_charts(count: int, *, seed: int = 1, prefix: str = "") -> list[Known]:
    """Each with two to five conditions at random places; the same for the same seed."""
    drawn = random.Random(seed)
    return [_known(f"{prefix}{number}", drawn) for number in range(count)]


def _known(name: str, drawn: random.Random) -> Known:
    lines = [drawn.choice(_BETWEEN) for _ in range(LINES)]
    terms = drawn.sample(DIAGNOSES, drawn.randint(2, 5))
    for place, (term, _, _) in zip(drawn.sample(range(LINES), len(terms)), terms, strict=True):
        lines[place] = drawn.choice(_AROUND).format(term)
    text = "\n".join([f"Visit {name}", *lines])
    chart = ChartText(
        id=name,
        documents=(ChartDocument("1", text, type="Progress note", author_role="physician"),),
        claim_type="professional",
        date_of_service=dt.date(2026, 5, 4),
    )
    return Known(chart, frozenset(code for _, _, code in terms))
