"""What a chart as a whole decides: who wrote what, whose chart it is, what was done in it."""

from modelops.engines.types import ChartDocument
from tests.modelops.engine_charts import INPATIENT, codes, predict, tags


def test_the_stage_of_a_pressure_ulcer_may_come_from_the_wound_nurse(icd10cm):
    physician = ChartDocument(
        "a", "ASSESSMENT:\n1. Pressure injury of the sacrum", "Discharge summary", "physician"
    )
    nurse = ChartDocument("b", "Skin: Stage 2 pressure injury, clean.", "Nursing note", "registered nurse")
    result = predict(icd10cm, physician, nurse, **INPATIENT)
    (suggestion,) = result.suggestions
    assert suggestion.code == "L89.152"
    assert [e.document_id for e in suggestion.evidence] == ["a", "b"]
    assert "I.B.14" in suggestion.rationale


def test_a_pathology_report_alone_is_not_enough_on_a_facility_inpatient_claim(icd10cm):
    report = ChartDocument("p", "FINAL DIAGNOSIS: tubular adenoma of colon", "Pathology report", "physician")
    (inpatient,) = predict(icd10cm, report, **INPATIENT).suggestions
    (outpatient,) = predict(icd10cm, report).suggestions
    assert inpatient.code == outpatient.code == "D12.6"
    assert inpatient.confidence < outpatient.confidence
    assert "I.B.14" in inpatient.rationale


def test_the_mothers_facts_stay_out_of_the_newborns_chart(icd10cm):
    text = (
        "NEWBORN NOTE. Born via cesarean, Apgars 8/9. Mother GBS positive, mother has type 2 diabetes.\n"
        "Dx: neonatal jaundice"
    )
    result = predict(icd10cm, text, age=1.0, age_unit="days", **INPATIENT)
    assert not [s.code for s in result.suggestions if s.code[0] in "EO" or s.code == "Z83.3"]
    assert "P59.9" in [s.code for s in result.suggestions]


def test_the_newborns_facts_stay_out_of_the_mothers_chart(icd10cm):
    result = predict(icd10cm, "DELIVERY NOTE\nASSESSMENT: neonatal jaundice", sex="F", age=30.0)
    assert result.suggestions == ()
    assert tags(result) == [("P59.9", "other_person")]


def test_what_is_removed_in_this_stay_is_no_absence_yet(icd10cm):
    text = "PROCEDURE: laparoscopic cholecystectomy\n\nASSESSMENT: s/p cholecystectomy today, cholelithiasis"
    assert codes(icd10cm, text) == ["K80.20"]
    assert "Z90.49" in [s.code for s in predict(icd10cm, "PSH: cholecystectomy 2012").suggestions]


def test_a_current_disease_is_not_also_history(icd10cm):
    text = "HPI: history of colon cancer, treated for colon cancer 2023.\n\nFINAL DIAGNOSES: colon cancer"
    assert [s.code for s in predict(icd10cm, text, **INPATIENT).suggestions] == ["C18.9"]


def test_a_differential_is_a_list_of_possibilities(icd10cm):
    result = predict(icd10cm, "MDM: Differential: pneumonia, PE, gout.\nDx: cough")
    assert [s.code for s in result.suggestions] == ["R05.9"]
    assert tags(result) == [("J18.9", "uncertain"), ("I26.99", "uncertain"), ("M10.9", "uncertain")]


def test_sex_chooses_between_codes_that_differ_by_it(icd10cm):
    assert codes(icd10cm, "ASSESSMENT: left breast cancer", sex="F") == ["C50.912"]
    assert codes(icd10cm, "ASSESSMENT: left breast cancer", sex="M") == ["C50.922"]


def test_a_figure_belongs_to_the_word_before_it(icd10cm):
    assert "N18.2" not in codes(
        icd10cm, "ASSESSMENT: Type 2 diabetes mellitus with stage 3a chronic kidney disease"
    )


def test_a_patients_worry_is_no_diagnosis(icd10cm):
    result = predict(icd10cm, "PLAN: worried about pneumonia, reassured")
    assert (result.suggestions, tags(result)) == ((), [("J18.9", "hypothetical")])


def test_a_chart_without_anything_to_code_gives_nothing(icd10cm):
    result = predict(icd10cm, "Letter sent.\n\nThank you for the fruit basket. 😀")
    assert (result.suggestions, result.context, result.discarded) == ((), (), ())


def test_documents_that_disagree_on_a_kind_of_heart_failure_are_both_heard(icd10cm):
    attending = ChartDocument(
        "a", "FINAL DIAGNOSES:\n1. Acute on chronic diastolic heart failure", "Discharge summary", "attending"
    )
    consultant = ChartDocument(
        "b",
        "IMPRESSION:\n1. Acute on chronic combined systolic and diastolic heart failure",
        "Consult",
        "consultant",
    )
    result = predict(icd10cm, attending, consultant, **INPATIENT)
    assert [(s.code, [e.document_id for e in s.evidence]) for s in result.suggestions] == [
        ("I50.33", ["a"]),
        ("I50.43", ["b"]),
    ]
    # In one document the combined kind is the whole of it.
    text = "FINAL DIAGNOSES:\n1. Acute on chronic combined systolic (HFrEF) and diastolic heart failure"
    assert [s.code for s in predict(icd10cm, text, **INPATIENT).suggestions] == ["I50.43"]
