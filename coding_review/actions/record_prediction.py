"""Write what an engine gave: suggestions with evidence, context mentions, and what was discarded and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.models import Code
from coding_review import audit
from coding_review.actions.end_prediction import end_prediction
from coding_review.actions.merge_suggestions import Merged, merge_suggestions
from coding_review.choices import RUN_UNANSWERED, RunStatus
from coding_review.errors import Frozen, InvalidEvidence
from coding_review.locks import lock_code_set
from coding_review.models import (
    CodeSet,
    ContextMention,
    DiscardedOutput,
    DocumentVersion,
    PredictionRun,
    Suggestion,
    SuggestionEvidence,
)
from coding_review.places import Place, quote_at
from coding_review.run_status import settle
from coding_review.suggestion_checks import SuggestionJudge
from modelops.choices import ContextTag
from modelops.engines.bands import band_of
from modelops.engines.types import CodeSuggestion, EngineInfo, EngineResult, Evidence


@dataclass(frozen=True, slots=True)
class _Accepted:
    node: Code
    said: CodeSuggestion
    evidence: tuple[Evidence, ...]
    context: list[str]


@dataclass(slots=True)
class _Checked:
    accepted: list[_Accepted] = field(default_factory=list)
    mentions: list[ContextMention] = field(default_factory=list)
    discarded: list[DiscardedOutput] = field(default_factory=list)


@transaction.atomic
def record_prediction(
    run_id: int, attempt: int, result: EngineResult, info: EngineInfo, *, seconds: float
) -> bool:
    """Whether it was written: False where the run is no longer this attempt's, so a run gives one result.

    Nothing an engine says is taken on trust: each code is looked up in the run's release again, each
    quote compared with the text at its place.
    """
    code_set = CodeSet.objects.get(runs=run_id)
    try:
        locked = lock_code_set(code_set.pk)
    except Frozen:
        end_prediction(
            run_id,
            attempt,
            code="code_set_closed",
            message="The code set was signed off before the engine ended.",
            retryable=False,
        )
        return False
    run = (
        PredictionRun.objects.select_for_update(of=("self",), no_key=True)
        .select_related("release", "code_set__encounter")
        .get(pk=run_id)
    )
    if run.status != RunStatus.RUNNING or run.attempts != attempt:
        return False
    versions = {str(v.pk): v for v in run.documents.select_related("document")}
    checked = _check(run, result, versions)
    suggestions = _write(run, checked, versions)
    run.status, run.finished_at, run.engine_seconds = RunStatus.DONE, timezone.now(), seconds
    run.engine, run.model_version = info.name, info.model_version[:120]
    run.prompt_version, run.schema_version = info.prompt_version[:200], info.schema_version
    run.adapter, run.prompt_hash = info.adapter[:120], info.prompt_hash[:64]
    run.usage = dict(result.usage)
    run.calibration_id = info.details.get("calibration_id", "") if info.calibrated else ""
    run.error_code = run.error = ""
    run.save()
    merged = Merged()
    if not _is_outdated(run):
        merged = merge_suggestions(locked, suggestions)
    audit.record(
        "prediction.finished",
        actor=None,
        encounter=locked.encounter,
        data={
            "run_id": run.pk,
            "engine": run.engine,
            "model_version": run.model_version,
            "release": str(run.release),
            "suggestions": len(suggestions),
            "discarded": len(checked.discarded),
            "new": merged.new,
            "changed": merged.changed,
            "gone": merged.gone,
        },
    )
    settle(locked.encounter)
    return True


def _is_outdated(run: PredictionRun) -> bool:
    """A newer question is open or answered: this answer is kept, but the entries wait for the newer one."""
    newer = PredictionRun.objects.filter(code_set_id=run.code_set_id, pk__gt=run.pk)
    return newer.exclude(status__in=RUN_UNANSWERED).exists()


def _check(run: PredictionRun, result: EngineResult, versions: Mapping[str, DocumentVersion]) -> _Checked:
    if run.release is None:
        raise ValueError(f"run {run.pk} has no release")
    releases = {run.release.system: run.release, **{r.system: r for r in run.procedure_releases.all()}}
    judge = SuggestionJudge(releases, run.code_set, result.suggestions)
    lines = {key: version.lines for key, version in versions.items()}
    checked = _Checked()

    def discard(code: str, reason: str) -> None:
        checked.discarded.append(DiscardedOutput(run=run, code=code[:40], reason=reason[:40]))

    for said in result.suggestions:
        evidence = tuple(e for e in said.evidence if _stands(e, lines))
        node, reason = judge.judge(said, evidence)
        if node is None:
            discard(said.code, reason)
            continue
        context = [tag for tag in said.context if tag in ContextTag.values]
        checked.accepted.append(_Accepted(node, said, evidence, context))
    for mention in result.context:
        if mention.tag in ContextTag.values and _stands(mention.evidence, lines):
            version = versions[mention.evidence.document_id]
            checked.mentions.append(
                ContextMention(
                    run=run, tag=mention.tag, code=mention.code[:12], **_place(mention.evidence, version)
                )
            )
        else:
            discard(mention.code, "no_evidence")
    for discarded in result.discarded:
        discard(discarded.code, discarded.reason)
    return checked


def _stands(evidence: Evidence, lines: Mapping[str, list[str]]) -> bool:
    """Whether the document says, at that place, exactly what the engine quotes."""
    of_document = lines.get(evidence.document_id)
    if of_document is None or not evidence.quote.strip():
        return False
    place = Place(evidence.line_start, evidence.line_end, evidence.col_start, evidence.col_end)
    try:
        return quote_at(of_document, place) == evidence.quote
    except InvalidEvidence:
        return False


def _write(
    run: PredictionRun, checked: _Checked, versions: Mapping[str, DocumentVersion]
) -> list[Suggestion]:
    """In document order: by where the first evidence stands, then the surer first."""
    order = {
        key: index
        for index, (key, _) in enumerate(
            sorted(versions.items(), key=lambda kv: (kv[1].document.position, kv[1].document_id))
        )
    }

    def place_key(e: Evidence) -> tuple[int, int, int]:
        return order[e.document_id], e.line_start, e.col_start

    kept = [(sorted(a.evidence, key=place_key), a) for a in checked.accepted]
    kept.sort(key=lambda pair: (place_key(pair[0][0]), -pair[1].said.confidence, pair[1].node.code))
    suggestions = Suggestion.objects.bulk_create(
        Suggestion(
            run=run,
            rank=rank,
            system=accepted.said.system,
            code=accepted.node.code,
            title=accepted.node.title[:400],
            confidence=accepted.said.confidence,
            band=band_of(accepted.said.confidence, high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM),
            rationale=accepted.said.rationale,
            context=accepted.context,
        )
        for rank, (_, accepted) in enumerate(kept, start=1)
    )
    SuggestionEvidence.objects.bulk_create(_evidence_rows(suggestions, [e for e, _ in kept], versions))
    ContextMention.objects.bulk_create(checked.mentions)
    DiscardedOutput.objects.bulk_create(checked.discarded)
    return suggestions


def _evidence_rows(
    suggestions: list[Suggestion],
    evidence: list[list[Evidence]],
    versions: Mapping[str, DocumentVersion],
) -> Iterable[SuggestionEvidence]:
    for suggestion, places in zip(suggestions, evidence, strict=True):
        for order, e in enumerate(dict.fromkeys(places)):
            yield SuggestionEvidence(suggestion=suggestion, order=order, **_place(e, versions[e.document_id]))


def _place(evidence: Evidence, version: DocumentVersion) -> dict[str, object]:
    return {
        "document_version": version,
        "line_start": evidence.line_start,
        "line_end": evidence.line_end,
        "col_start": evidence.col_start,
        "col_end": evidence.col_end,
        "quote": evidence.quote,
    }
