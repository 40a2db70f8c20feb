"""What the code edits say about the suggestions of one chart: hard findings and warnings, for the batch interface."""

from __future__ import annotations

from typing import Any

from catalog.choices import ClaimType
from catalog.edits.ages import age_in
from catalog.edits.engine import check
from catalog.edits.loading import knowledge_for
from catalog.edits.types import CodeLine, EncounterFacts, EvidenceCue, Result, Severity
from catalog.models import Release
from modelops.choices import Band, ContextTag
from modelops.engines.bands import band_of
from modelops.engines.types import CodeSuggestion, EngineResult
from modelops.interchange import ChartIn


def findings_about(
    chart: ChartIn, result: EngineResult, release: Release, *, high: float, medium: float
) -> list[dict[str, Any]]:
    """Of the suggestions in the bands HIGH and MEDIUM. They have neither order nor role, so nothing is said of
    either; prompts and what had no data are left out."""
    lines = [
        _line(chart, suggestion)
        for suggestion in result.suggestions
        if band_of(suggestion.confidence, high=high, medium=medium) != Band.LOW
    ]
    if not lines:
        return []
    facts = _facts(chart)
    report = check(lines, facts, knowledge_for(lines, facts, release=release))
    return [
        finding.as_row()
        for finding in report.findings
        if finding.result is Result.FAIL and finding.severity is not Severity.INFO
    ]


def _line(chart: ChartIn, suggestion: CodeSuggestion) -> CodeLine:
    documents = {document.document_id: document for document in chart.documents}
    cited = [documents[e.document_id] for e in suggestion.evidence if e.document_id in documents]
    uncertain = ContextTag.UNCERTAIN in suggestion.context
    return CodeLine(
        suggestion.code,
        suggestion.system,
        evidence=tuple(EvidenceCue(uncertain, d.author_role, d.type) for d in cited),
    )


def _facts(chart: ChartIn) -> EncounterFacts:
    claim_type = chart.effective_claim_type
    inpatient = claim_type == ClaimType.FACILITY_INPATIENT
    years, days = age_in(chart.age, chart.age_unit)
    return EncounterFacts(
        claim_type=claim_type,
        setting=chart.setting,
        admit_date=chart.admit_date,
        discharge_date=chart.coding_date if inpatient else chart.discharge_date,
        service_date=chart.date_of_service,
        age_years=years,
        age_days=days,
        sex=chart.sex,
    )
