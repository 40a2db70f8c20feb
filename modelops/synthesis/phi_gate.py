"""Refuses texts that hold what could identify somebody. Rules alone, the same answer each time.

The recognizers are those of the datasets (modelops/datasets/identifiers.py): names, record numbers, contacts, places,
dates, ages of ninety and above. A date that the writer was told to write is let through, and a name's doubt counts as
a name: a text that is refused costs nothing, one that is let through may cost a person.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from modelops.datasets.identifier_forms import DATE, PLACE
from modelops.datasets.identifiers import Known, Recognizer, words_beside
from modelops.datasets.ordinary_words import OF_CHARTS, OrdinaryWords
from modelops.synthesis.tables import TEMPLATES
from modelops.synthesis.types import Order

_LINES_KEPT = 20_000
# Of headings and signatures.
_ALSO = (
    "signed",
    "electronically",
    "dictated",
    "colles",
    "service",
    "sex",
    "age",
    "dos",
    "np",
    "md",
    "do",
    "she",
    "he",
    "her",
    "his",
    "him",
    "we",
    "resident",
    "attending",
    "physician",
)


@dataclass(frozen=True, slots=True)
class Found:
    """`kind` as the recognizers name it, at a line from 1; the text itself is not carried along."""

    kind: str
    line: int
    start: int
    end: int


class PhiGate:
    """`ordinary`: words that are nobody's name, besides those of the templates; titles of the catalog for instance.
    `doubts`: words that may be a name count as one. Off for a writer whose words are all known, misspelt as they are.
    """

    def __init__(self, ordinary: Iterable[str] = (), *, doubts: bool = True) -> None:
        words = {*words_beside([*ordinary, *_template_texts()]), *_ALSO, *OF_CHARTS}
        self._doubts = doubts
        self._recognizer = Recognizer(Known(), OrdinaryWords(words))
        self._lines: OrderedDict[str, tuple[tuple[str, int, int], ...]] = OrderedDict()

    def __call__(self, order: Order, text: str) -> str:
        """Why the text may not be used: "phi: name, date"; empty where it may."""
        kinds = sorted({found.kind for found in self.found(order, text)})
        return f"phi: {', '.join(kinds)}" if kinds else ""

    def kinds(self, text: str) -> tuple[str, ...]:
        """What a text without a date of its own holds."""
        return tuple(sorted({kind for line in text.split("\n") for kind, _, _ in self._of_line(line)}))

    def found(self, order: Order, text: str) -> list[Found]:
        told = {order.date.strftime(form) for form in TOLD_DATES}
        return [
            Found(kind, number, start, end)
            for number, line in enumerate(text.split("\n"), start=1)
            for kind, start, end in self._of_line(line)
            if not (kind == DATE and line[start:end].lower() in {date.lower() for date in told})
        ]

    def _of_line(self, line: str) -> tuple[tuple[str, int, int], ...]:
        known = self._lines.get(line)
        if known is None:
            spans, doubts = self._recognizer.find(line)
            known = (
                *(
                    (span.kind, span.start, span.end)
                    for span in spans
                    if not (span.kind == PLACE and line[span.start : span.end].isupper())
                ),
                *((doubt, 0, 0) for doubt in doubts if self._doubts),
            )
            self._lines[line] = known
            if len(self._lines) > _LINES_KEPT:
                self._lines.popitem(last=False)
        return known


# How a hand may write the day that it was told, with and without the year.
TOLD_DATES: tuple[str, ...] = (
    "%m/%d/%Y",
    "%Y-%m-%d",
    "%d %b %Y",
    "%m/%d/%y",
    "%B %d, %Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%m/%d",
    "%B %d",
    "%d %b",
)


def _template_texts() -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.iterdir()) if path.is_file()]
