"""Pneumonia whose organism the provider names: one code says both; a culture by itself names no cause."""

import pytest

from modelops.engines.types import ChartDocument
from tests.modelops.engine_charts import INPATIENT, codes, predict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pneumonia due to Pseudomonas aeruginosa", ["J15.1"]),
        ("Pneumonia of the left lower lobe due to Pseudomonas aeruginosa", ["J15.1"]),
        ("pneumonia of the right lower lobe caused by Klebsiella pneumoniae", ["J15.0"]),
        ("Klebsiella pneumonia", ["J15.0"]),
        ("PNA secondary to MRSA", ["J15.212"]),
        ("community acquired pneumonia due to MSSA", ["J15.211"]),
        ("multifocal pneumonia due to E. coli", ["J15.5"]),
        ("pneumonia due to Streptococcus pneumoniae", ["J13"]),
        ("pneumonia due to Haemophilus influenzae", ["J14"]),
        ("Mycoplasma pneumonia", ["J15.7"]),
        ("pneumonia due to Serratia", ["J15.69"]),
        ("pneumonia due to Legionella", ["A48.1"]),
        ("pneumonia", ["J18.9"]),
    ],
)
def test_the_organism_that_the_provider_names(icd10cm, text, expected):
    assert codes(icd10cm, f"ASSESSMENT: {text}", **INPATIENT) == expected


@pytest.mark.parametrize(
    "text",
    [
        "pneumonia\n\nLABS: urine culture grew Klebsiella",
        "pneumonia, not due to Pseudomonas",
        "pneumonia. Pseudomonas pneumonia ruled out",
    ],
)
def test_an_organism_beside_it_is_not_its_cause(icd10cm, text):
    found = [s.code for s in predict(icd10cm, f"ASSESSMENT: {text}", **INPATIENT).suggestions]
    assert "J18.9" in found
    assert not [code for code in found if code.startswith("J15")]


def test_the_organism_of_another_infection_stays(icd10cm):
    text = "FINAL DIAGNOSES:\n1. Pneumonia due to E. coli\n2. UTI due to E. coli"
    assert codes(icd10cm, text, **INPATIENT) == ["J15.5", "B96.20", "N39.0"]


def test_with_obstructive_disease_both_are_said(icd10cm):
    text = "FINAL DIAGNOSES:\n1. COPD\n2. Pneumonia due to Pseudomonas"
    assert set(codes(icd10cm, text, **INPATIENT)) == {"J44.0", "J15.1"}


def test_an_addendum_names_the_organism_after_the_culture(icd10cm):
    summary = ChartDocument(
        "s", "FINAL DIAGNOSES:\n1. Pneumonia of the left lower lobe", "Discharge summary", "physician"
    )
    addendum = ChartDocument(
        "a",
        "RESULT\nSputum culture, final\n   Culture:      heavy growth Pseudomonas aeruginosa\n\n"
        "INTERPRETATION\nThe pneumonia treated during the stay was due to Pseudomonas aeruginosa.",
        "Addendum",
        "physician",
    )
    found = {s.code: s for s in predict(icd10cm, summary, addendum, **INPATIENT).suggestions}
    assert set(found) == {"J15.1"}
    assert [(e.document_id, e.line_start) for e in found["J15.1"].evidence] == [("a", 6)]
    # Before it came, the pneumonia has no cause.
    assert codes(icd10cm, summary, **INPATIENT) == ["J18.9"]
