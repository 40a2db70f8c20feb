"""Each check of the table at once: real codes that make it fail, and real codes that it lets pass.

The table below has to name every check; what a check says and where it ends is tested beside its family.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from catalog.choices import ClaimType, MceList
from catalog.edits.engine import BY_ID, CHECKS, check
from catalog.edits.knowledge import CodeTable, Knowledge, MceTable, MueTable, NcciTable, PairEdit, UnitLimit
from catalog.edits.rows import ALL, INPATIENT, OUTPATIENT, Check
from catalog.edits.site_table import SiteRow
from catalog.edits.types import CodeLine, EvidenceCue, Finding, Severity
from tests.catalog.edits.conftest import DAY, Edits, facts_of, lines_of

STAY, VISIT = ClaimType.FACILITY_INPATIENT, ClaimType.PROFESSIONAL
Codes = tuple[str | CodeLine, ...]


def principal(code: str) -> CodeLine:
    return CodeLine(code, role="principal")


def cpt(code: str, units: int = 1, *modifiers: str) -> CodeLine:
    return CodeLine(code, "cpt", units=units, modifiers=modifiers)


def said(code: str, **cue: Any) -> CodeLine:
    return CodeLine(code, evidence=(EvidenceCue(**cue),))


MCE = MceTable(
    "v43",
    dt.date(2025, 10, 1),
    {
        MceList.MATERNITY: frozenset({"O80"}),
        MceList.FEMALE: frozenset({"N80.9"}),
        MceList.MANIFESTATION: frozenset({"F02.80"}),
        MceList.UNACCEPTABLE: frozenset({"Z68.41"}),
        MceList.QUESTIONABLE: frozenset({"I10"}),
        MceList.UNSPECIFIED: frozenset({"C50.919"}),
    },
)
MCE_OF_2024 = replace(MCE, edition="v41.1", valid_from=dt.date(2024, 4, 1))
POA = CodeTable("FY2026", frozenset({"Z79.4"}))
PAIRS = NcciTable("2026 Q2", {("45380", "45378"): PairEdit("0"), ("93000", "93005"): PairEdit("9")})
UNITS = MueTable("2026 Q2", {"71046": UnitLimit(1, "2"), "97110": UnitLimit(4, "1")})


@dataclass(frozen=True)
class Try:
    """`known`: what is loaded besides the release when it fires; `silent_known`: when it is silent, if other."""

    firing: Codes
    silent: Codes
    claim_type: str = VISIT
    facts: dict[str, Any] = field(default_factory=dict)
    silent_facts: dict[str, Any] | None = None
    known: dict[str, Any] = field(default_factory=dict)
    silent_known: dict[str, Any] | None = None
    result: str = "fail"


def site(check_id: str, code: str, other: str) -> dict[str, Any]:
    return {"site": {check_id: (SiteRow(code, other),)}}


def of_mce(firing: Codes, silent: Codes, **more: Any) -> Try:
    return Try(firing, silent, STAY, known={"mce": MCE}, **more)


TRIES: dict[str, Try] = {
    "release": Try(("I10",), ("I10",), known={"stands_in": True}, silent_known={}, result="no_data"),
    "valid_code": Try(("E11.99",), ("E11.9",)),
    "code_system": Try((cpt("45378"),), ("I10",), STAY),
    "billable_code": Try(("E11.2",), ("E11.22",)),
    "seventh_character": Try(("S52.501",), ("S52.501A",)),
    "duplicate_diagnosis": Try(("I10", "I10"), ("I10", "E11.9")),
    "excludes1": Try(("E11.9", "E10.9"), ("E11.9", "I10")),
    "excludes2": Try(("I21.4", "I25.2"), ("I21.4", "I10")),
    "excludes1_unread": Try(("H92.21", "I10"), ("I10", "E11.9"), result="no_data"),
    "manifestation_first": Try((principal("F02.80"), "G30.9"), (principal("G30.9"), "F02.80")),
    "manifestation_alone": Try(("F02.80",), ("G30.9", "F02.80")),
    "code_first": Try(("F02.80", "G30.9"), ("G30.9", "F02.80")),
    "use_additional_code": Try(("C50.911",), ("C50.911", "Z17.0")),
    "code_also": Try(("I42.6",), ("I42.6", "F10.20")),
    "laterality_unspecified": Try(("H25.10",), ("H25.11",)),
    "left_and_right": Try(("H25.11", "H25.12"), ("H25.13",)),
    "hypertension_combined": Try(("I10", "N18.30"), ("I12.9", "N18.30")),
    "diabetes_contradiction": Try(("E11.9", "E11.22"), ("E11.22", "E11.65")),
    "diabetes_with": Try(("E11.9", "N18.30"), ("E11.22", "N18.30")),
    "diabetes_drugs": Try(("E11.9",), ("E11.9", "Z79.85")),
    "acute_and_chronic": Try(("K86.1", "K85.90"), ("K85.90", "K86.1")),
    "severe_sepsis": Try(("R65.20", "A41.9"), ("A41.9", "R65.20")),
    "body_mass_index": Try(("I10", "Z68.41"), ("E66.813", "Z68.41")),
    "weeks_of_gestation": Try(("O13.3",), ("O13.3", "Z3A.30")),
    "normal_delivery": Try(("O80", "O70.0", "Z37.0"), ("O80", "Z37.0")),
    "outcome_of_delivery": Try(("O80",), ("O80", "Z37.0")),
    "external_cause_first": Try((principal("W19.XXXA"), "S52.501A"), (principal("S52.501A"), "W19.XXXA")),
    "chapter_15_first": Try((principal("E03.9"), "O99.281"), (principal("O99.281"), "E03.9")),
    "poisoning_first": Try((principal("J96.01"), "T40.2X1A"), (principal("T40.2X1A"), "J96.01")),
    "adverse_effect_second": Try(("T45.515A", "D68.32"), ("D68.32", "T45.515A")),
    "underdosing_first": Try((principal("T38.3X6A"), "E11.65"), (principal("E11.65"), "T38.3X6A")),
    "sepsis_first": Try(
        (CodeLine("J18.9", role="principal", poa="Y"), CodeLine("A41.9", poa="Y")),
        (CodeLine("A41.9", role="principal", poa="Y"), CodeLine("J18.9", poa="Y")),
        STAY,
    ),
    "therapy_first": Try((principal("C50.911"), "Z51.11"), (principal("Z51.11"), "C50.911")),
    "sequela_second": Try(("S82.101S", "M25.561"), ("M25.561", "S82.101S")),
    "z_code_first_only": Try((principal("I10"), "Z00.00"), (principal("Z00.00"), "I10")),
    "uncertain_outpatient": Try((said("J18.9", uncertain=True),), (said("J18.9"),)),
    "social_source": Try((said("Z59.00", author_role="Patient"),), (said("Z59.00", author_role="Nurse"),)),
    "provider_documentation": Try(
        (said("E43", author_role="Dietitian"),), (said("E43", author_role="Physician"),)
    ),
    "finding_only": Try(
        (said("E87.6", document_type="lab_report"),), (said("E87.6", document_type="progress_note"),), STAY
    ),
    "mce_table": Try(("I10",), ("I10",), STAY, silent_known={"mce": MCE}, result="no_data"),
    "mce_age": of_mce(
        (principal("O80"),), (principal("O80"),), facts={"age_years": 65}, silent_facts={"age_years": 30}
    ),
    "mce_sex": Try(
        (principal("N80.9"),),
        (principal("N80.9"),),
        STAY,
        facts={"discharge_date": dt.date(2024, 9, 30), "sex": "M"},
        silent_facts={"discharge_date": dt.date(2024, 10, 1), "sex": "M"},
        known={"mce": MCE_OF_2024},
    ),
    "mce_manifestation": of_mce((principal("F02.80"), "G30.9"), (principal("G30.9"), "F02.80")),
    "mce_unacceptable": of_mce((principal("Z68.41"), "E66.813"), (principal("E66.813"), "Z68.41")),
    "mce_questionable": of_mce((principal("I10"),), (principal("I16.1"), "I10")),
    "mce_laterality": of_mce(("C50.919",), ("C50.911",)),
    "poa_table": Try(("I10",), ("I10",), STAY, silent_known={"poa_exempt": POA}, result="no_data"),
    "poa_exempt": Try(
        (CodeLine("I10", poa="1"),), (CodeLine("Z79.4", poa="1"),), STAY, known={"poa_exempt": POA}
    ),
    "ncci_pair": Try(
        (cpt("45378"), cpt("45380", 1, "59")), (cpt("93000"), cpt("93005")), known={"ncci": {DAY: PAIRS}}
    ),
    "mue_units": Try((cpt("71046"), cpt("71046")), (cpt("97110", 4),), known={"mue": {DAY: UNITS}}),
    "symptom_integral": Try(
        ("I21.4", "R07.9"), ("I20.9", "R07.9"), known=site("symptom_integral", "R07", "I21")
    ),
    "unspecified_beside_specific": Try(
        ("I50.9", "I50.22"), ("I50.9", "I11.0"), known=site("unspecified_beside_specific", "I50.9", "I50.2")
    ),
    "procedure_without_diagnosis": Try(
        ("I10", cpt("45378")),
        ("Z12.11", cpt("45378")),
        known=site("procedure_without_diagnosis", "45378", "Z12.11"),
    ),
}


def test_every_check_is_tried():
    assert list(TRIES) == [row.id for row in CHECKS]


@pytest.mark.parametrize("row", [row for row in CHECKS if row.yields_to], ids=lambda row: row.id)
def test_a_check_yields_only_to_one_that_weighs_as_much(row: Check):
    weights = [Severity.INFO, Severity.WARN, Severity.HARD]
    for check_id in row.yields_to:
        assert weights.index(BY_ID[check_id].severity) >= weights.index(row.severity), check_id
        assert BY_ID[check_id].claim_types & row.claim_types, check_id


@pytest.mark.parametrize("row", CHECKS, ids=lambda row: row.id)
def test_it_fires(edits: Edits, row: Check):
    one = TRIES[row.id]
    found = run(edits, row, one.firing, one.facts, one.known)
    assert {f.result for f in found} == {one.result}
    for finding in found:
        assert finding.message
        assert finding.citation
        assert finding.lines


@pytest.mark.parametrize("row", CHECKS, ids=lambda row: row.id)
def test_it_is_silent(edits: Edits, row: Check):
    one = TRIES[row.id]
    facts = one.facts if one.silent_facts is None else one.silent_facts
    known = one.known if one.silent_known is None else one.silent_known
    assert run(edits, row, one.silent, facts, known) == []


def run(
    edits: Edits, row: Check, codes: Codes, facts: dict[str, Any], known: dict[str, Any]
) -> list[Finding]:
    claim_type = TRIES[row.id].claim_type
    assert claim_type in row.claim_types
    knowledge: Knowledge = replace(edits.knowledge, **known)
    return list(check(lines_of(codes), facts_of(claim_type, facts), knowledge, checks=(row,)).findings)


# Severities by what a finding asks: to be corrected, to be given a reason, to be thought of.
HARD = {
    *("valid_code", "code_system", "billable_code", "seventh_character", "duplicate_diagnosis"),
    *("manifestation_first", "normal_delivery", "external_cause_first", "underdosing_first"),
    *("mce_manifestation", "mce_unacceptable", "poa_exempt"),
}
INFO = {
    *("release", "excludes2", "excludes1_unread", "use_additional_code", "code_also", "diabetes_drugs"),
    *("weeks_of_gestation", "mce_table", "poa_table"),
}
OFF = {"symptom_integral", "unspecified_beside_specific", "procedure_without_diagnosis"}
INPATIENT_ONLY = {"sepsis_first", "finding_only", "poa_table", "poa_exempt"} | {
    i for i in TRIES if i.startswith("mce_")
}
OUTPATIENT_ONLY = {"uncertain_outpatient", "ncci_pair", "mue_units"}


@pytest.mark.parametrize("row", CHECKS, ids=lambda row: row.id)
def test_its_severity_claim_types_and_default(row: Check):
    severity = "hard" if row.id in HARD else "info" if row.id in INFO | OFF else "warn"
    claim_types = INPATIENT if row.id in INPATIENT_ONLY else OUTPATIENT if row.id in OUTPATIENT_ONLY else ALL
    assert (row.severity, row.claim_types, row.on) == (severity, claim_types, row.id not in OFF)
