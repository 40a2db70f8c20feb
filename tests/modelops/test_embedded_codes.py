"""Which code: the most specific that the words allow, combinations, conflicts, and codes that need others."""

import pytest

from modelops.choices import Band
from modelops.engines.bands import band_of
from modelops.engines.types import ChartDocument
from tests.modelops.engine_charts import INPATIENT, codes, predict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ASSESSMENT: acute on chronic systolic heart failure", ["I50.23"]),
        ("ASSESSMENT: acute-on-chronic HFrEF", ["I50.23"]),
        ("ASSESSMENT: CKD 3b", ["N18.32"]),
        ("ASSESSMENT: chronic kidney disease, stage IIIa", ["N18.31"]),
        ("ASSESSMENT: Atrial fibrillation, permanent", ["I48.21"]),
        ("ASSESSMENT: COPD with acute exacerbation", ["J44.1"]),
        ("ASSESSMENT: moderate persistent asthma with exacerbation", ["J45.41"]),
        ("ASSESSMENT: stage 3 pressure ulcer of the left heel", ["L89.623"]),
        ("ASSESSMENT: sacral pressure injury, stage 2", ["L89.152"]),
        ("ASSESSMENT: osteoarthritis of the right knee", ["M17.11"]),
        ("ASSESSMENT: major depressive disorder, recurrent, severe", ["F33.2"]),
        ("ASSESSMENT: acute hypoxic respiratory failure", ["J96.01"]),
        ("ASSESSMENT: anaemia, iron deficiency", ["D50.9"]),
        ("ASSESSMENT: left carpal tunnel syndrome", ["G56.02"]),
        ("ASSESSMENT: UTI due to E. coli", ["B96.20", "N39.0"]),
    ],
)
def test_the_most_specific_code_that_the_words_allow(icd10cm, text, expected):
    assert codes(icd10cm, text) == expected


def test_a_list_does_not_lend_words_to_its_neighbours(icd10cm):
    text = "ASSESSMENT: acute respiratory failure with hypoxia, chronic kidney disease, heart failure"
    assert codes(icd10cm, text) == ["J96.01", "N18.9", "I50.9"]


def test_specific_wins_over_unspecified_across_the_chart(icd10cm):
    text = (
        "PMH: heart failure, atrial fibrillation\n\nASSESSMENT: chronic diastolic heart failure; permanent AF"
    )
    assert codes(icd10cm, text) == ["I50.32", "I48.21"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hypertension and CKD stage 4", {"I12.9", "N18.4"}),
        ("hypertension, ESRD", {"I12.0", "N18.6"}),
        ("hypertension; chronic systolic heart failure", {"I11.0", "I50.22"}),
        ("hypertension; chronic systolic heart failure; CKD stage 3a", {"I13.0", "I50.22", "N18.31"}),
        ("type 2 diabetes; CKD stage 3a", {"E11.22", "N18.31"}),
        ("type 2 diabetes with gastroparesis", {"E11.43"}),
        ("type 1 diabetes; hyperglycemia", {"E10.65"}),
        ("lung cancer; cachexia", {"C34.90", "E88.A"}),
        ("sepsis; E. coli bacteremia", {"A41.51"}),
        ("COPD; pneumonia", {"J44.0", "J18.9"}),
    ],
)
def test_combination_codes(icd10cm, text, expected):
    assert expected <= set(codes(icd10cm, f"ASSESSMENT: {text}"))
    assert not {"I10", "E11.9", "E10.9", "R64", "R78.81", "J44.9"} & set(
        codes(icd10cm, f"ASSESSMENT: {text}")
    )


def test_a_combination_takes_the_evidence_of_its_parts_and_says_why(icd10cm):
    result = predict(icd10cm, "ASSESSMENT:\n1. Hypertension\n2. CKD stage 4")
    found = {s.code: s for s in result.suggestions}
    assert [(e.line_start, e.quote) for e in found["I12.9"].evidence] == [
        (2, "Hypertension"),
        (3, "CKD stage 4"),
    ]
    assert "I.C.9.a.2" in found["I12.9"].rationale


def test_an_uncertain_part_makes_no_combination(icd10cm):
    assert codes(icd10cm, "ASSESSMENT:\nHypertension\npossible CKD stage 4") == ["I10"]


def test_diabetes_brings_its_long_term_drugs_and_only_then(icd10cm):
    assert codes(icd10cm, "Meds: metformin, insulin glargine\n\nASSESSMENT: type 2 diabetes") == [
        "Z79.84",
        "Z79.4",
        "E11.9",
    ]
    assert codes(icd10cm, "Meds: insulin for hyperkalemia\n\nASSESSMENT: hyperkalemia") == ["E87.5"]


