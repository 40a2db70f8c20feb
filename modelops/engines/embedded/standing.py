"""How words stand in a note that no rule of this engine named: in which part, under which context."""

from __future__ import annotations

from dataclasses import dataclass

from modelops.choices import ContextTag
from modelops.engines.embedded.chart import facts
from modelops.engines.embedded.mentions import ReadDocument, read, tags_at
from modelops.engines.types import ChartText


@dataclass(frozen=True, slots=True)
class Standing:
    """`section`: a kind of lexicon/headings.csv, or start, body, other; `tags`: of ContextTag, and resolved."""

    section: str
    tags: frozenset[str]


class Standings:
    """Over the documents of one chart."""

    def __init__(self, chart: ChartText) -> None:
        known = facts(chart)
        self._documents = {
            document.document_id: _Places(read(number, document, inpatient=known.inpatient_facility))
            for number, document in enumerate(chart.documents)
        }

    def at(self, document_id: str, line: int, start: int, end: int) -> Standing:
        """Of the words from column `start` to `end` (exclusive) of a line."""
        return self._documents[document_id].at(line, start, end)


class _Places:
    def __init__(self, document: ReadDocument) -> None:
        self._document = document
        # By line: start, end, clause, place in the clause of each word.
        self._words: dict[int, list[tuple[int, int, int, int]]] = {}
        for clause, tokens in enumerate(document.clauses):
            for place, token in enumerate(tokens):
                end = token.end if token.last_line == token.line else 1 << 30
                self._words.setdefault(token.line, []).append((token.start, end, clause, place))

    def at(self, line: int, start: int, end: int) -> Standing:
        document = self._document
        section = document.sections.kind_at(line, start)
        inside = [
            (clause, place)
            for first, last, clause, place in self._words.get(line, ())
            if first < end and last > start
        ]
        tags: set[str] = set()
        for clause in {clause for clause, _ in inside}:
            places = [place for of, place in inside if of == clause]
            tags |= tags_at(document.scopes[clause], min(places), max(places))
        if section == "family":
            tags.add(ContextTag.FAMILY)
        return Standing(section, frozenset(str(tag) for tag in tags))
