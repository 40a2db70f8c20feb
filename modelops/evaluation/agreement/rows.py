"""What agreement is computed from: one row a reader's word on one code of one chart. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["approve", "approve_evidence_wrong", "approve_more_specific", "reject", "undecidable"]
Source = Literal["label", "addition", "seeded", "none"]
ReadingKind = Literal["independent", "repeat", "qualification"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One reader's standing word on one code of one chart, of a finished reading.

    A label gives one row for each reader who judged it, with the latest verdict. An addition gives one row for
    the reader who added it, with the verdict approve; that the others did not add it follows from their
    readings. A finished reading with neither gives one row with source none and an empty code, so that the
    chart counts as read.
    """

    # Keys only, never a name or text: chart and reader as the project calls them, the patient's pseudonym.
    chart: str
    patient: str
    reader: str
    code: str
    verdict: Verdict
    source: Source
    # Domains of the code, of the project's own; none where it lies in no domain.
    domains: frozenset[str] = frozenset()
    # (document, line) of what the reader cited: for an addition the selections, for an approved label the
    # label's lines; empty where the evidence was judged wrong.
    evidence: frozenset[tuple[str, int]] = frozenset()
    # Active seconds of the whole reading without what seeded checks took, the same on each of its rows; 0 where
    # not measured.
    seconds: float = 0.0
    kind: ReadingKind = "independent"
    system: str = "icd10cm"
    # Of a seeded check: sibling, laterality or negated.
    seeded_kind: str = ""
    # The release that the chart is coded with, the same on all rows of a chart: a code's chapter and domains are those
    # that it has there.
    release: str = ""
