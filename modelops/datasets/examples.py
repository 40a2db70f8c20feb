"""A training example: a chart and what is known of its codes. Plain frozen data, no Django, no rows.

Three kinds of codes are kept apart: labels (documented), negatives (somebody looked and said no) and unlabelled ones
(dismissed, held, undecided: nothing is known, so nothing may be taught).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelops.engines.types import ChartDocument, ChartText, Evidence

# Where an example comes from; the first stands before the others where two are the same chart.
GOLD, SIGNED_OFF, SYNTHETIC, CATALOG = "gold", "signed_off", "synthetic", "catalog"
KINDS = (GOLD, SIGNED_OFF, SYNTHETIC, CATALOG)
# Stages that a recipe may train one after another: a code's own words, other words for it, notes.
PAIRS, VARIATIONS, NOTES = "pairs", "variations", "notes"


@dataclass(frozen=True, slots=True)
class Assistance:
    """What whoever set a label had been shown (DESIGN, assistance): `shown` is none, after_first_read, full or, of
    outside sets that do not say, unknown. Written charts have no reviewer: not_applicable."""

    shown: str
    rank: int | None = None
    band: str = ""
    confidence: float | None = None
    engine: str = ""
    model_version: str = ""

    def as_row(self) -> dict[str, Any]:
        row: dict[str, Any] = {"shown": self.shown}
        for name in ("rank", "band", "confidence", "engine", "model_version"):
            value = getattr(self, name)
            if value not in (None, ""):
                row[name] = value
        return row


WRITTEN = Assistance("not_applicable")


@dataclass(frozen=True, slots=True)
class Label:
    """A documented code. `origin`: accepted, modified or added by a coder, label or addition of a gold set, written."""

    system: str
    code: str
    evidence: tuple[Evidence, ...]
    origin: str
    assistance: Assistance
    rationale: str = field(default="", repr=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.system, self.code


@dataclass(frozen=True, slots=True)
class Negative:
    """A code that somebody looked at and rejected, with the reason's id."""

    system: str
    code: str
    reason: str
    assistance: Assistance

    @property
    def key(self) -> tuple[str, str]:
        return self.system, self.code


@dataclass(frozen=True, slots=True)
class Provenance:
    """`source` names the set or run with its version, `chart` the chart in it; hashes are of the texts as they were
    received, before anything was taken out of them. `authority`: id of the record that lets a restricted chart in.
    """

    kind: str
    source: str
    chart: str
    release: str = ""
    document_sha256: tuple[str, ...] = ()
    authority: int | None = None

    def as_row(self) -> dict[str, Any]:
        row: dict[str, Any] = {"kind": self.kind, "source": self.source, "chart": self.chart}
        if self.release:
            row["release"] = self.release
        if self.document_sha256:
            row["documents"] = list(self.document_sha256)
        if self.authority is not None:
            row["authority"] = self.authority
        return row


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """`patient` is split.patient_key of whose chart it is. `names`: every other id by which a gold set may know the
    chart (encounter, code set). `phi`: its texts are of a real patient and leave only through deidentify.
    `parts`: ids of the examples that a composite was made of. `stage`: of a curriculum (PAIRS, VARIATIONS, NOTES).
    """

    id: str
    patient: str
    chart: ChartText = field(repr=False)
    labels: tuple[Label, ...]
    provenance: Provenance
    negatives: tuple[Negative, ...] = ()
    unlabelled: tuple[tuple[str, str], ...] = ()
    names: frozenset[str] = frozenset()
    phi: bool = True
    weight: float = 1.0
    parts: tuple[str, ...] = ()
    stage: str = NOTES

    @property
    def composite(self) -> bool:
        return bool(self.parts)


def labels_of(found: Iterable[Label]) -> tuple[Label, ...]:
    """One label a code: the first stands, with the evidence of all."""
    merged: dict[tuple[str, str], Label] = {}
    for label in found:
        before = merged.get(label.key)
        if before is None:
            merged[label.key] = label
            continue
        evidence = tuple(dict.fromkeys((*before.evidence, *label.evidence)))
        merged[label.key] = Label(
            before.system, before.code, evidence, before.origin, before.assistance, before.rationale
        )
    return tuple(merged.values())


def evidence_of_lines(
    documents: Mapping[str, ChartDocument], document_id: str, line_start: int, line_end: int
) -> Evidence:
    """The words of whole lines, without the space around them: what stands for a place that came without columns.

    Raises KeyError for a document and IndexError for a line that the chart does not have.
    """
    lines = documents[document_id].lines[line_start - 1 : line_end]
    if len(lines) != line_end - line_start + 1 or not lines:
        raise IndexError(f"document {document_id} has no lines {line_start} to {line_end}")
    first, last = lines[0], lines[-1]
    start, end = len(first) - len(first.lstrip()), len(last.rstrip())
    if len(lines) == 1:
        end = max(start, end)
        return Evidence(document_id, line_start, line_end, start, end, first[start:end])
    quote = "\n".join((first[start:], *lines[1:-1], last[:end]))
    return Evidence(document_id, line_start, line_end, start, end, quote)


def words_at(chart: ChartText, place: Evidence) -> str:
    """What stands in the chart at the place, which its quote must be. Raises KeyError, IndexError."""
    document = next((d for d in chart.documents if d.document_id == place.document_id), None)
    if document is None:
        raise KeyError(place.document_id)
    lines = document.lines[place.line_start - 1 : place.line_end]
    if len(lines) != place.line_end - place.line_start + 1 or not lines:
        raise IndexError(place.line_start)
    if len(lines) == 1:
        return lines[0][place.col_start : place.col_end]
    return "\n".join((lines[0][place.col_start :], *lines[1:-1], lines[-1][: place.col_end]))
