"""The text behind a chart of an evaluation, for who may read it.

A run keeps ids and codes only. Text is found through the frozen gold set that the run names by its hash: in the
encounter's documents as they were frozen, by the right to read documents and access to that encounter, or in an
outside set that was declared free of PHI.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coding_review.auth import RoleBackend
from coding_review.models import DocumentVersion, GoldSetChart
from coding_review.rules.permissions import READ_DOCUMENTS, VIEW_EVALUATION
from modelops.engines.types import split_lines

NO_GOLD_SET = "The run was scored against a file, not against a gold set of this system, so no text is known."
NO_CHART = "The gold set has no such chart, or the chart was withdrawn."
NOT_OPEN = "Its encounter is not open to you, or your roles do not let you read documents."
NOT_FREE = "The gold set came from outside and is not declared free of PHI."
NO_TEXT = "No text is kept."


@dataclass(frozen=True, slots=True)
class EvaluatedDocument:
    """`document_id` as the evidence of the run's codes names it."""

    document_id: str
    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EvaluatedText:
    """`absent` says why there is none. `code_set_id`: whose encounter was read, None for an outside set."""

    documents: tuple[EvaluatedDocument, ...] = ()
    absent: str = ""
    code_set_id: int | None = None


def text_of(user: Any, gold_set_sha256: str, chart_key: str) -> EvaluatedText:
    charts = GoldSetChart.objects.filter(gold_set__sha256=gold_set_sha256)
    if not charts.exists():
        return EvaluatedText(absent=NO_GOLD_SET)
    chart = (
        charts.standing()
        .filter(chart_key=chart_key)
        .select_related("gold_set", "code_set__encounter")
        .order_by("pk")
        .first()
    )
    if chart is None:
        return EvaluatedText(absent=NO_CHART)
    may = RoleBackend()
    if chart.code_set is None:
        if not (chart.gold_set.without_phi and may.has_perm(user, VIEW_EVALUATION)):
            return EvaluatedText(absent=NOT_FREE)
        return _told(_outside(chart), None)
    if not (may.has_perm(user, READ_DOCUMENTS) and chart.code_set.encounter.is_visible_to(user)):
        return EvaluatedText(absent=NOT_OPEN)
    return _told(_of_encounter(chart, chart.code_set.encounter_id), chart.code_set.pk)


def _told(documents: tuple[EvaluatedDocument, ...], code_set_id: int | None) -> EvaluatedText:
    return EvaluatedText(documents, "" if documents else NO_TEXT, code_set_id)


def _outside(chart: GoldSetChart) -> tuple[EvaluatedDocument, ...]:
    texts = chart.texts.filter(purged_at__isnull=True).order_by("pk")
    return tuple(
        EvaluatedDocument(text.document_id, text.document_id, tuple(split_lines(text.text))) for text in texts
    )


def _of_encounter(chart: GoldSetChart, encounter_id: int) -> tuple[EvaluatedDocument, ...]:
    """The versions that were frozen, though later ones may have come."""
    ids = [document.get("document_version_id") for document in chart.documents]
    versions = DocumentVersion.objects.filter(
        pk__in=[pk for pk in ids if pk], document__encounter_id=encounter_id
    ).select_related("document")
    found = {version.pk: version for version in versions}
    return tuple(
        EvaluatedDocument(
            str(document["document_id"]),
            f"{version.document.type or 'Document'}, version {version.version}",
            tuple(version.lines),
        )
        for document in chart.documents
        if (version := found.get(document.get("document_version_id"))) is not None
    )