def test_a_bmi_needs_its_diagnosis(icd10cm):
    assert codes(icd10cm, "Exam: BMI 36.8\n\nASSESSMENT: class 2 obesity", age=40.0)[-1:] == ["E66.812"]
    everything = [
        s.code for s in predict(icd10cm, "BMI 36.8\n\nASSESSMENT: class 2 obesity", age=40.0).suggestions
    ]
    assert everything == ["Z68.36", "E66.812"]
    assert predict(icd10cm, "Exam: BMI 36.8", age=40.0).suggestions == ()


def test_dnr_social_needs_and_frailty(icd10cm):
    text = (
        "Code status: DNR/DNI\n"
        "SOCIAL: lives alone. Power was shut off last week, food runs out at the end of the month.\n"
        "ASSESSMENT: frailty, severe protein-calorie malnutrition, recurrent falls\n"
    )
    assert set(codes(icd10cm, text)) == {"Z66", "Z60.2", "Z59.12", "Z59.41", "R54", "E43", "R29.6"}


def test_pregnancy_takes_chapter_15_and_the_weeks(icd10cm):
    text = "PRENATAL VISIT  G2P1  IUP 29w0d by LMP\nASSESSMENT: 29w0d. GDM A1. Iron deficiency anemia of pregnancy."
    found = codes(icd10cm, text, sex="F", age=29.0)
    assert {"O24.410", "O99.013", "Z3A.29", "D50.9"} <= set(found)


def test_delivery_stands_in_the_place_of_a_trimester(icd10cm):
    text = (
        "OB DISCHARGE SUMMARY  G1P1, IUP at 39w1d\nDELIVERY: liveborn singleton, vaginal delivery\n"
        "FINAL DIAGNOSES: 1. GDM A2 2. Preeclampsia with severe features, pregnancy delivered"
    )
    found = set(codes(icd10cm, text, sex="F", age=30.0, **INPATIENT))
    assert {"O24.424", "O14.14", "Z37.0"} <= found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ASSESSMENT: left hip fracture", "S72.002A"),
        ("ASSESSMENT: right ankle sprain", "S93.401A"),
        ("ASSESSMENT: right distal radius fracture, routine healing, cast off", "S52.501D"),
    ],
)
def test_injuries_get_their_seventh_character(icd10cm, text, expected):
    assert codes(icd10cm, text) == [expected]


def test_adverse_effect_and_underdosing(icd10cm):
    assert set(codes(icd10cm, "ASSESSMENT: prednisone-induced hyperglycemia in type 2 diabetes")) >= {
        "E11.65",
        "T38.0X5A",
    }
    assert "T38.3X6A" in [
        s.code
        for s in predict(icd10cm, "HPI: rationing her insulin. ASSESSMENT: type 2 diabetes").suggestions
    ]


def test_a_header_is_discarded_never_suggested(icd10cm):
    result = predict(icd10cm, "ASSESSMENT: chronic viral hepatitis")
    assert all(icd10cm.codes.filter(code=s.code, billable=True).exists() for s in result.suggestions)
    result = predict(icd10cm, "ASSESSMENT: Pressure ulcer of elbow. Burn of unspecified degree.")
    assert all(icd10cm.codes.filter(code=s.code, billable=True).exists() for s in result.suggestions)


def test_a_symptom_of_a_suggested_diagnosis_is_low(icd10cm):
    result = predict(icd10cm, "ASSESSMENT: pneumonia with cough")
    bands = {s.code: band_of(s.confidence, high=0.9, medium=0.6) for s in result.suggestions}
    assert bands["J18.9"] != Band.LOW
    assert bands["R05.9"] == Band.LOW
    assert "I.B.5" in {s.code: s.rationale for s in result.suggestions}["R05.9"]


def test_of_two_codes_that_exclude_each_other_one_is_low(icd10cm):
    result = predict(
        icd10cm,
        "ASSESSMENT: osteoporosis with fragility fracture of the left distal radius. Vitamin D deficiency.",
    )
    found = {s.code: s for s in result.suggestions}
    low = [code for code, s in found.items() if s.confidence <= 0.35]
    assert low == ["E55.9"]
    assert "Excludes1" in found["E55.9"].rationale


def test_a_nurse_alone_does_not_make_a_diagnosis(icd10cm):
    def note(role):
        return ChartDocument(
            "n", "ASSESSMENT: COPD. Stage 2 pressure ulcer of sacrum. Lives alone.", "Note", role
        )

    by_nurse = {s.code: s for s in predict(icd10cm, note("registered nurse")).suggestions}
    by_physician = {s.code: s for s in predict(icd10cm, note("physician")).suggestions}
    assert by_nurse["J44.9"].confidence < by_physician["J44.9"].confidence
    assert "I.B.14" in by_nurse["J44.9"].rationale
    for code in ("L89.152", "Z60.2"):
        assert by_nurse[code].confidence == by_physician[code].confidence


def test_a_small_release_suggests_its_own_codes_only(small_release):
    assert [
        s.code for s in predict(small_release, "ASSESSMENT: type 2 diabetes in remission. COPD.").suggestions
    ] == ["E11.7"]
