"""Look up before coding: the codes that the catalog finds in the lines of a window, to be named in the prompt.

Two sources: the catalog's lookup, line by line (line_lookup.py), and the knowledge layer (the embedded engine), which
reads a whole document in its context and combines codes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from catalog.lookup.glance import Glimpse
from modelops.engines.embedded.tokens import continues
from modelops.engines.llm.line_lookup import LEAST, LineLookup
from modelops.engines.llm.ports import Candidate, Line, Segment
from modelops.engines.types import ChartDocument, ChartText, Engine, Evidence

# Above every score of the lookup: what was read in its context leads.
_KNOWN = 2.0
_SEGMENTS = 4
# Of two lines of one sentence, how much of each is read across their border.
_ACROSS = 48


@dataclass(frozen=True, slots=True)
class Limits:
    """`per_line`: codes of a line that the lookup may name; `most`: codes of a window; `least`: how near the words
    must be to a wording of the code, 0 to 1."""

    per_line: int = 6
    most: int = 120
    least: float = LEAST


class CatalogGrounding:
    """The shipped Grounding. `knowledge`: the engine whose suggestions lead, None for the lookup alone; `lookup`: one
    that others use too."""

    def __init__(
        self,
        limits: Limits | None = None,
        knowledge: Engine | None = None,
        lookup: LineLookup | None = None,
    ) -> None:
        self._limits = limits or Limits()
        self._knowledge = knowledge
        self._lookup = lookup or LineLookup(self._limits.least)
        # The knowledge layer takes long and keeps caches of its own: one thread at a time, none waits for its lines.
        self._knowing = threading.Lock()

    @property
    def said(self) -> str:
        limits = self._limits
        knowledge = self._knowledge.info.model_version if self._knowledge is not None else "no"
        return f"per_line={limits.per_line} most={limits.most} least={limits.least:g} knowledge={knowledge}"

    def candidates(self, chart: ChartText, lines: Sequence[Line], release_id: int) -> tuple[Candidate, ...]:
        """See ports.Grounding. Every line's best candidate stands before any line's second."""
        found = _Gathered()
        for candidate in self._known(chart, lines, release_id):
            found.add(candidate, rank=0)
        for place in looked_up(self._lookup, lines, release_id, self._limits.per_line):
            if place.glimpse.score >= self._limits.least:
                found.add(_candidate(place.glimpse, place.segments), place.glimpse.rank)
        return found.best(self._limits.most)

    def _known(self, chart: ChartText, lines: Sequence[Line], release_id: int) -> Iterable[Candidate]:
        if self._knowledge is None or not lines:
            return
        documents, numbers = _documents(chart, lines)
        shown = replace(chart, documents=documents, procedure_releases={})
        with self._knowing:
            result = self._knowledge.predict(shown, release_id)
        by_number = {line.number: line for line in lines}
        for said in sorted(result.suggestions, key=lambda one: -one.confidence):
            segments = tuple(
                segment for place in said.evidence for segment in _segments(place, numbers, by_number)
            )
            yield Candidate(said.code, said.description, segments, _KNOWN + said.confidence)


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A code that the lookup found, and the words of one line or of two that led to it."""

    glimpse: Glimpse
    segments: tuple[Segment, ...]


def looked_up(
    lookup: LineLookup, lines: Sequence[Line], release_id: int, per_line: int
) -> Iterable[LookedUp]:
    """Line by line, and where one sentence runs on what the end of a line and the beginning of the next name."""
    across = [
        _Across(first, second)
        for first, second in pairwise(lines)
        if first.document_id == second.document_id
        and second.line == first.line + 1
        and continues(first.text, second.text)
    ]
    texts = [(line.text, per_line) for line in lines] + [(two.text, 2 * per_line) for two in across]
    found = lookup.find(release_id, texts)
    for line, of_line in zip(lines, found[: len(lines)], strict=True):
        for glimpse in of_line:
            yield LookedUp(glimpse, (_segment(line, glimpse.col_start, glimpse.col_end),))
    for two, of_two in zip(across, found[len(lines) :], strict=True):
        for glimpse in of_two:
            if glimpse.col_start < two.border < glimpse.col_end:
                yield LookedUp(glimpse, two.segments(glimpse.col_start, glimpse.col_end))


class _Across:
    """The end of a line and the beginning of the next as one text; `border` is where the first ends in it."""

    def __init__(self, first: Line, second: Line) -> None:
        self._first, self._second = first, second
        end = first.text.rstrip()
        self._tail = _from_word(end, _ACROSS)
        self._head = len(second.text) - len(second.text.lstrip())
        self.border = len(end) - self._tail
        self.text = f"{end[self._tail :]} {_to_word(second.text[self._head :], _ACROSS)}"

    def segments(self, start: int, end: int) -> tuple[Segment, Segment]:
        return (
            _segment(self._first, self._tail + start, self._tail + self.border),
            _segment(self._second, self._head, self._head + end - self.border - 1),
        )


class _Gathered:
    """Candidates by code, with the best rank that a line gave them."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[int, Candidate]] = {}

    def add(self, candidate: Candidate, rank: int) -> None:
        known = self._found.get(candidate.code)
        if known is None:
            self._found[candidate.code] = rank, candidate
            return
        best, former = known
        segments = tuple(dict.fromkeys((*former.segments, *candidate.segments)))[:_SEGMENTS]
        score = max(former.score, candidate.score)
        self._found[candidate.code] = min(best, rank), replace(former, segments=segments, score=score)

    def best(self, most: int) -> tuple[Candidate, ...]:
        ordered = sorted(self._found.values(), key=lambda one: (one[0], -one[1].score, one[1].code))
        return tuple(candidate for _, candidate in ordered[:most])


def _candidate(glimpse: Glimpse, segments: tuple[Segment, ...]) -> Candidate:
    return Candidate(glimpse.code, glimpse.title, segments, glimpse.score)


def _segment(line: Line, start: int, end: int) -> Segment:
    return Segment(line.number, start, end, line.text[start:end])


def _documents(
    chart: ChartText, lines: Sequence[Line]
) -> tuple[tuple[ChartDocument, ...], dict[tuple[str, int], int]]:
    """The shown lines as documents, and by (document, line in it) the number of each in the chart."""
    by_id = {document.document_id: document for document in chart.documents}
    texts: dict[str, list[str]] = {}
    numbers: dict[tuple[str, int], int] = {}
    for line in lines:
        of_document = texts.setdefault(line.document_id, [])
        of_document.append(line.text)
        numbers[line.document_id, len(of_document)] = line.number
    documents = tuple(
        replace(by_id[name], text="\n".join(of_document))
        for name, of_document in texts.items()
        if name in by_id
    )
    return documents, numbers


def _segments(
    place: Evidence, numbers: dict[tuple[str, int], int], by_number: dict[int, Line]
) -> Iterable[Segment]:
    for line in range(place.line_start, place.line_end + 1):
        number = numbers[place.document_id, line]
        text = by_number[number].text
        start = place.col_start if line == place.line_start else 0
        end = place.col_end if line == place.line_end else len(text)
        if end > start:
            yield Segment(number, start, end, text[start:end])


def _from_word(text: str, most: int) -> int:
    """The place of the first word of the last `most` characters."""
    if len(text) <= most:
        return 0
    space = text.find(" ", len(text) - most)
    return space + 1 if space >= 0 else len(text) - most


def _to_word(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    space = text.rfind(" ", 0, most)
    return text[: space if space > 0 else most]
