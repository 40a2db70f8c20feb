"""Lines of the batch interface's gold form to training examples: gold sets, files, and written charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from catalog.choices import CodeSystem
from modelops.datasets.examples import (
    WRITTEN,
    Assistance,
    Label,
    Negative,
    Provenance,
    TrainingExample,
    evidence_of_lines,
    labels_of,
    words_at,
)
from modelops.datasets.leaks import HeldOut
from modelops.datasets.split import patient_key
from modelops.engines.types import ChartDocument, ChartText, Evidence
from modelops.errors import ModelopsError
from modelops.gold_lines import GoldChart, GoldCode, GoldPlace


class NoExample(ModelopsError):
    """The chart gives none. `reason`: no_text, bad_place (evidence that its text does not have)."""

    code = "no_example"

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def example_of(
    gold: GoldChart,
    provenance: Provenance,
    *,
    patient: str,
    assistance: Assistance = WRITTEN,
    phi: bool = False,
    names: Iterable[str] = (),
) -> TrainingExample:
    """Diagnoses only. Accepted codes are labels, rejected ones negatives, undecided and optional ones unlabelled.

    Raises NoExample: a chart without its text teaches nothing.
    """
    if any(document.text is None for document in gold.documents):
        raise NoExample("no_text", f"Chart {gold.id} came without its text.")
    chart = gold.chart.as_chart_text()
    documents = {document.document_id: document for document in chart.documents}
    labels: list[Label] = []
    negatives: list[Negative] = []
    unlabelled: list[tuple[str, str]] = []
    for code in gold.codes:
        if code.system != CodeSystem.ICD10CM:
            continue
        if code.optional or code.status == "undecided":
            unlabelled.append((code.system, code.code))
        elif code.status == "rejected":
            negatives.append(Negative(code.system, code.code, code.reason, assistance))
        else:
            labels.append(_label(code, chart, documents, assistance))
    return TrainingExample(
        id=f"{provenance.source}/{gold.id}",
        patient=patient,
        chart=chart,
        labels=labels_of(labels),
        provenance=replace(
            provenance, chart=gold.id, document_sha256=tuple(d.sha256 for d in gold.documents)
        ),
        negatives=tuple(negatives),
        unlabelled=tuple(unlabelled),
        names=frozenset(names) | _names_in(gold),
        phi=phi,
    )


def patient_of(gold: GoldChart, *, source: str = "") -> str:
    """The patient that the line names, else the chart's own texts: the same chart under another id, written again from
    the same seed, is the same patient."""
    if gold.chart.patient_id:
        return patient_key(source or gold.chart.source, gold.chart.patient_id)
    return patient_key("texts", " ".join(sorted(document.sha256 for document in gold.documents)))


def held_out_of(
    gold: GoldChart, set_name: str, *, names: Iterable[str] = (), source: str = "", patient: str | None = None
) -> HeldOut:
    """The chart as the check for leaks sees it; by ids and hashes alone where its text stayed away."""
    named = gold.chart.patient_id
    whole = all(document.text is not None for document in gold.documents)
    return HeldOut(
        set_name,
        gold.id,
        frozenset(names) | _names_in(gold),
        patient
        if patient is not None
        else (patient_key(source or gold.chart.source, named) if named else ""),
        frozenset(document.sha256 for document in gold.documents),
        gold.chart.as_chart_text() if whole else None,
    )


def _names_in(gold: GoldChart) -> frozenset[str]:
    """Ids of the line that mean the same chart in any set: its encounter where it names one."""
    return frozenset(
        {f"encounter:{gold.chart.source}:{gold.chart.encounter_id}"} if gold.chart.encounter_id else ()
    )


def _label(
    code: GoldCode, chart: ChartText, documents: Mapping[str, ChartDocument], assistance: Assistance
) -> Label:
    places = tuple(_evidence(place, chart, documents) for place in code.places)
    origin = code.source or ("written" if assistance is WRITTEN else "label")
    return Label(code.system, code.code, places, origin, assistance)


def _evidence(place: GoldPlace, chart: ChartText, documents: Mapping[str, ChartDocument]) -> Evidence:
    try:
        if place.col_start is None or place.col_end is None:
            return evidence_of_lines(documents, place.document_id, place.line_start, place.line_end)
        found = Evidence(
            place.document_id, place.line_start, place.line_end, place.col_start, place.col_end, ""
        )
        return replace(found, quote=words_at(chart, found))
    except (KeyError, IndexError) as error:
        raise NoExample(
            "bad_place", f"Chart {chart.id} cites a place that its text does not have."
        ) from error
