"""What the knowledge layer is sure of: which places of a chart need no language model, by rules that are set.

A term is one place that names a condition: cited by a suggestion of the knowledge layer, read by it as context, or
found by the catalog's lookup. Each is settled by the first rule that holds for it, or asked about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields

from django.conf import settings

from modelops.choices import ContextTag
from modelops.engines.embedded.lexicon import headings
from modelops.engines.embedded.standing import Standings
from modelops.engines.llm.candidates import looked_up
from modelops.engines.llm.line_lookup import LineLookup
from modelops.engines.llm.numbered import NumberedLine
from modelops.engines.types import ChartText, CodeSuggestion, EngineResult, Evidence
from modelops.errors import ModelopsError

Place = tuple[str, int]

# Words under these name nothing to be coded. What is historical or resolved may be a code of its own.
_DENIED = frozenset(
    {ContextTag.NEGATED.value, ContextTag.FAMILY.value, ContextTag.OTHER_PERSON.value}
    | {ContextTag.HYPOTHETICAL.value}
)
# Codes of a line that are looked at; a term's own is the first.
_PER_LINE = 6


class BadSureness(ModelopsError):
    """A setting that cannot be; the message names it."""

    code = "bad_sureness"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sureness:
    """Raises BadSureness for what cannot be.

    high: confidence from which the knowledge layer's answer stands. agreeing: confidence from which it stands where
    the lookup, asked about the same words, names the same code with at least `exact`; above 1: never. doubt: below this
    confidence it is sure that the code is not meant, and nobody is asked. beside: lines shown on either side of those
    asked about. term: how near
    words that only the lookup knows must be to a wording to count as a term. context: whether such words are settled
    where they are negated, of the family, another person's or hypothetical. known: whether they are settled where
    the code they lead to was settled elsewhere in the chart. left_out: parts of a note (kinds of
    lexicon/headings.csv) where such words are no terms.
    """

    high: float = 0.9
    agreeing: float = 0.6
    exact: float = 0.95
    doubt: float = 0.0
    beside: int = 1
    term: float = 0.7
    context: bool = True
    known: bool = True
    left_out: frozenset[str] = field(default_factory=frozenset)

    def __post_init__(self) -> None:
        for name in ("high", "exact", "doubt", "term"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadSureness(f"{name} must be from 0 to 1.")
        for name in ("agreeing", "beside"):
            if getattr(self, name) < 0:
                raise BadSureness(f"{name} must be at least 0.")
        if unknown := self.left_out - set(headings().values()):
            raise BadSureness(f"left_out holds what is no part of a note: {', '.join(sorted(unknown))}.")

    @classmethod
    def from_settings(cls) -> Sureness:
        """The settings HYBRID_*. Raises BadSureness."""
        return cls(
            high=settings.HYBRID_HIGH,
            agreeing=settings.HYBRID_AGREEING,
            exact=settings.HYBRID_EXACT,
            doubt=settings.HYBRID_DOUBT,
            beside=settings.HYBRID_BESIDE,
            term=settings.HYBRID_TERM,
            context=settings.HYBRID_CONTEXT,
            known=settings.HYBRID_KNOWN,
            left_out=frozenset(settings.HYBRID_LEFT_OUT),
        )

    @property
    def said(self) -> str:
        """All of it in one line, as it is stored with a prediction."""
        values = ((one.name, getattr(self, one.name)) for one in fields(self))
        return " ".join(f"{name}={_written(value)}" for name, value in values)


def _written(value: object) -> str:
    if isinstance(value, frozenset):
        return ",".join(sorted(value)) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value).lower()


@dataclass(frozen=True, slots=True)
class Term:
    """Words of one line that the lookup knows, with the code they most likely lead to."""

    document_id: str
    line: int
    col_start: int
    col_end: int
    code: str
    score: float


class LookupTerms:
    """Finds what the knowledge layer may not know: by the catalog's lookup, line by line."""

    def __init__(self, lookup: LineLookup) -> None:
        self._lookup = lookup

    def terms(self, lines: Sequence[NumberedLine], release_id: int) -> list[Term]:
        """The best code of each words; words over two lines as one term of each."""
        by_number = {line.number: line for line in lines}
        found = []
        for place in looked_up(self._lookup, lines, release_id, _PER_LINE):
            if place.glimpse.rank:
                continue
            for segment in place.segments:
                line = by_number[segment.number]
                found.append(
                    Term(
                        line.document_id,
                        line.line,
                        segment.col_start,
                        segment.col_end,
                        place.glimpse.code,
                        place.glimpse.score,
                    )
                )
        return found


