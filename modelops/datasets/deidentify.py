"""A real patient's chart with other names, numbers and days, or refused.

Lines stay lines, and every place of evidence keeps pointing at its words, changed as they are. One name becomes the
same name in all charts of a patient, all days move by the same number of weeks. What is left over when the rules have
run is measured on planted identifiers (docs/datasets.md); where a word may be a name and may not, the chart is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from modelops.datasets.examples import Label, TrainingExample, words_at
from modelops.datasets.identifier_forms import AGE, CONTACT, DATE, NAME, PLACE
from modelops.datasets.identifiers import ODD_DATE, Known, Recognizer
from modelops.datasets.ordinary_words import OrdinaryWords
from modelops.datasets.shifted_dates import OLDEST, shift
from modelops.datasets.surrogates import Surrogates
from modelops.engines.types import ChartDocument, ChartText, Evidence
from modelops.errors import ModelopsError


class Doubtful(ModelopsError):
    """The chart is refused. `reasons` counts what was in doubt; no word of the chart is in here."""

    code = "doubtful"

    def __init__(self, reasons: Mapping[str, int]) -> None:
        super().__init__(f"In doubt: {', '.join(f'{n} {name}' for name, n in sorted(reasons.items()))}.")
        self.reasons = dict(reasons)


@dataclass(frozen=True, slots=True)
class Deidentified:
    """`replaced` counts by kind of identifier."""

    example: TrainingExample
    replaced: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    edits: tuple[_Edit, ...]

    def column(self, column: int, *, end: bool) -> int:
        """Where a column of the old line lies in the new one; within a replaced word its beginning or end."""
        moved = column
        for edit in self.edits:
            if column >= edit.end:
                moved += len(edit.text) - (edit.end - edit.start)
            elif column > edit.start:
                return moved - (column - edit.start) + (len(edit.text) if end else 0)
        return moved


class Deidentifier:
    """`key` is the site's own and never leaves it; with another key the same chart gets other names."""

    def __init__(self, key: bytes, ordinary: OrdinaryWords) -> None:
        """Raises ValueError for a key that is too short to keep anything."""
        if len(key) < 16:
            raise ValueError("the key has at least 16 bytes")
        self._key = key
        self._ordinary = ordinary

    def apply(self, example: TrainingExample, known: Known) -> Deidentified:
        """Raises Doubtful."""
        work = _Work(
            example, known, Surrogates(self._key, example.patient), Recognizer(known, self._ordinary)
        )
        return work.done()


