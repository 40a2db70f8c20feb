"""Rules of the Official Guidelines, each with real codes that break it and that keep it."""

import pytest

from catalog.choices import ClaimType
from catalog.edits.types import CodeLine, EvidenceCue, Severity

INPATIENT, PROFESSIONAL = ClaimType.FACILITY_INPATIENT, ClaimType.PROFESSIONAL


def first(code: str) -> CodeLine:
    return CodeLine(code, role="first_listed")


# check, codes in the order of the claim, codes of the finding
FIRING = [
    ("hypertension_combined", ("I10", "N18.30"), ("I10", "N18.30")),
    ("hypertension_combined", ("I50.9", "I10"), ("I10", "I50.9")),
    ("hypertension_combined", ("I11.0", "N18.4"), ("I11.0", "N18.4")),
    ("hypertension_combined", ("I12.9", "I50.22"), ("I12.9", "I50.22")),
    ("hypertension_combined", ("I10", "I50.22", "N18.4"), ("I10", "I50.22", "N18.4")),
    ("diabetes_contradiction", ("E11.9", "E11.22"), ("E11.9", "E11.22")),
    ("diabetes_contradiction", ("E10.65", "E10.9"), ("E10.9", "E10.65")),
    ("diabetes_with", ("E11.9", "N18.30"), ("E11.9", "N18.30")),
    ("diabetes_with", ("E11.65", "G62.9"), ("E11.65", "G62.9")),
    ("diabetes_with", ("E10.9", "L97.511"), ("E10.9", "L97.511")),
    ("diabetes_drugs", ("E11.9", "I10"), ("E11.9",)),
    ("diabetes_drugs", ("I10", "Z79.4"), ("Z79.4",)),
    ("acute_and_chronic", ("J35.01", "J03.90"), ("J03.90", "J35.01")),
    ("acute_and_chronic", ("K86.1", "K85.90"), ("K85.90", "K86.1")),
    ("acute_and_chronic", ("I50.21", "I50.22"), ("I50.21", "I50.22")),
    ("acute_and_chronic", ("J96.01", "J96.11"), ("J96.01", "J96.11")),
    ("severe_sepsis", ("R65.20", "A41.9"), ("A41.9", "R65.20")),
    ("severe_sepsis", ("N17.9", "R65.20"), ("R65.20",)),
    ("body_mass_index", ("I10", "Z68.41"), ("Z68.41",)),
    ("body_mass_index", ("O99.213", "E66.813", "Z68.41"), ("Z68.41", "O99.213")),
    ("weeks_of_gestation", ("O13.3",), ("O13.3",)),
    ("weeks_of_gestation", ("Z34.03", "Z3A.30"), ("Z3A.30",)),
    ("normal_delivery", ("O80", "O70.0", "Z37.0"), ("O80", "O70.0")),
    ("normal_delivery", ("O80", "Z37.1"), ("O80", "Z37.1")),
    ("normal_delivery", ("O80", first("D50.9"), "Z37.0"), ("O80", "D50.9")),
    ("outcome_of_delivery", ("O82", "Z3A.39"), ("O82",)),
    ("external_cause_first", (first("W19.XXXA"), "S52.501A"), ("W19.XXXA",)),
    ("chapter_15_first", (first("E03.9"), "O99.281"), ("O99.281", "E03.9")),
    ("poisoning_first", (first("J96.01"), "T40.2X1A"), ("T40.2X1A", "J96.01")),
    ("poisoning_first", (first("R40.20"), "T58.01XA"), ("T58.01XA", "R40.20")),
    ("adverse_effect_second", ("T45.515A", "D68.32"), ("D68.32", "T45.515A")),
    ("adverse_effect_second", ("T45.515A",), ("T45.515A",)),
    ("underdosing_first", (first("T38.3X6A"), "E11.65"), ("T38.3X6A",)),
    ("therapy_first", (first("C50.911"), "Z51.11"), ("Z51.11", "C50.911")),
    ("therapy_first", (first("Z51.0"), "I10"), ("Z51.0",)),
    ("sequela_second", ("S82.101S", "M25.561"), ("M25.561", "S82.101S")),
    ("sequela_second", ("S82.101S",), ("S82.101S",)),
    ("sequela_second", ("M25.561", "S82.101A", "S82.101S"), ("S82.101A", "S82.101S")),
    ("z_code_first_only", (first("I10"), "Z00.00"), ("Z00.00", "I10")),
    ("z_code_first_only", (first("P07.18"), "Z38.00"), ("Z38.00", "P07.18")),
]

