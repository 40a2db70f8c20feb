"""Agreement between the readers of a gold project: its readings as plain rows, and the figures computed of them.

For who may_see_figures (gold/queries.py), and for the manifest of a frozen set. Readers stand here by pseudonym.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, cast

from catalog.models import Code, Release
from coding_review.choices import GoldReadingKind, GoldReadingStatus
from coding_review.gold.domains import DomainCodes, domain_codes
from coding_review.gold.pace import pace_seconds
from coding_review.models import GoldAddition, GoldChart, GoldJudgement, GoldLabel, GoldProject, GoldReading
from coding_review.models.prediction import EvidencePlace
from coding_review.rules.gold_verdicts import APPROVED, BY_ID
from modelops.evaluation.agreement import Judged, Verdict, agreement, summary

_NO_CHAPTER = "not in the catalog"
_KINDS = (GoldReadingKind.INDEPENDENT, GoldReadingKind.REPEAT)


def agreement_of(project: GoldProject) -> dict[str, Any]:
    """All figures (modelops/evaluation/agreement/report.py; docs/gold.md names the keys)."""
    rows = agreement_rows(project)
    chapters = _chapters(project, {(row.system, row.code) for row in rows if row.code})
    return agreement(
        rows,
        chapter_of=lambda system, code, release: chapters.get((system, code, release), _NO_CHAPTER),
        lines_of=_lines(project),
        domains_of=_Domains().in_release,
    )


def agreement_summary(project: GoldProject) -> dict[str, Any]:
    """The figures without a row for each code: what the manifest of a frozen set keeps."""
    return summary(agreement_of(project))


def agreement_rows(project: GoldProject) -> list[Judged]:
    """One row a standing word of a finished reading by a reader who counts, of charts of the study.

    A handful of queries for any number of charts.
    """
    readings = list(
        GoldReading.objects.filter(
            chart__in=GoldChart.objects.filter(project=project).study(),
            kind__in=_KINDS,
            status=GoldReadingStatus.FINISHED,
            reader__qualified_at__isnull=False,
        )
        .select_related("chart__code_set__encounter", "chart__code_set__release", "reader")
        .order_by("pk")
    )
    said = _judgements(readings)
    added = _additions(readings)
    labels = _labels(readings)
    seconds = pace_seconds(readings)
    domains = _Domains()
    found: list[Judged] = []
    for reading in readings:
        words = [
            *(_on_label(reading, labels[judgement.label_id], judgement, seconds[reading.pk])
              for judgement in said[reading.pk] if judgement.label_id is not None),
            *(_on_addition(reading, addition, domains.of(reading, addition), seconds[reading.pk])
              for addition in added[reading.pk]),
        ]  # fmt: skip
        found += words or [_nothing(reading, seconds[reading.pk])]
    return found


def _judgements(readings: list[GoldReading]) -> dict[int, list[GoldJudgement]]:
    found: dict[int, list[GoldJudgement]] = defaultdict(list)
    for judgement in GoldJudgement.objects.filter(reading__in=readings).standing():
        found[judgement.reading_id].append(judgement)
    return found


def _additions(readings: list[GoldReading]) -> dict[int, list[GoldAddition]]:
    found: dict[int, list[GoldAddition]] = defaultdict(list)
    standing = GoldAddition.objects.filter(reading__in=readings, withdrawn_at__isnull=True)
    for addition in standing.prefetch_related("evidence").order_by("pk"):
        found[addition.reading_id].append(addition)
    return found


def _labels(readings: list[GoldReading]) -> dict[int, GoldLabel]:
    labels = GoldLabel.objects.filter(chart__in={reading.chart_id for reading in readings})
    return {label.pk: label for label in labels.prefetch_related("evidence")}


class _Domains:
    """The domains of a code by the value sets of a chart's release; each release is read once."""

    def __init__(self) -> None:
        self._known: dict[str, DomainCodes] = {}

    def of(self, reading: GoldReading, addition: GoldAddition) -> frozenset[str]:
        return self.in_release(addition.system, addition.code, _release_key(reading.chart))

    def in_release(self, system: str, code: str, key: str) -> frozenset[str]:
        if key not in self._known:
            release = Release.objects.get(pk=int(key)) if key else None
            self._known[key] = domain_codes(release)
        return frozenset(self._known[key].of(system, code))


def _release_key(chart: GoldChart) -> str:
    """Empty where the chart has no release."""
    return str(chart.code_set.release_id or "")


def _on_label(reading: GoldReading, label: GoldLabel, judgement: GoldJudgement, seconds: float) -> Judged:
    verdict = BY_ID[judgement.verdict]
    stands = verdict.paper == APPROVED and verdict.evidence_stands
    return Judged(
        **_whose(reading),
        code=label.code,
        # GoldVerdict has the same words.
        verdict=cast("Verdict", judgement.verdict),
        source="label" if label.counts else "seeded",
        domains=frozenset(label.domains),
        evidence=_places(label.evidence.all()) if stands else frozenset(),
        seconds=seconds,
        system=label.system,
        seeded_kind=label.seeded_kind,
    )


def _on_addition(
    reading: GoldReading, addition: GoldAddition, domains: frozenset[str], seconds: float
) -> Judged:
    return Judged(
        **_whose(reading),
        code=addition.code,
        verdict="approve",
        source="addition",
        domains=domains,
        evidence=_places(addition.evidence.all()),
        seconds=seconds,
        system=addition.system,
    )


def _nothing(reading: GoldReading, seconds: float) -> Judged:
    return Judged(**_whose(reading), code="", verdict="approve", source="none", seconds=seconds)


def _whose(reading: GoldReading) -> dict[str, Any]:
    return {
        "chart": str(reading.chart_id),
        "patient": str(reading.chart.code_set.encounter.patient_id),
        "reader": reading.reader.pseudonym,
        "kind": reading.kind,
        "release": _release_key(reading.chart),
    }


def _places(evidence: Iterable[EvidencePlace]) -> frozenset[tuple[str, int]]:
    return frozenset(
        (str(place.document_version_id), line)
        for place in evidence
        for line in range(place.line_start, place.line_end + 1)
    )


def _lines(project: GoldProject) -> dict[str, int]:
    """Of each chart: the lines of its documents."""
    found: dict[str, int] = defaultdict(int)
    lines = GoldChart.objects.filter(project=project).values_list("pk", "documents__line_count")
    for pk, count in lines:
        found[str(pk)] += count or 0
    return dict(found)


def _chapters(project: GoldProject, codes: set[tuple[str, str]]) -> dict[tuple[str, str, str], str]:
    """By system, code and the chart's ICD-10-CM release: a code may lie elsewhere in another edition."""
    releases = GoldChart.objects.filter(project=project).values("code_set__release")
    rows = Code.objects.filter(release__in=releases, code__in={code for _, code in codes})
    return {
        (system, code, str(release)): f"{system} {chapter}"
        for release, system, code, chapter in rows.values_list(
            "release_id", "release__system", "code", "chapter"
        )
        if (system, code) in codes
    }