class _Work:
    def __init__(
        self, example: TrainingExample, known: Known, surrogates: Surrogates, recognizer: Recognizer
    ) -> None:
        self._example = example
        self._known = known
        self._surrogates = surrogates
        self._recognizer = recognizer
        self._replaced: Counter[str] = Counter()
        self._doubts: Counter[str] = Counter()
        self._year = _reference_year(example.chart)

    def done(self) -> Deidentified:
        chart = self._example.chart
        lines = {d.document_id: [self._line(text) for text in d.lines] for d in chart.documents}
        changed = replace(
            chart,
            documents=tuple(self._document(d, lines[d.document_id]) for d in chart.documents),
            date_of_service=self._day(chart.date_of_service),
            admit_date=self._day(chart.admit_date),
            discharge_date=self._day(chart.discharge_date),
            age=_age(chart),
        )
        labels = tuple(self._label(label, changed, lines) for label in self._example.labels)
        if self._doubts:
            raise Doubtful(self._doubts)
        return Deidentified(
            replace(self._renamed(), chart=changed, labels=labels, phi=False),
            dict(sorted(self._replaced.items())),
        )

    def _renamed(self) -> TrainingExample:
        """The row does not say an id that came with the chart: it may be the name of a file."""
        example = self._example
        named = self._known.chart_id
        if not named:
            return example
        mark = f"chart-{self._surrogates.mark(named)}"
        return replace(
            example,
            id=f"{example.id.removesuffix(named)}{mark}",
            provenance=replace(example.provenance, chart=mark),
        )

    def _document(self, document: ChartDocument, lines: list[_Line]) -> ChartDocument:
        authored = document.authored_at
        return replace(
            document,
            text="\n".join(line.text for line in lines),
            type=self._line(document.type).text,
            author_role=self._line(document.author_role).text,
            authored_at=authored + timedelta(days=self._surrogates.days) if authored else None,
        )

    def _day(self, day: date | None) -> date | None:
        return self._surrogates.day(day) if day is not None else None

    def _label(self, label: Label, changed: ChartText, lines: Mapping[str, list[_Line]]) -> Label:
        places = tuple(self._place(place, changed, lines[place.document_id]) for place in label.evidence)
        return replace(label, evidence=places, rationale=self._line(label.rationale).text)

    @staticmethod
    def _place(place: Evidence, changed: ChartText, lines: list[_Line]) -> Evidence:
        moved = replace(
            place,
            col_start=lines[place.line_start - 1].column(place.col_start, end=False),
            col_end=lines[place.line_end - 1].column(place.col_end, end=True),
        )
        return replace(moved, quote=words_at(changed, moved))

    def _line(self, text: str) -> _Line:
        spans, doubts = self._recognizer.find(text)
        self._doubts.update(doubts)
        edits: list[_Edit] = []
        for span in spans:
            self._replaced[span.kind] += 1
            edits.append(_Edit(span.start, span.end, self._instead(span.kind, span.text)))
        made, at = [], 0
        for edit in edits:
            made += [text[at : edit.start], edit.text]
            at = edit.end
        return _Line("".join((*made, text[at:])), tuple(edits))

    def _instead(self, kind: str, found: str) -> str:
        if kind == DATE:
            shifted = shift(found, self._surrogates, self._year)
            if shifted is None:
                self._doubts[ODD_DATE] += 1
            return shifted or ""
        if kind == AGE:
            # Of a year of birth the year that makes them as old.
            born = int(found) if re.fullmatch(r"\d{4}", found) else 0
            return str(max(born, self._year - OLDEST) if born else OLDEST)
        if kind == NAME:
            return self._surrogates.name(found)
        # An account may be called after a person: tolliver-1931.
        if kind in (PLACE, CONTACT) or re.search(r"[^\W\d_]{4,}", found):
            return self._words(found)
        return self._surrogates.digits(found)

    def _words(self, found: str) -> str:
        """A place or an address: its words become other names, its digits other digits."""
        made, at = [], 0
        for match in _words_of(found):
            made += [found[at : match[0]], self._surrogates.name(found[match[0] : match[1]])]
            at = match[1]
        return self._surrogates.digits("".join((*made, found[at:])))


def _words_of(text: str) -> list[tuple[int, int]]:
    found, start = [], -1
    for at, character in enumerate(f"{text} "):
        inside = character.isalpha() or character in "'’"
        if inside and start < 0:
            start = at
        elif not inside and start >= 0:
            if text[start:at] not in _KEPT:
                found.append((start, at))
            start = -1
    return found


# fmt: off
# What an address may keep: it says of what kind it is, not whose.
_KEPT = frozenset((
    "Street", "St", "Avenue", "Ave", "Road", "Rd", "Drive", "Dr", "Lane", "Ln", "Court", "Ct", "Boulevard",
    "Blvd", "Way", "Place", "Pl", "Terrace", "Highway", "Hwy", "Circle", "Parkway", "Pkwy", "Apt", "Unit",
    "Suite", "Ste", "N", "S", "E", "W", "PO", "Box", "com", "org", "net", "edu", "gov", "www", "http",
    "https",
))
# fmt: on


def _reference_year(chart: ChartText) -> int:
    for day in (chart.discharge_date, chart.date_of_service, chart.admit_date):
        if day is not None:
            return day.year
    authored = next((d.authored_at for d in chart.documents if d.authored_at is not None), None)
    if authored:
        return authored.year
    written = (int(year) for d in chart.documents for year in re.findall(r"(?<!\d)20[0-3]\d(?!\d)", d.text))
    return max(written, default=2000)


def _age(chart: ChartText) -> float | None:
    if chart.age is None or chart.age_unit != "years":
        return chart.age
    return min(chart.age, float(OLDEST))
