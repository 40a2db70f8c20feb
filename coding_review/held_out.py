"""Every chart that models are measured on, as the check for leaks sees it; and whose charts they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from coding_review.choices import Domain, GoldSetPurpose
from coding_review.exports.gold import rows
from coding_review.models import CodeSet, Encounter, GoldSet, GoldSetChart
from coding_review.rules import reasons
from modelops.datasets.from_gold import held_out_of
from modelops.datasets.leaks import HeldOut
from modelops.datasets.split import patient_key
from modelops.gold_lines import parse_gold_line

# A set for training may be trained on; the others never.
_HELD = (GoldSetPurpose.CALIBRATION, GoldSetPurpose.EVALUATION)


def encounter_names(encounter: Encounter) -> frozenset[str]:
    """The ids under which gold sets and lines of the batch interface know an encounter."""
    return frozenset({f"encounter:{encounter.source}:{encounter.source_id}"})


def patient_of(encounter: Encounter) -> str:
    """An encounter of nobody known is its own patient."""
    patient = encounter.patient
    if patient is None:
        return patient_key(f"encounter of {encounter.source}", encounter.source_id)
    return patient_key(patient.source, patient.pseudonym)


@dataclass(frozen=True, slots=True)
class Held:
    """Encounters and patients of held-out charts, withdrawn ones too: what was seen in an evaluation stays out."""

    encounters: frozenset[int]
    patients: frozenset[str]

    def holds(self, encounter: Encounter) -> bool:
        return encounter.pk in self.encounters or patient_of(encounter) in self.patients


def held() -> Held:
    code_sets = CodeSet.objects.filter(gold_set_charts__gold_set__purpose__in=_HELD)
    encounters = Encounter.objects.filter(code_sets__in=code_sets).select_related("patient").distinct()
    found = list(encounters)
    outside = GoldSetChart.objects.filter(gold_set__purpose__in=_HELD, code_set__isnull=True)
    named = {
        patient_key(str(facts.get("source", "")), str(facts["patient_id"]))
        for facts in outside.values_list("facts", flat=True)
        if facts.get("patient_id")
    }
    return Held(
        frozenset(encounter.pk for encounter in found),
        frozenset(named | {patient_of(encounter) for encounter in found}),
    )


def held_out_charts() -> Iterator[HeldOut]:
    """Of every set for calibration or evaluation, all versions; those withdrawn without their text."""
    for gold_set in GoldSet.objects.filter(purpose__in=_HELD).order_by("pk"):
        encounters = {
            chart.chart_key: chart.code_set.encounter
            for chart in gold_set.charts.select_related("code_set__encounter__patient")
            if chart.code_set is not None
        }
        standing = set()
        for row in rows(gold_set, with_text=True):
            gold = parse_gold_line(json.dumps(row), domains=Domain.values, reasons=reasons.LABELS)
            standing.add(gold.id)
            encounter = encounters.get(gold.id)
            yield held_out_of(
                gold,
                str(gold_set),
                names=encounter_names(encounter) if encounter else (),
                patient=patient_of(encounter) if encounter else None,
            )
        for chart in gold_set.charts.exclude(chart_key__in=standing).select_related(
            "code_set__encounter__patient"
        ):
            encounter = encounters.get(chart.chart_key)
            yield HeldOut(
                str(gold_set),
                chart.chart_key,
                encounter_names(encounter) if encounter else frozenset(),
                patient_of(encounter) if encounter else "",
                frozenset(str(document["sha256"]) for document in chart.documents),
            )