@dataclass(frozen=True, slots=True)
class Settled:
    """The suggestions that stand, those to ask about, those that are not worth it, the lines of terms to ask about, and
    how many terms each rule settled: confidence, agreement, context, doubt, known."""

    stand: tuple[CodeSuggestion, ...]
    unsure: tuple[CodeSuggestion, ...]
    doubted: tuple[CodeSuggestion, ...]
    asked: frozenset[Place]
    terms: int
    terms_asked: int
    by_rule: Counter[str]


def settle(
    sure: Sureness, chart: ChartText, known: EngineResult, terms: Sequence[Term], standings: Standings | None
) -> Settled:
    """`standings` may be None where the context of terms is not looked at."""
    by_line: dict[Place, list[Term]] = {}
    for term in terms:
        by_line.setdefault((term.document_id, term.line), []).append(term)
    stand, agreed, unsure, doubted = [], [], [], []
    for said in known.suggestions:
        if said.confidence >= sure.high:
            stand.append(said)
        elif said.confidence >= sure.agreeing and _agree(said, by_line, sure.exact):
            agreed.append(said)
        elif said.confidence < sure.doubt:
            doubted.append(said)
        else:
            unsure.append(said)
    of_stand = Spans(place for said in stand for place in said.evidence)
    of_agreed = Spans((place for said in agreed for place in said.evidence), of_stand)
    of_context = Spans((mention.evidence for mention in known.context), of_stand, of_agreed)
    of_unsure = Spans(place for said in unsure for place in said.evidence)
    before = (of_stand, of_agreed, of_context, of_unsure)
    of_doubted = Spans((place for said in doubted for place in said.evidence), *before)
    codes = {said.code for said in (*stand, *agreed)}
    others, denied, told = Spans(()), Spans(()), Spans(())
    for term in sorted(terms, key=lambda one: -one.score):
        span = (term.document_id, term.line, term.col_start, term.col_end)
        counted = (*before, of_doubted, others, denied, told)
        if term.score < sure.term or any(spans.meets(*span) for spans in counted):
            continue
        standing = standings.at(*span) if standings is not None else None
        if standing is not None and standing.section in sure.left_out:
            continue
        if sure.context and standing is not None and standing.tags & _DENIED:
            denied.put(*span)
        elif sure.known and term.code in codes:
            told.put(*span)
        else:
            others.put(*span)
    rules = Counter(
        confidence=of_stand.count,
        agreement=of_agreed.count,
        context=of_context.count + denied.count,
        doubt=of_doubted.count,
        known=told.count,
    )
    asked = of_unsure.count + others.count
    order = {id(said): place for place, said in enumerate(known.suggestions)}
    return Settled(
        tuple(sorted((*stand, *agreed), key=lambda said: order[id(said)])),
        tuple(unsure),
        tuple(doubted),
        frozenset({*of_unsure.lines, *others.lines}),
        rules.total() + asked,
        asked,
        rules,
    )


def _agree(said: CodeSuggestion, by_line: dict[Place, list[Term]], exact: float) -> bool:
    """Whether the lookup names the same code for words of its evidence."""
    return any(
        term.code == said.code and term.score >= exact and _meets(term, place)
        for place in said.evidence
        for line in range(place.line_start, place.line_end + 1)
        for term in by_line.get((place.document_id, line), ())
    )


def _meets(term: Term, place: Evidence) -> bool:
    start = place.col_start if term.line == place.line_start else 0
    end = place.col_end if term.line == place.line_end else 1 << 30
    return term.col_start < end and start < term.col_end


class Spans:
    """Places of a chart, those that touch counted once; none that touches one of `besides`."""

    def __init__(self, places: Iterable[Evidence], *besides: Spans) -> None:
        self._by_line: dict[Place, list[tuple[int, int]]] = {}
        self.count = 0
        for place in places:
            self._add(place, (self, *besides))

    @property
    def lines(self) -> Iterable[Place]:
        return self._by_line

    def _add(self, place: Evidence, known: Sequence[Spans]) -> None:
        new = False
        for line in range(place.line_start, place.line_end + 1):
            start = place.col_start if line == place.line_start else 0
            end = place.col_end if line == place.line_end else 1 << 30
            if not any(spans.meets(place.document_id, line, start, end) for spans in known):
                self._by_line.setdefault((place.document_id, line), []).append((start, end))
                new = True
        self.count += new

    def put(self, document_id: str, line: int, start: int, end: int) -> None:
        self._by_line.setdefault((document_id, line), []).append((start, end))
        self.count += 1

    def meets(self, document_id: str, line: int, start: int, end: int) -> bool:
        return any(start < last and first < end for first, last in self._by_line.get((document_id, line), ()))
