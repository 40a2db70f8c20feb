"""What people decided, as training examples: signed code sets and gold sets frozen for training.

Plain data goes down to modelops; who decided stays here. Restricted records and those that bear the notice of
42 CFR Part 2 give nothing unless an authority is recorded for their encounter.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Prefetch, QuerySet

from catalog.choices import CodeSystem
from coding_review.choices import (
    CodeSetStatus,
    Confidentiality,
    DecisionAction,
    DocumentStatus,
    Domain,
    GoldMode,
    GoldSetPurpose,
    ReadingKind,
)
from coding_review.errors import InvalidDecision
from coding_review.exports.gold import rows
from coding_review.held_out import Held, encounter_names, patient_of
from coding_review.models import (
    CodeEntry,
    CodeSet,
    Decision,
    DocumentVersion,
    Encounter,
    EntryEvidence,
    GoldSet,
    PatientIdentity,
    TrainingAuthority,
)
from coding_review.rules import reasons, training_labels
from coding_review.rules.part2 import bears_notice
from modelops.datasets import from_gold
from modelops.datasets.build import Gathered
from modelops.datasets.code_titles import CodeTitles
from modelops.datasets.examples import (
    GOLD,
    SIGNED_OFF,
    Assistance,
    Label,
    Negative,
    Provenance,
    TrainingExample,
    labels_of,
)
from modelops.datasets.identifiers import Known
from modelops.engines.types import ChartDocument, ChartText, Evidence
from modelops.gold_lines import GoldChart, parse_gold_line

# Decisions that say what becomes of a code; the others change how it is billed or shown.
_DECIDING = (
    DecisionAction.ACCEPT,
    DecisionAction.MODIFY,
    DecisionAction.REJECT,
    DecisionAction.ADD,
    DecisionAction.DISMISS,
    DecisionAction.HOLD,
    DecisionAction.CARRY_OVER,
)
# What a gold project's readers were shown. Readers of the others had the labels before them.
_SHOWN = {GoldMode.BLIND: "none"}
_CHUNK = 200
# Ids from outside that are looked for in the text are longer: "chart 12" is no reason to change every 12.
_SHORT_ID = 4


@dataclass(frozen=True, slots=True)
class _Admitted:
    """Whether an encounter's documents may train, and by what authority where they need one."""

    why_not: str = ""
    authority: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which signed code sets: signed from `since` to `until`, both days included, of `facilities` by primary key and
    of `claim_types`. What is empty chooses all."""

    since: date | None = None
    until: date | None = None
    facilities: tuple[int, ...] = ()
    claim_types: tuple[str, ...] = ()

    def of(self, sets: QuerySet[CodeSet]) -> QuerySet[CodeSet]:
        asked = {
            "signed_at__date__gte": self.since,
            "signed_at__date__lte": self.until,
            "encounter__facility__in": self.facilities,
            "claim_type__in": self.claim_types,
        }
        return sets.filter(**{name: value for name, value in asked.items() if value})

    def told(self) -> dict[str, object]:
        """For the manifest: nothing where all were chosen."""
        values = {
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
            "facilities": list(self.facilities),
            "claim_types": list(self.claim_types),
        }
        return {name: value for name, value in values.items() if value}


def signed_off(held: Held, titles: CodeTitles, today: date, chosen: Chosen | None = None) -> Gathered:
    """The current signed version of every code set chosen, with its documents as they were when it was signed."""
    found, known, left_out = [], {}, Counter[str]()
    chosen = chosen or Chosen()
    sets = (
        chosen.of(CodeSet.objects.filter(status=CodeSetStatus.SIGNED))
        .select_related("release", "encounter__facility", "encounter__patient__identity")
        .order_by("pk")
    )
    for code_set in sets.iterator(chunk_size=_CHUNK):
        encounter = code_set.encounter
        versions = _as_signed(code_set)
        admitted = _admitted(encounter, [version.text for version in versions], held, today)
        if admitted.why_not or not versions:
            left_out[admitted.why_not or "no_document"] += 1
            continue
        example = _signed_example(code_set, versions, titles, admitted)
        found.append(example)
        if example.phi:
            known[example.id] = _known(encounter)
    source: dict[str, Any] = {"kind": SIGNED_OFF, "source": "signed-off", "examples": len(found)}
    if chosen.told():
        source["chosen"] = chosen.told()
    return Gathered(found, [source], known, dict(left_out))


def gold_set(chosen: GoldSet, held: Held, titles: CodeTitles, today: date) -> Gathered:
    """Raises InvalidDecision: a set that is not for training, or whose labels are of some domains only, so that what
    it does not name may still be documented."""
    if chosen.purpose != GoldSetPurpose.TRAIN:
        raise InvalidDecision(f"{chosen} is for {chosen.get_purpose_display().lower()}, not for training.")
    if chosen.manifest.get("protocol", {}).get("domains"):
        raise InvalidDecision(
            f"{chosen} has labels of some domains only: nobody said what else its charts have."
        )
    charts = {
        chart.chart_key: chart
        for chart in chosen.charts.standing().select_related(
            "code_set__release", "code_set__encounter__facility", "code_set__encounter__patient__identity"
        )
    }
    assistance = _assistance_of(chosen)
    found, known, left_out = [], {}, Counter[str]()
    for row in rows(chosen, with_text=True):
        gold = parse_gold_line(json.dumps(row), domains=Domain.values, reasons=reasons.LABELS)
        code_set = charts[gold.id].code_set
        texts = [document.text or "" for document in gold.documents]
        admitted = (
            _admitted(code_set.encounter, texts, held, today) if code_set is not None else _outside(texts)
        )
        if admitted.why_not:
            left_out[admitted.why_not] += 1
            continue
        release = code_set.release if code_set is not None else None
        try:
            example = from_gold.example_of(
                gold,
                Provenance(
                    GOLD,
                    f"gold:{chosen}",
                    gold.id,
                    titles.known(release) if release else titles.release_of(gold.chart.coding_date),
                    authority=admitted.authority,
                ),
                patient=patient_of(code_set.encounter) if code_set else from_gold.patient_of(gold),
                assistance=assistance,
                phi=not (code_set.encounter.synthetic if code_set else chosen.without_phi),
                names=encounter_names(code_set.encounter) if code_set else (),
            )
        except from_gold.NoExample as error:
            left_out[error.reason] += 1
            continue
        found.append(example)
        if example.phi:
            known[example.id] = _known(code_set.encounter) if code_set is not None else _told(gold)
    source = {
        "kind": GOLD,
        "source": f"gold:{chosen}",
        "labels": str(chosen.kind),
        "sha256": chosen.sha256,
        "examples": len(found),
    }
    return Gathered(found, [source], known, dict(left_out))


def _admitted(encounter: Encounter, texts: Sequence[str], held: Held, today: date) -> _Admitted:
    if held.holds(encounter):
        return _Admitted("held_out")
    part2 = any(bears_notice(text) for text in texts)
    if encounter.confidentiality == Confidentiality.NORMAL and not part2:
        return _Admitted()
    authorities = TrainingAuthority.objects.in_force(today).filter(encounter=encounter)
    authority = (authorities.filter(covers_part2=True) if part2 else authorities).first()
    if authority is None:
        return _Admitted("part2_without_authority" if part2 else "restricted_without_authority")
    return _Admitted(authority=authority.pk)


def _outside(texts: Sequence[str]) -> _Admitted:
    """An outside set has no encounter that an authority could be recorded for."""
    return _Admitted("part2_without_authority" if any(bears_notice(text) for text in texts) else "")


def _as_signed(code_set: CodeSet) -> list[DocumentVersion]:
    if code_set.signed_at is None:
        return []
    versions = DocumentVersion.objects.as_of(code_set.encounter, code_set.signed_at)
    return list(versions.exclude(document__status=DocumentStatus.ENTERED_IN_ERROR))


def _told(gold: GoldChart) -> Known:
    """Of a chart from outside: its ids, whatever they were made of, the name of a file or the number of a record."""
    ids = {gold.id, gold.chart.patient_id, gold.chart.encounter_id}
    return Known(numbers=tuple(sorted(one for one in ids if len(one) > _SHORT_ID)), chart_id=gold.id)


def _known(encounter: Encounter) -> Known:
    patient = encounter.patient
    identity: PatientIdentity | None = getattr(patient, "identity", None) if patient else None
    names = set(encounter.documents.values_list("author", flat=True))
    numbers = {encounter.account_number, encounter.source_id}
    if identity is not None:
        names.add(identity.name)
        numbers.add(identity.record_number)
    if patient is not None:
        numbers.add(patient.pseudonym)
    # A number of one or two characters would take every other figure with it.
    return Known(
        tuple(sorted(names - {""})),
        tuple(sorted(number for number in numbers if len(number) > 2)),
        (encounter.facility.name,),
    )


def _signed_example(
    code_set: CodeSet, versions: Sequence[DocumentVersion], titles: CodeTitles, admitted: _Admitted
) -> TrainingExample:
    encounter = code_set.encounter
    name = f"code-set-{code_set.pk}"
    places = {version.pk for version in versions}
    labels: list[Label] = []
    negatives: dict[tuple[str, str], Negative] = {}
    unlabelled: dict[tuple[str, str], None] = {}
    for entry in _entries(code_set):
        told = training_labels.meaning(entry.state, entry.reason)
        assistance = _assistance(entry)
        if told == training_labels.LABEL:
            labels.append(_label(entry, assistance, places))
            if entry.suggested_code and entry.suggested_code != entry.code:
                key = (entry.system, entry.suggested_code)
                negatives[key] = Negative(*key, entry.reason, assistance)
        elif told == training_labels.NEGATIVE:
            key = (entry.system, entry.suggested_code or entry.code)
            negatives[key] = Negative(*key, entry.reason, assistance)
        elif told == training_labels.UNLABELLED:
            unlabelled[entry.system, entry.suggested_code or entry.code] = None
    coded = {label.key for label in labels}
    return TrainingExample(
        id=f"signed-off/{name}",
        patient=patient_of(encounter),
        chart=_chart(code_set, versions, name),
        labels=labels_of(labels),
        provenance=Provenance(
            SIGNED_OFF,
            "signed-off",
            f"{name}-v{code_set.version}",
            titles.known(code_set.release) if code_set.release else "",
            tuple(version.sha256 for version in versions),
            admitted.authority,
        ),
        negatives=tuple(one for key, one in negatives.items() if key not in coded),
        unlabelled=tuple(key for key in unlabelled if key not in coded and key not in negatives),
        names=encounter_names(encounter),
        phi=not encounter.synthetic,
    )


def _entries(code_set: CodeSet) -> Iterator[CodeEntry]:
    """Diagnoses of the signed reading, in billing order, each with its evidence and its deciding decisions."""
    decisions = Decision.objects.filter(action__in=_DECIDING).order_by("number")
    evidence = EntryEvidence.objects.filter(stands=True).order_by("order", "pk")
    yield from (
        CodeEntry.objects.filter(
            reading__code_set=code_set, reading__kind=ReadingKind.CODING, system=CodeSystem.ICD10CM
        )
        .select_related("reading")
        .prefetch_related(Prefetch("decisions", decisions), Prefetch("evidence", evidence))
        .order_by("sequence", "rank", "pk")
    )


def _assistance(entry: CodeEntry) -> Assistance:
    """Of the latest decision that left the entry as it stands; of an entry without one, of the reading."""
    for decision in reversed(list(entry.decisions.all())):
        if decision.after.get("state") == entry.state:
            return Assistance(
                str(decision.assistance),
                decision.rank_shown,
                decision.band_shown,
                decision.confidence_shown,
                decision.engine,
                decision.model_version,
            )
    return Assistance(str(entry.reading.assistance))


def _label(entry: CodeEntry, assistance: Assistance, documents: set[int]) -> Label:
    """The rationale is the engine's, so it goes with a code only where the engine named that code."""
    return Label(
        entry.system,
        entry.code,
        tuple(
            Evidence(
                str(place.document_version_id),
                place.line_start,
                place.line_end,
                place.col_start,
                place.col_end,
                place.quote,
            )
            for place in entry.evidence.all()
            if place.document_version_id in documents
        ),
        str(entry.state),
        assistance,
        entry.rationale if entry.code == entry.suggested_code else "",
    )


def _chart(code_set: CodeSet, versions: Sequence[DocumentVersion], name: str) -> ChartText:
    """As actions/start_prediction.py gives it to an engine."""
    encounter = code_set.encounter
    return ChartText(
        id=name,
        documents=tuple(
            ChartDocument(
                str(version.pk),
                version.text,
                version.document.type,
                version.document.author_role,
                version.document.authored_at,
            )
            for version in versions
        ),
        claim_type=code_set.claim_type,
        setting=encounter.setting,
        date_of_service=encounter.date_of_service,
        admit_date=encounter.admit_date,
        discharge_date=encounter.discharge_date,
        age=encounter.age,
        age_unit=encounter.age_unit,
        sex=encounter.sex,
        specialty=encounter.specialty,
    )


def _assistance_of(chosen: GoldSet) -> Assistance:
    protocol: Mapping[str, Any] = chosen.manifest.get("protocol", {})
    if "mode" not in protocol:
        return Assistance("unknown")
    return Assistance(_SHOWN.get(protocol["mode"], "full"), engine=str(protocol.get("label_origin", ""))[:80])
