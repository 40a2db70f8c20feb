"""What people decided as training examples: what each decision says, and which charts give nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.gold_freeze import freeze_gold_set
from coding_review.actions.reopen import reopen
from coding_review.actions.training_authority import record_authority, withdraw_authority
from coding_review.choices import EntryState
from coding_review.errors import InvalidDecision
from coding_review.feedback import gold_set, signed_off
from coding_review.held_out import held, held_out_charts
from coding_review.models import Encounter, GoldSet, Patient
from coding_review.rules import training_labels
from coding_review.rules.part2 import bears_notice
from modelops.datasets.build import Gathered
from modelops.datasets.code_titles import CodeTitles
from modelops.datasets.deidentify import Deidentifier
from modelops.datasets.examples import words_at
from modelops.datasets.leaks import find_leaks
from modelops.datasets.ordinary_words import OrdinaryWords
from modelops.datasets.split import patient_key
from tests.coding_review.gold_rows import adjudicated
from tests.coding_review.signed_charts import signed_chart
from tests.personas import NOTE

pytestmark = pytest.mark.django_db

NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."


def gathered() -> Gathered:
    return signed_off(held(), CodeTitles(), timezone.localdate())


def outside(name: str, purpose: str, text: str = NOTE, **values: object):
    line = {"id": "c-1", "text": text, "codes": [{"code": "I50.23", "lines": [3]}], **values}
    return import_gold(
        None,
        [json.dumps(line).encode()],
        name=name,
        purpose=purpose,
        without_phi=values.get("source") != "real",
    )


def test_each_decision_says_what_it_means(icd10cm, make_encounter, coder) -> None:
    code_set = signed_chart(make_encounter, coder)
    found = gathered()
    (one,) = found.examples
    assert one.id == f"signed-off/code-set-{code_set.pk}"
    assert [(label.code, label.origin) for label in one.labels] == [
        ("I50.23", "accepted"),
        ("E11.21", "modified"),
        ("N18.32", "added"),
    ]
    # Rejected, and the code that was changed into another: somebody looked and said no.
    assert sorted((n.code, n.reason) for n in one.negatives) == [
        ("E11.22", "not_specific"),
        ("R60.0", "not_documented"),
    ]
    # Dismissed and undecided ones say nothing.
    assert sorted(one.unlabelled) == [("icd10cm", "J18.9"), ("icd10cm", "R06.02")]
    assert all(words_at(one.chart, place) == place.quote for label in one.labels for place in label.evidence)
    assert [label.evidence[0].line_start for label in one.labels] == [3, 4, 4]
    assert one.provenance.release == str(icd10cm)
    assert one.provenance.chart == f"code-set-{code_set.pk}-v1"
    assert found.sources == [{"kind": "signed_off", "source": "signed-off", "examples": 1}]


def test_a_label_keeps_what_the_reviewer_saw(icd10cm, make_encounter, coder) -> None:
    code_set = signed_chart(make_encounter, coder)
    (one,) = gathered().examples
    decided = {
        decision.code_after: decision
        for decision in code_set.readings.get().decisions.filter(action__in=["accept", "modify", "add"])
    }
    assert set(decided) == {label.code for label in one.labels}
    for label in one.labels:
        decision, assistance = decided[label.code], label.assistance
        assert assistance.shown == decision.assistance
        assert (assistance.rank, assistance.band, assistance.confidence) == (
            decision.rank_shown,
            decision.band_shown,
            decision.confidence_shown,
        )
        assert (assistance.engine, assistance.model_version) == (decision.engine, decision.model_version)
    assert one.labels[0].assistance.engine == "embedded"
    # The engine's words stay with the engine's code.
    assert [label.rationale for label in one.labels] == ["Stated.", "", ""]


def test_every_state_has_a_meaning() -> None:
    assert set(training_labels.BY_STATE) == set(EntryState.values)
    meaning = training_labels.meaning
    assert [meaning(state, "") for state in ("accepted", "modified", "added")] == ["label"] * 3
    assert [meaning(state, "") for state in ("dismissed", "held", "undecided")] == ["unlabelled"] * 3
    assert meaning("rejected", "negated") == "negative"
    assert meaning("rejected", "wrong_evidence") == "unlabelled"
    assert meaning("rejected", "duplicate") == "nothing"
    # The reason of a modification does not unmake the label.
    assert meaning("modified", "duplicate") == "label"


def test_only_the_signed_version_that_stands_counts(icd10cm, make_encounter, coder) -> None:
    code_set = signed_chart(make_encounter, coder)
    make_encounter()
    assert len(gathered().examples) == 1
    reopen(coder, code_set.pk, reason="correction")
    assert gathered().examples == []


def test_a_restricted_chart_needs_an_authority_in_force(
    icd10cm, make_encounter, coder, privacy_officer
) -> None:
    code_set = signed_chart(make_encounter, coder)
    Encounter.objects.update(confidentiality="restricted")
    found = gathered()
    assert (found.examples, found.left_out) == ([], {"restricted_without_authority": 1})
    authority = record_authority(privacy_officer, code_set.encounter_id, basis="consent", reference="C-7")
    (one,) = gathered().examples
    assert one.provenance.authority == authority.pk
    withdraw_authority(privacy_officer, authority.pk)
    assert gathered().left_out == {"restricted_without_authority": 1}
    tomorrow = timezone.localdate() + timedelta(days=1)
    record_authority(
        privacy_officer,
        code_set.encounter_id,
        basis="consent",
        reference="C-8",
        valid_until=timezone.localdate(),
    )
    assert signed_off(held(), CodeTitles(), tomorrow).left_out == {"restricted_without_authority": 1}


def test_a_part_2_document_needs_an_authority_that_says_so(
    icd10cm, make_encounter, coder, privacy_officer
) -> None:
    code_set = signed_chart(make_encounter, coder, texts={"discharge summary": f"{NOTE}\n{NOTICE}"})
    assert code_set.encounter.confidentiality == "normal"
    assert gathered().left_out == {"part2_without_authority": 1}
    record_authority(privacy_officer, code_set.encounter_id, basis="consent", reference="C-1")
    assert gathered().left_out == {"part2_without_authority": 1}
    record_authority(
        privacy_officer, code_set.encounter_id, basis="consent", reference="C-2", covers_part2=True
    )
    assert len(gathered().examples) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NOTICE, True),
        ("This record is protected by 42 C.F.R. Part 2.", True),
        ("Federal law prohibits further re-disclosure of this\nsubstance use disorder record.", True),
        ("42 CFR Part 482 conditions of participation", False),
        ("Alcohol use disorder, in remission. Disclosed to family.", False),
        ("Part 2 of the form was completed.", False),
    ],
)
def test_the_notice_of_part_2(text: str, told: bool) -> None:
    assert bears_notice(text) is told


def test_a_real_chart_comes_with_what_is_known_of_the_person(icd10cm, make_encounter, coder) -> None:
    signed_chart(make_encounter, coder, synthetic=False)
    found = gathered()
    (one,) = found.examples
    assert one.phi
    known = found.known[one.id]
    patient = Patient.objects.get()
    assert known.names == (patient.identity.name,)
    assert patient.identity.record_number in known.numbers
    assert known.places == ("Tamarack Valley Medical Center",)
    assert patient.identity.name not in repr(known)


def test_charts_and_patients_of_an_evaluation_stay_out(
    icd10cm, make_encounter, lead, coder, expert, adjudicator
) -> None:
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    measured = study.charts[0].code_set.encounter
    again = signed_chart(make_encounter, coder)
    Encounter.objects.filter(pk=again.encounter_id).update(patient=measured.patient)
    other = signed_chart(make_encounter, coder)
    assert {one.id for one in gathered().examples} == {
        f"signed-off/code-set-{again.pk}",
        f"signed-off/code-set-{other.pk}",
    }
    frozen = freeze_gold_set(adjudicator, study.project.pk, purpose="evaluation")
    found = gathered()
    assert [one.id for one in found.examples] == [f"signed-off/code-set-{other.pk}"]
    assert found.left_out == {"held_out": 1}
    (chart,) = held_out_charts()
    assert chart.set_name == str(frozen)
    assert chart.patient == patient_key(measured.patient.source, measured.patient.pseudonym)
    assert chart.chart is not None
    # The other chart is the same text, which the check finds whatever it is called.
    assert [(leak.example, leak.how) for leak in find_leaks(found.examples, [chart]).leaks] == [
        (f"signed-off/code-set-{other.pk}", "document")
    ]


def test_a_set_for_training_gives_labels_negatives_and_what_is_open(
    icd10cm, make_encounter, lead, coder, expert, adjudicator
) -> None:
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    frozen = freeze_gold_set(adjudicator, study.project.pk, purpose="train")
    found = gold_set(frozen, held(), CodeTitles(), timezone.localdate())
    (one,) = found.examples
    assert sorted(label.code for label in one.labels) == ["E11.22", "I50.23", "R06.02"]
    assert [n.code for n in one.negatives] == ["N18.32"]
    assert {label.assistance.shown for label in one.labels} == {"full"}
    assert not one.phi
    assert found.sources[0]["sha256"] == frozen.sha256
    assert list(held_out_charts()) == []


def test_who_wrote_the_notes_of_a_gold_set_is_known(
    icd10cm, make_encounter, lead, coder, expert, adjudicator
) -> None:
    study = adjudicated(lead, coder, expert, adjudicator, make_encounter)
    frozen = freeze_gold_set(adjudicator, study.project.pk, purpose="train")
    encounter = study.charts[0].code_set.encounter
    type(encounter).objects.update(synthetic=False)
    encounter.documents.update(author="Bola Oyelaran, MD")
    found = gold_set(frozen, held(), CodeTitles(), timezone.localdate())
    (known,) = found.known.values()
    assert "Bola Oyelaran, MD" in known.names


def test_an_outside_set_s_ids_are_known_and_name_no_row(icd10cm) -> None:
    """A chart's id may be the name of a file, and that the name of a person."""
    values = {"source": "real", "patient_id": "0071-44", "encounter_id": "9", "id": "tolliver_emmett"}
    training = outside("Outside", "train", **values)
    found = gold_set(training, held(), CodeTitles(), timezone.localdate())
    (one,) = found.examples
    known = found.known[one.id]
    assert (known.chart_id, known.numbers) == ("tolliver_emmett", ("0071-44", "tolliver_emmett"))
    row = Deidentifier(b"k" * 16, OrdinaryWords.learned([], NOTE.split())).apply(one, known).example
    assert "tolliver" not in f"{row.id} {row.provenance}"
    assert row.id.startswith("gold:Outside v1/chart-")


