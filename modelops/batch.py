"""The batch interface: one chart line in, one prediction line out, whatever the line holds.

Nothing here writes a log: what goes wrong with a line is said on its output, without any of its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from catalog.choices import SYSTEMS_BY_CLAIM_TYPE, CodeSystem, Origin
from catalog.errors import NoRelease
from catalog.jsonl import Outcome, filled
from catalog.models import Release
from catalog.queries import latest_release, release_for
from modelops.code_edits import findings_about
from modelops.engines.bands import band_of
from modelops.engines.calibration import calibrated, configuration
from modelops.engines.types import (
    ChartText,
    CodeSuggestion,
    Engine,
    EngineResult,
    Evidence,
    StoppableEngine,
)
from modelops.errors import EngineError
from modelops.in_order import in_order
from modelops.interchange import GOLD_FIELDS, BadChart, ChartIn, parse_chart_line

# ICD-10-PCS is looked up and entered by hand, never suggested.
_SUGGESTED_PROCEDURES = (CodeSystem.CPT, CodeSystem.HCPCS)


@dataclass(frozen=True, slots=True)
class Bands:
    high: float
    medium: float


def predict_lines(
    lines: Iterable[bytes], engine: Engine, bands: Bands, *, at_once: int = 1, raw_confidence: bool = False
) -> Iterator[Outcome]:
    """One outcome for each line that is not blank, in order. Raises NoRelease before the first line when no
    ICD-10-CM release is loaded at all. `at_once`: charts under way together, for a StoppableEngine only.
    `raw_confidence`: as the engine gives it, whatever calibration is in force."""
    latest_release(CodeSystem.ICD10CM)
    threads = at_once if isinstance(engine, StoppableEngine) else 1
    yield from in_order(
        filled(lines), lambda raw: predict_line(raw, engine, bands, raw_confidence=raw_confidence), threads
    )


def predict_line(raw: bytes, engine: Engine, bands: Bands, *, raw_confidence: bool = False) -> Outcome:
    try:
        chart = parse_chart_line(raw.decode("utf-8"), tolerated=GOLD_FIELDS)
    except UnicodeDecodeError as error:
        return _failure(engine, None, f"not UTF-8 (byte {error.start + 1} of the line)")
    except BadChart as error:
        return _failure(engine, error.chart_id, str(error))
    release, findings = _release(chart)
    try:
        result = engine.predict(_with_procedures(chart), release.pk)
    except EngineError as error:
        return _failure(engine, chart.id, str(error))
    row = _row(engine, chart.id)
    info = result.made_by or engine.info
    row["model_version"] = info.model_version
    row["configuration"] = configuration(info)
    if not raw_confidence:
        info, result = calibrated(info, result)
    row["calibration"] = info.details.get("calibration_id") if info.calibrated else None
    row["catalog_release"] = f"{release.edition} (latest loaded)" if findings else release.edition
    row["codes"] = [_code(suggestion, bands) for suggestion in result.suggestions]
    row["discarded"] = [{"code": item.code, "reason": item.reason} for item in result.discarded]
    about = findings_about(chart, result, release, high=bands.high, medium=bands.medium)
    row["findings"] = [*findings, *_unspecific(result), *about]
    return Outcome(row, failed=False)


def _release(chart: ChartIn) -> tuple[Release, list[dict[str, Any]]]:
    """The release of the chart's date, else the latest one with a finding that says so."""
    on = chart.coding_date
    try:
        return release_for(CodeSystem.ICD10CM, on), []
    except NoRelease:
        release = latest_release(CodeSystem.ICD10CM)
    why = "The chart has no date" if on is None else f"No loaded ICD-10-CM release covers {on.isoformat()}"
    message = f"{why}; coded with the latest loaded release, {release.edition}."
    return release, [_finding("catalog_release", "warning", "no_data", [], message)]


def _with_procedures(chart: ChartIn) -> ChartText:
    """The chart with the releases of its day from which procedures may be suggested; never a sample, which would
    put codes into files that say nothing of it."""
    text = chart.as_chart_text()
    systems = [s for s in SYSTEMS_BY_CLAIM_TYPE[text.claim_type] if s in _SUGGESTED_PROCEDURES]
    found: dict[str, int] = {}
    for system in systems:
        try:
            release = release_for(system, chart.coding_date)
        except NoRelease:
            continue
        if release.origin != Origin.SAMPLE:
            found[system] = release.pk
    return replace(text, procedure_releases=found)


def _unspecific(result: EngineResult) -> list[dict[str, Any]]:
    headers = [item.code for item in result.discarded if item.reason == "header"]
    if not headers:
        return []
    message = "Named without what a billable code needs (site, type or severity)."
    return [_finding("specificity", "info", "fail", headers, message)]


def _finding(check: str, severity: str, result: str, codes: list[str], message: str) -> dict[str, Any]:
    return {
        "check": check,
        "severity": severity,
        "result": result,
        "codes": codes,
        "message": message,
        "citation": "",
    }


def _failure(engine: Engine, chart_id: str | None, problem: str) -> Outcome:
    return Outcome({**_row(engine, chart_id), "error": problem}, failed=True)


def _row(engine: Engine, chart_id: str | None) -> dict[str, Any]:
    return {
        "id": chart_id,
        "engine": engine.info.name,
        "model_version": engine.info.model_version,
        "configuration": "",
        "calibration": None,
        "catalog_release": None,
        "codes": [],
        "discarded": [],
        "findings": [],
        "error": None,
    }


def _code(suggestion: CodeSuggestion, bands: Bands) -> dict[str, Any]:
    return {
        "system": suggestion.system,
        "code": suggestion.code,
        "description": suggestion.description,
        "confidence": suggestion.confidence,
        "band": band_of(suggestion.confidence, high=bands.high, medium=bands.medium).value,
        "rationale": suggestion.rationale,
        "role": None,
        "evidence": [_evidence(evidence) for evidence in suggestion.evidence],
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "document_id": evidence.document_id,
        "line_start": evidence.line_start,
        "line_end": evidence.line_end,
        "col_start": evidence.col_start,
        "col_end": evidence.col_end,
        "quote": evidence.quote,
    }