SILENT = [
    ("hypertension_combined", ("I12.9", "N18.30")),
    ("hypertension_combined", ("I11.0", "I50.9")),
    ("hypertension_combined", ("I13.0", "I50.9", "N18.30")),
    ("hypertension_combined", ("I10", "I48.91")),
    ("diabetes_contradiction", ("E11.22", "E11.65")),
    ("diabetes_contradiction", ("E11.9", "E11.9")),
    ("diabetes_with", ("E11.22", "N18.30")),
    ("diabetes_with", ("N18.30", "I10")),
    ("diabetes_with", ("E11.42", "G62.9")),
    ("diabetes_drugs", ("E11.9", "Z79.84")),
    ("diabetes_drugs", ("E10.9",)),
    ("diabetes_drugs", ("E66.813", "Z79.85")),
    ("acute_and_chronic", ("J03.90", "J35.01")),
    ("acute_and_chronic", ("N17.9", "N18.30")),
    ("acute_and_chronic", ("I50.23", "I10")),
    ("severe_sepsis", ("A41.9", "R65.20")),
    ("severe_sepsis", ("A41.9", "N17.9")),
    ("body_mass_index", ("E66.813", "Z68.41")),
    ("body_mass_index", ("E66.813",)),
    ("body_mass_index", ("O99.215", "E66.813", "Z68.41")),  # puerperium
    ("body_mass_index", ("O99.213", "E66.813")),
    ("weeks_of_gestation", ("O13.3", "Z3A.30")),
    ("weeks_of_gestation", ("O03.9",)),
    ("normal_delivery", (first("O80"), "Z37.0", "Z3A.39")),
    ("normal_delivery", ("O70.0", "Z37.1")),
    ("outcome_of_delivery", ("O80", "Z37.0")),
    ("external_cause_first", (first("S52.501A"), "W19.XXXA")),
    ("external_cause_first", ("W19.XXXA", "S52.501A")),
    ("chapter_15_first", (first("O99.281"), "E03.9")),
    ("chapter_15_first", ("E03.9", "O99.281")),
    ("poisoning_first", (first("T40.2X1A"), "J96.01")),
    ("poisoning_first", (first("J96.01"), "T40.2X1D")),
    ("poisoning_first", (first("D68.32"), "T45.515A")),
    ("adverse_effect_second", ("D68.32", "T45.515A")),
    ("adverse_effect_second", ("T45.511A",)),
    ("underdosing_first", (first("E11.65"), "T38.3X6A")),
    ("underdosing_first", (first("T38.3X1A"), "E11.65")),
    ("therapy_first", (first("Z51.11"), "C50.911")),
    ("therapy_first", (first("Z51.12"), "M06.9")),
    ("sequela_second", ("M25.561", "S82.101S")),
    ("sequela_second", ("S82.101A",)),
    ("z_code_first_only", (first("Z00.00"), "I10")),
    ("z_code_first_only", (first("C50.911"), "Z00.6")),
    ("z_code_first_only", ("I10", "Z00.00")),
]


@pytest.mark.parametrize(("check_id", "codes", "found"), FIRING)
def test_rule_fires(edits, check_id, codes, found):
    assert found in edits.hits(check_id, *codes)


@pytest.mark.parametrize(("check_id", "codes"), SILENT)
def test_rule_is_silent(edits, check_id, codes):
    assert edits.run(check_id, *codes) == []


def test_severe_sepsis_first_is_hard(edits):
    findings = edits.run("severe_sepsis", first("R65.21"), "A41.9")
    assert [(f.severity, f.codes) for f in findings] == [
        (Severity.HARD, ("R65.21",)),
        (Severity.WARN, ("A41.9", "R65.21")),
    ]


@pytest.mark.parametrize(
    ("acute", "chronic", "both"),
    [
        ("I50.21", "I50.22", "I50.23 Acute on chronic systolic (congestive) heart failure"),
        # Billable, and in the same circumstances.
        ("J96.01", "J96.11", "J96.21 Acute and chronic respiratory failure with hypoxia"),
        ("J96.02", "J96.12", "J96.22 Acute and chronic respiratory failure with hypercapnia"),
    ],
)
def test_a_combination_code_is_named(edits, acute, chronic, both):
    (finding,) = edits.run("acute_and_chronic", acute, chronic)
    assert finding.message == f"{acute} and {chronic} have a code for both: {both}."
    assert finding.citation == "ICD-10-CM Official Guidelines I.B.8, I.B.9"


