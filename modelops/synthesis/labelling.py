"""The second phase: a note is split into lines, candidates are looked up for each, and codes are chosen with the lines
that tell them. What was ordered and not attributed, and what was found besides and does not stand, is told as discards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from catalog.choices import CodeSystem
from catalog.edits.engine import check
from catalog.edits.knowledge import Knowledge
from catalog.edits.types import CodeLine, EncounterFacts, Result, Severity
from modelops.engines.llm.numbered import number_lines
from modelops.engines.llm.ports import Candidate, Grounding
from modelops.engines.types import ChartDocument, ChartText, CodeSuggestion, Engine
from modelops.interchange import LONE_DOCUMENT_ID
from modelops.synthesis.types import CandidateSeen, Discard, Labelled, Order, Supported, Written
from modelops.synthesis.vocabulary import Vocabulary

NOT_ATTRIBUTED = "not_attributed"
NOT_WRITTEN = "suggested_not_written"
NOT_RETRIEVED = "not_retrieved"
# A candidate this likely that nobody wrote is told: a trap that worked, or a word that says more than meant.
_LIKELY = 0.9
_KEPT = 60


def chart_text(order: Order, written: Written) -> ChartText:
    return ChartText(
        id=order.id,
        documents=(ChartDocument(LONE_DOCUMENT_ID, written.text, written.note_type, written.author_role),),
        claim_type=order.claim_type,
        setting=order.setting,
        date_of_service=order.date,
        discharge_date=order.date,
        age=float(order.person.age),
        age_unit=order.person.age_unit,
        sex=order.person.sex,
        specialty=written.specialty,
    )


class TrustedLabelling:
    """For a writer that knows what it wrote: its codes stand, each compared with what retrieval finds for its lines."""

    def __init__(self, grounding: Grounding, release_id: int) -> None:
        self._grounding = grounding
        self._release_id = release_id

    def __call__(self, order: Order, written: Written) -> Labelled:
        chart = chart_text(order, written)
        found = self._grounding.candidates(chart, number_lines(chart), self._release_id)
        seen = _seen(found)
        known = {code.code for code in written.codes}
        candidates = {one.code for one in found}
        discards = [
            Discard(code.code, NOT_RETRIEVED) for code in written.codes if code.code not in candidates
        ]
        discards += [
            Discard(one.code, NOT_WRITTEN) for one in found if one.score >= _LIKELY and one.code not in known
        ]
        return Labelled(written.codes, written.traps, seen, tuple(discards))


class EngineLabelling:
    """For a writer that does not: an engine chooses with evidence. Of what it finds besides the order, that stays which
    the code edits have nothing against; the engine's own second look has been at all of it by then."""

    def __init__(
        self, engine: Engine, release_id: int, vocabulary: Vocabulary, grounding: Grounding | None = None
    ) -> None:
        self._engine = engine
        self._release_id = release_id
        self._knowledge = Knowledge(tabular=vocabulary.tabular)
        self._grounding = grounding

    def __call__(self, order: Order, written: Written) -> Labelled:
        """Raises EngineError."""
        chart = chart_text(order, written)
        result = self._engine.predict(chart, self._release_id)
        said = {
            one.code: one for one in result.suggestions if one.system == CodeSystem.ICD10CM and one.evidence
        }
        codes = [code for code in order.codes if code in said]
        discards = [Discard(code, NOT_ATTRIBUTED) for code in order.codes if code not in said]
        discards += [Discard(one.code, one.reason) for one in result.discarded]
        for code in said:
            if code in codes:
                continue
            against = self._against([*codes, code], order)
            if against:
                discards.append(Discard(code, against))
            else:
                codes.append(code)
        found = (
            self._grounding.candidates(chart, number_lines(chart), self._release_id)
            if self._grounding
            else ()
        )
        return Labelled(
            tuple(Supported(code, lines_of(said[code])) for code in codes), (), _seen(found), tuple(discards)
        )

    def _against(self, codes: Sequence[str], order: Order) -> str:
        """The first code edit that the last code fails beside the others."""
        facts = EncounterFacts(
            claim_type=order.claim_type,
            setting=order.setting,
            discharge_date=order.date,
            service_date=order.date,
            age_years=int(order.person.years),
            sex=order.person.sex,
        )
        lines = [CodeLine(code, sequence=number) for number, code in enumerate(codes, start=1)]
        for finding in check(lines, facts, self._knowledge).findings:
            failed = finding.result is Result.FAIL and finding.severity is not Severity.INFO
            if failed and codes[-1] in finding.codes:
                return finding.check
        return ""


def lines_of(suggestion: CodeSuggestion) -> tuple[int, ...]:
    lines: Mapping[int, None] = dict.fromkeys(
        line for place in suggestion.evidence for line in range(place.line_start, place.line_end + 1)
    )
    return tuple(sorted(lines))


def _seen(found: Sequence[Candidate]) -> tuple[CandidateSeen, ...]:
    return tuple(
        CandidateSeen(one.code, one.score, tuple(sorted({segment.number for segment in one.segments})))
        for one in found[:_KEPT]
    )