@pytest.mark.parametrize("purpose", ["evaluation", "calibration"])
def test_a_set_for_another_purpose_trains_nothing(icd10cm, purpose: str) -> None:
    with pytest.raises(InvalidDecision, match="not for training"):
        gold_set(outside("Held", purpose), held(), CodeTitles(), timezone.localdate())


def test_a_set_of_one_domain_trains_nothing(db) -> None:
    partial = GoldSet.objects.create(
        name="Frailty alone", kind="gold", purpose="train", manifest={"protocol": {"domains": ["frailty"]}}
    )
    with pytest.raises(InvalidDecision, match="some domains only"):
        gold_set(partial, held(), CodeTitles(), timezone.localdate())


def test_an_outside_set(icd10cm) -> None:
    found = gold_set(outside("Outside", "train"), held(), CodeTitles(), timezone.localdate())
    (one,) = found.examples
    assert [(label.code, label.evidence[0].quote) for label in one.labels] == [
        ("I50.23", "Acute on chronic systolic heart failure, treated with furosemide.")
    ]
    assert {label.assistance.shown for label in one.labels} == {"unknown"}
    assert one.provenance.release == str(icd10cm)
    assert not one.phi
    real = gold_set(outside("Real", "train", source="real"), held(), CodeTitles(), timezone.localdate())
    assert real.examples[0].phi
    noticed = outside("Noticed", "train", f"{NOTE}\n{NOTICE}")
    assert gold_set(noticed, held(), CodeTitles(), timezone.localdate()).left_out == {
        "part2_without_authority": 1
    }