@pytest.mark.parametrize(
    ("codes", "combined"),
    [
        (("I10", "N18.4"), {"I12.-"}),
        (("I10", "I50.22"), {"I11.-"}),
        (("I10", "N18.4", "I50.22"), {"I13.-"}),
        (("I11.0", "I50.22", "N18.4"), {"I13.-"}),
    ],
)
def test_hypertension_names_the_category_that_holds_all_of_it(edits, codes, combined):
    findings = edits.run("hypertension_combined", *codes)
    assert {finding.message.split(" coded to ")[1].split(",")[0] for finding in findings} == combined


@pytest.mark.parametrize(
    ("acute", "chronic"), [("J20.9", "J42"), ("K25.3", "K25.7"), ("N10", "N11.9"), ("K27.3", "K27.7")]
)
def test_a_code_for_neither_course_is_no_combination_code(edits, acute, chronic):
    assert all("code for both" not in f.message for f in edits.run("acute_and_chronic", chronic, acute))
    assert edits.run("acute_and_chronic", acute, chronic) == []


def test_acute_goes_before_chronic_where_no_code_holds_both(edits):
    (finding,) = edits.run("acute_and_chronic", "J42", "J20.9")
    assert finding.message == "J20.9, the acute condition, goes before J42."


def line(code: str, *cues: EvidenceCue) -> CodeLine:
    return CodeLine(code, evidence=cues)


def test_uncertain_diagnosis_counts_outside_inpatient_care_only(edits):
    probable = line("J18.9", EvidenceCue(uncertain=True))
    (finding,) = edits.run("uncertain_outpatient", probable)
    assert (finding.codes, finding.citation) == (("J18.9",), "ICD-10-CM Official Guidelines IV.H")
    assert edits.run("uncertain_outpatient", probable, claim_type=INPATIENT) == []
    confirmed = line("J18.9", EvidenceCue(uncertain=True), EvidenceCue())
    assert edits.run("uncertain_outpatient", confirmed) == []
    assert edits.run("uncertain_outpatient", "J18.9") == []


@pytest.mark.parametrize(
    ("roles", "fires"),
    [
        (("Registered nurse",), True),
        (("Dietitian", "RN"), True),
        (("Nurse practitioner",), False),
        (("Registered nurse", "Attending physician"), False),
        (("Registered nurse", ""), False),
        ((), False),
    ],
)
def test_a_diagnosis_needs_a_provider(edits, roles, fires):
    cues = [EvidenceCue(author_role=role) for role in roles]
    assert bool(edits.hits("provider_documentation", line("E43", *cues))) is fires


@pytest.mark.parametrize("code", ["Z59.00", "Z68.41", "L89.153", "R40.2142", "Z28.310"])
def test_others_may_document_these(edits, code):
    assert edits.run("provider_documentation", line(code, EvidenceCue(author_role="Nurse"))) == []


def test_social_determinants_by_the_patient_alone_need_a_signature(edits):
    patient, worker = EvidenceCue(author_role="Patient"), EvidenceCue(author_role="Social worker")
    assert edits.hits("social_source", line("Z59.00", patient)) == [("Z59.00",)]
    assert edits.run("social_source", line("Z59.00", patient, worker)) == []
    assert edits.run("social_source", line("Z59.00", worker)) == []


def test_a_finding_without_a_diagnosis_on_inpatient_claims(edits):
    lab, note = EvidenceCue(document_type="lab_report"), EvidenceCue(document_type="progress_note")
    assert edits.hits("finding_only", line("E87.6", lab), claim_type=INPATIENT) == [("E87.6",)]
    assert edits.run("finding_only", line("E87.6", lab, note), claim_type=INPATIENT) == []
    assert edits.run("finding_only", line("E87.6", lab), claim_type=PROFESSIONAL) == []


def sepsis(code: str, poa: str) -> CodeLine:
    return CodeLine(code, poa=poa)


@pytest.mark.parametrize("principal", ["J18.9", "N39.0", "L03.115", "K57.20"])
def test_sepsis_present_on_admission_goes_before_its_localized_infection(edits, principal):
    lines = (CodeLine(principal, role="principal", poa="Y"), sepsis("A41.9", "Y"))
    assert edits.hits("sepsis_first", *lines, claim_type=INPATIENT) == [("A41.9", principal)]


@pytest.mark.parametrize(
    ("principal", "poa"),
    [
        ("J18.9", "N"),  # it developed after admission
        ("J18.9", ""),
        ("J18.9", "W"),
        ("T83.511A", "Y"),  # an infection of a device stands first
        ("I21.4", "Y"),
    ],
)
def test_sepsis_may_stand_second(edits, principal, poa):
    lines = (CodeLine(principal, role="principal", poa="Y"), sepsis("A41.9", poa))
    assert edits.run("sepsis_first", *lines, claim_type=INPATIENT) == []
