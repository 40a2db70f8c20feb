"""Procedures of the embedded engine: suggested where a note says that they were done, kept as context elsewhere."""

from __future__ import annotations

import datetime as dt

import pytest

from catalog.choices import CodeSystem
from modelops.engines.types import ChartDocument
from tests.modelops.engine_charts import predict
from tests.procedure_releases import load_procedures, procedure_rows

pytestmark = pytest.mark.django_db
LAP_CHOLE = "Operation: Laparoscopic cholecystectomy."


@pytest.fixture
def done(icd10cm, cpt_sample):
    """Codes and confidences of the procedures suggested, and (code, tag) of those that were not."""

    def run(*texts, **fields):
        result = predict(icd10cm, *texts, procedure_releases={"cpt": cpt_sample.pk}, **fields)
        return (
            [(s.code, s.confidence) for s in result.suggestions if s.system == "cpt"],
            [
                (m.code, m.tag)
                for m in result.context
                if m.code in ("47562", "45378", "93000", "90471", "87880")
            ],
        )

    return run


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LAP_CHOLE, [("47562", 0.93)]),
        ("PROCEDURE: right knee injection", [("20610", 0.93)]),
        ("Laparoscopic cholecystectomy was performed without complication.", [("47562", 0.85)]),
        ("A punch biopsy of the left forearm was done.", [("11104", 0.85)]),
        ("Flu shot given today.", [("90471", 0.55)]),
        ("ECG today: sinus rhythm 63.", [("93000", 0.82)]),
        ("ECG: sinus rhythm, no ischemia.", [("93000", 0.68)]),
        # What is denied is the infection; the test was done.
        ("Rapid strep negative.", [("87880", 0.68)]),
        ("PROCEDURE\nColonoscopy with cold forceps biopsy of the sigmoid.", [("45380", 0.93)]),
    ],
)
def test_done_is_suggested(done, text, expected):
    suggested, _ = done(text)
    assert suggested == expected


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Plan: laparoscopic cholecystectomy next month.", "hypothetical"),
        ("Consent for laparoscopic cholecystectomy obtained in the office.", "hypothetical"),
        ("She is scheduled for laparoscopic cholecystectomy.", "hypothetical"),
        ("Laparoscopic cholecystectomy recommended.", "hypothetical"),
        ("PSH: laparoscopic cholecystectomy.", "historical"),
        ("s/p laparoscopic cholecystectomy.", "historical"),
        ("Status post laparoscopic cholecystectomy, doing well.", "historical"),
        ("Laparoscopic cholecystectomy 2014.", "historical"),
        ("Underwent laparoscopic cholecystectomy 2014.", "historical"),
        ("Laparoscopic cholecystectomy was performed 3 weeks ago on 04/12.", "historical"),
        ("No laparoscopic cholecystectomy was performed.", "negated"),
        ("Her mother had laparoscopic cholecystectomy.", "family"),
    ],
)
def test_not_done_here_is_context(done, text, tag):
    suggested, context = done(text)
    assert suggested == []
    assert context == [("47562", tag)]


def test_a_bare_name_is_neither(done):
    assert done("We talked about colonoscopy.") == ([], [])


def test_evidence_is_where_it_stands(icd10cm, cpt_sample):
    text = "Operative report\n\n" + LAP_CHOLE + "\nPatient tolerated it."
    result = predict(icd10cm, text, procedure_releases={"cpt": cpt_sample.pk})
    (suggestion,) = [s for s in result.suggestions if s.system == "cpt"]
    (evidence,) = suggestion.evidence
    assert (evidence.document_id, evidence.line_start, evidence.line_end) == ("d1", 3, 3)
    assert (
        LAP_CHOLE[evidence.col_start : evidence.col_end] == evidence.quote == "Laparoscopic cholecystectomy"
    )
    assert suggestion.rationale == "Named where the note tells of the procedures done."
    assert suggestion.description.endswith("(sample, not for billing)")


def test_never_on_facility_inpatient(done):
    assert done(LAP_CHOLE, claim_type="facility_inpatient", setting="inpatient") == ([], [])


def test_nothing_without_a_release(icd10cm, cpt_sample):
    result = predict(icd10cm, LAP_CHOLE)
    assert [s.code for s in result.suggestions if s.system != "icd10cm"] == []


def test_only_codes_of_the_release_in_force(icd10cm):
    rows = procedure_rows("47562", valid_to=dt.date(2026, 5, 3)) + procedure_rows("44970")
    release = load_procedures(CodeSystem.CPT, rows)

    def suggested(text, **fields):
        result = predict(icd10cm, text, procedure_releases={"cpt": release.pk}, **fields)
        return [s.code for s in result.suggestions if s.system == "cpt"]

    assert suggested(LAP_CHOLE) == []
    assert suggested(LAP_CHOLE, date_of_service=dt.date(2026, 5, 3)) == ["47562"]
    assert suggested("Operation: Laparoscopic appendectomy.") == ["44970"]
    assert suggested("Operation: ESWL.") == []


def test_terms_of_the_release_name_its_procedures(icd10cm):
    rows = procedure_rows("A0001")
    release = load_procedures(CodeSystem.HCPCS, (*rows,))
    result = predict(icd10cm, "Procedure: made up A0001 fitted.", procedure_releases={"hcpcs": release.pk})
    assert [(s.system, s.code) for s in result.suggestions if s.system != "icd10cm"] == [("hcpcs", "A0001")]


def test_who_documents_and_who_reads(done):
    nurse = ChartDocument("n", "Portable CXR done.", "ED nursing record", "nurse")
    assert done(nurse, claim_type="facility_outpatient", setting="emergency")[0] == [("71045", 0.5)]
    note = "Portable CXR done."
    assert done(note, claim_type="facility_outpatient", setting="emergency")[0] == [("71045", 0.85)]
    assert done(note)[0] == [("71045", 0.5)]
    report = ChartDocument("r", note, "Radiology report", "radiologist")
    assert done(report)[0] == [("71045", 0.85)]


def test_an_electrocardiogram_of_a_hospital_is_not_the_offices_code(done):
    assert done("ECG: sinus rhythm.", claim_type="facility_outpatient", setting="emergency") == ([], [])


def test_less_full_names_of_the_same_procedure_go(done):
    suggested, _ = done("Colonoscopy performed.\nProcedure: colonoscopy with snare polypectomy.")
    assert suggested == [("45385", 0.93)]


def test_said_twice_is_a_little_surer(done):
    suggested, _ = done("Procedure: lap chole.\nLaparoscopic cholecystectomy was performed.")
    assert suggested == [("47562", 0.95)]
