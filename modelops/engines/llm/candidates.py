"""Look up before coding: the codes that the catalog finds in the lines of a window, to be named in the prompt.

Two sources: the catalog's lookup, line by line, and the knowledge layer (the embedded engine), which reads a whole
document in its context and combines codes. What the lookup found in a line is kept by the line's hash, so that text
copied forward, windows that overlap and charts read again cost nothing; no text is kept.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from catalog.lookup.glance import Glance, Glimpse
from catalog.lookup.service import lookup_for
from catalog.models import Release
from modelops.engines.embedded.tokens import continues
from modelops.engines.llm.ports import Candidate, Line, Segment
from modelops.engines.types import ChartDocument, ChartText, Engine, Evidence

# Above every score of the lookup: what was read in its context leads.
_KNOWN = 2.0
_SEGMENTS = 4
# Of two lines of one sentence, how much of each is read across their border.
_ACROSS = 48
_LINES_KEPT = 50_000
_RELEASES_KEPT = 2

_Found = tuple[Glimpse, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """`per_line`: codes of a line that the lookup may name; `most`: codes of a window; `least`: see Glance."""

    per_line: int = 6
    most: int = 120
    least: float = 0.5


class CatalogGrounding:
    """The shipped Grounding. `knowledge`: the engine whose suggestions lead, None for the lookup alone."""

    def __init__(self, limits: Limits | None = None, knowledge: Engine | None = None) -> None:
        self._limits = limits or Limits()
        self._knowledge = knowledge
        self._glances: OrderedDict[int, Glance] = OrderedDict()
        self._lines: OrderedDict[bytes, _Found] = OrderedDict()
        self._lock = threading.Lock()
        # The knowledge layer takes long and keeps caches of its own: one thread at a time, none waits for its lines.
        self._knowing = threading.Lock()

    def candidates(self, chart: ChartText, lines: Sequence[Line], release_id: int) -> tuple[Candidate, ...]:
        """See ports.Grounding. Every line's best candidate stands before any line's second."""
        found = _Gathered()
        for candidate in self._known(chart, lines, release_id):
            found.add(candidate, rank=0)
        glance = self._glance(release_id)
        before: Line | None = None
        for line in lines:
            for glimpse in self._line(glance, release_id, line.text, self._limits.per_line):
                segment = _segment(line, glimpse.col_start, glimpse.col_end)
                found.add(_candidate(glimpse, (segment,)), glimpse.rank)
            if before is not None and before.document_id == line.document_id:
                for rank, candidate in self._across(glance, release_id, before, line):
                    found.add(candidate, rank)
            before = line
        return found.best(self._limits.most)

    def _glance(self, release_id: int) -> Glance:
        """Over the release's index as it is now: tables that were loaded since make another."""
        lookup = lookup_for(Release.objects.get(pk=release_id))
        with self._lock:
            known = self._glances.get(release_id)
            if known is None or known.lookup is not lookup:
                known = self._glances[release_id] = Glance(lookup, least=self._limits.least)
                self._lines.clear()
                while len(self._glances) > _RELEASES_KEPT:
                    self._glances.popitem(last=False)
            self._glances.move_to_end(release_id)
            return known

    def _line(self, glance: Glance, release_id: int, text: str, limit: int) -> _Found:
        if not can_name(text):
            return ()
        key = hashlib.blake2b(f"{release_id}\x00{text}".encode("utf-8", "replace"), digest_size=16).digest()
        with self._lock:
            known = self._lines.get(key)
            if known is not None:
                self._lines.move_to_end(key)
                return known
        found = tuple(glance.line(text, limit))
        with self._lock:
            self._lines[key] = found
            while len(self._lines) > _LINES_KEPT:
                self._lines.popitem(last=False)
        return found

    def _across(
        self, glance: Glance, release_id: int, first: Line, second: Line
    ) -> Iterable[tuple[int, Candidate]]:
        """What the end of a line and the beginning of the next name together, where one sentence runs on."""
        if second.line != first.line + 1 or not continues(first.text, second.text):
            return
        tail = _from_word(first.text.rstrip(), _ACROSS)
        head_start = len(second.text) - len(second.text.lstrip())
        head = _to_word(second.text[head_start:], _ACROSS)
        joined = f"{first.text.rstrip()[tail:]} {head}"
        border = len(first.text.rstrip()) - tail
        for glimpse in self._line(glance, release_id, joined, 2 * self._limits.per_line):
            if glimpse.col_start < border < glimpse.col_end:
                segments = (
                    _segment(first, tail + glimpse.col_start, tail + border),
                    _segment(second, head_start, head_start + glimpse.col_end - border - 1),
                )
                yield glimpse.rank, _candidate(glimpse, segments)

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


def can_name(text: str) -> bool:
    """Whether the line may name a condition: one word of three letters, or a short form in capitals."""
    letters = 0
    for character in text:
        letters = letters + 1 if character.isalpha() else 0
        if letters >= 3:
            return True
    return any(len(word) > 1 and word.isupper() and word.isalpha() for word in text.split())


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
