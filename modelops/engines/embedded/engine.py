"""The default engine: names of codes found line by line, read in their context, combined by rules. No GPU."""

from __future__ import annotations

from catalog.choices import CodeSystem
from modelops.engines.embedded import combine, scoring
from modelops.engines.embedded.chart import ChartFacts, facts
from modelops.engines.embedded.classify import Sorted, classify
from modelops.engines.embedded.combine import Candidate
from modelops.engines.embedded.drugs import drug_effects
from modelops.engines.embedded.explain import rationale
from modelops.engines.embedded.mentions import Mention, ReadDocument, mentions, read
from modelops.engines.embedded.patterns import measured
from modelops.engines.embedded.procedures import procedures_done
from modelops.engines.embedded.terms import Vocabulary, vocabulary
from modelops.engines.types import ChartText, CodeSuggestion, EngineInfo, EngineResult, Evidence
from modelops.errors import EngineError

VERSION = "1"
# More places than five show nothing more, and evaluation does not count them.
_EVIDENCE = 5


class EmbeddedEngine:
    """Made at once; what is heavy is loaded with the first chart of a release and kept for the process."""

    info = EngineInfo(
        name="embedded",
        model_version=f"embedded-{VERSION}",
        calibrated=False,
        details={"method": "catalog terms and lexicon with context rules"},
    )

    def predict(self, chart: ChartText, release_id: int) -> EngineResult:
        """See the Engine protocol. Raises EngineError (not retryable) when the release holds no codes."""
        words = vocabulary(release_id)
        if not words.nodes:
            vocabulary.cache_clear()
            raise EngineError("The catalog release holds no codes.")
        known = facts(chart)
        documents = [
            read(number, document, inpatient=known.inpatient_facility)
            for number, document in enumerate(chart.documents)
        ]
        found: list[Mention] = []
        for document in documents:
            found.extend(mentions(document, words, known))
        found.extend(measured(documents, known))
        found.extend(drug_effects(documents, words))
        sorted_mentions = classify(found, known, words)
        candidates = _candidates(sorted_mentions, words)
        candidates = combine.combine(candidates, words)
        combine.stage_pressure_ulcers(candidates, words)
        combine.leave_present_procedures(candidates)
        combine.leave_active_from_history(candidates)
        combine.in_pregnancy(candidates, known, words)
        candidates = combine.more_specific_wins(candidates, words)
        combine.leave_unsupported(candidates)
        combine.lower_conflicts(candidates, words)
        combine.lower_integral(candidates)
        procedures, other_procedures = procedures_done(documents, chart)
        sorted_mentions.context.extend(other_procedures)
        diagnoses = [_suggestion(c, sorted_mentions, words) for c in _in_order(candidates)]
        return EngineResult(
            suggestions=(*diagnoses, *procedures),
            context=tuple(
                sorted_mentions.context_in_order({d.document_id: n for n, d in enumerate(chart.documents)})
            ),
            discarded=tuple(sorted_mentions.discarded.values()),
        )


def _candidates(found: Sorted, words: Vocabulary) -> dict[str, Candidate]:
    by_code: dict[str, Candidate] = {}
    for mention in found.kept:
        candidate = by_code.setdefault(mention.code, Candidate(mention.code, [], told=mention.told))
        candidate.mentions.append(mention)
    for candidate in by_code.values():
        shared = set.intersection(*(m.tags for m in candidate.mentions))
        candidate.tags = shared
        names = scoring.features(candidate, words, found.denied)
        candidate.score, candidate.doubted = scoring.points(names), "denied elsewhere" in names
    return by_code


def _in_order(candidates: dict[str, Candidate]) -> list[Candidate]:
    return sorted(candidates.values(), key=lambda c: (min(m.order for m in c.mentions), c.code))


def _suggestion(candidate: Candidate, found: Sorted, words: Vocabulary) -> CodeSuggestion:
    names = scoring.features(candidate, words, found.denied)
    score = scoring.points(names)
    if candidate.made_of:
        score = min(score, candidate.score + scoring.weights().get("combined", 0.0))
    return CodeSuggestion(
        system=CodeSystem.ICD10CM.value,
        code=candidate.code,
        description=words.title(candidate.code),
        confidence=scoring.confidence(score, bool(candidate.lowered)),
        rationale=rationale(candidate, names),
        evidence=_evidence(candidate),
        context=tuple(sorted(str(tag) for tag in candidate.tags)),
    )


def _evidence(candidate: Candidate) -> tuple[Evidence, ...]:
    """The strongest first, one a line, at most five."""
    ranked = sorted(candidate.mentions, key=lambda m: (-scoring.mention_points(m), m.order))
    by_place: dict[tuple[str, int], Evidence] = {}
    for mention in ranked:
        by_place.setdefault((mention.evidence.document_id, mention.evidence.line_start), mention.evidence)
    return tuple(by_place.values())[:_EVIDENCE]


__all__ = ["ChartFacts", "EmbeddedEngine", "ReadDocument"]
