"""Each code by itself: of the release, billable, complete, once."""

import datetime as dt

import pytest

from catalog.choices import ClaimType
from catalog.edits.engine import BY_ID, check
from catalog.edits.knowledge import CodeList, Knowledge, Listed
from catalog.edits.loading import knowledge_for
from catalog.edits.types import CodeLine, EncounterFacts, Result, Severity, Tally
from tests.catalog.edits.conftest import DAY, facts_of


def test_a_sound_claim_has_no_finding(edits):
    report = edits.report("H25.11", "K35.80", "R07.9")
    assert report.findings == ()
    assert report.counts["duplicate_diagnosis"] == Tally(passed=3)


@pytest.mark.parametrize("code", ["E11.99", "Z99.999", "A00.X", "nonsense"])
def test_a_code_the_release_does_not_have_is_hard(edits, code):
    (finding,) = edits.run("valid_code", "I10", code)
    assert (finding.severity, finding.result, finding.lines) == (Severity.HARD, Result.FAIL, (1,))
    assert finding.outcomes == ()


@pytest.mark.parametrize(
    ("typed", "named"),
    [("e1199", "E11.99"), ("99999", "99999"), ("99213", "99213"), ("nonsense", "NONSENSE")],
)
def test_what_is_no_code_is_named_as_it_was_typed(edits, typed, named):
    (finding,) = edits.run("valid_code", typed)
    assert finding.message == f"{named} is not a code of the release."


@pytest.mark.parametrize("code", ["E11.99", "F02.99", "O80.1", "Z51.19", "T45.99", "N18.99", "Z68.99"])
def test_of_a_code_that_does_not_exist_nothing_else_is_said(edits, code):
    for line in (CodeLine(code), CodeLine(code, role="principal")):
        report = edits.report(line, "I48.91", claim_type=ClaimType.FACILITY_OUTPATIENT)
        assert [(f.check, f.codes) for f in report.findings] == [("valid_code", (code,))]


@pytest.mark.parametrize(
    ("code", "beside"),
    [("A41.99", "R65.20"), ("Z79.49", "E11.9"), ("Z3A.99", "O13.3"), ("E66.99", "Z68.41")],
)
def test_beside_a_mistyped_code_nothing_is_missed_that_it_was_meant_for(edits, code, beside):
    found = edits.report(code, beside).findings
    assert [(f.check, f.codes) for f in found] == [("valid_code", (code,))]


@pytest.mark.parametrize("code", ["E11.22", "e1122", "S52.501A"])
def test_a_code_of_the_release_passes_however_spelled(edits, code):
    assert edits.run("valid_code", code) == []


def test_a_header_is_not_billable_and_its_codes_are_named(edits):
    (finding,) = edits.run("billable_code", "E11.2", "E11.9")
    assert finding.codes == ("E11.2",)
    assert "E11.21, E11.22, E11.29" in finding.message


@pytest.mark.parametrize(
    ("code", "says"),
    [
        # None yet; with a placeholder; in a wrong place; one that the code does not have.
        ("S52.501", "S52.501 and one of A, B, C, D, E, F, G, H, J, K, M, N, P, Q, R, S"),
        ("T36.0X1", "T36.0X1 and one of A, D, S"),
        ("S06.0X", None),
        ("W19", "W19.XXX and one of A, D, S"),
        ("W19.A", "W19.XXX and one of A, D, S"),
        ("S52.501Z", "S52.501 and one of A"),
    ],
)
def test_missing_or_wrong_seventh_character(edits, code, says):
    findings = edits.run("seventh_character", code)
    if says is None:
        assert findings == []
        return
    (finding,) = findings
    assert finding.severity is Severity.HARD
    assert says in finding.message
    # Said once: the code is neither called unknown nor a mere header.
    assert edits.run("valid_code", code) == []
    assert edits.run("billable_code", code) == []


@pytest.mark.parametrize("code", ["S52.501A", "T36.0X1D", "W19.XXXA", "I10", "E11.2"])
def test_complete_codes_and_codes_without_a_seventh_character_pass(edits, code):
    assert edits.run("seventh_character", code) == []


def test_a_diagnosis_twice_is_hard_but_not_in_another_role(edits):
    assert edits.hits("duplicate_diagnosis", "I10", "E11.9", "I10") == [("I10",)]
    assert edits.hits("duplicate_diagnosis", "I10", CodeLine("I10", role="admitting")) == []


def test_without_a_release_one_finding_says_so():
    report = check([CodeLine("I10"), CodeLine("Q99")], facts_of(ClaimType.PROFESSIONAL, {}), Knowledge())
    (finding,) = report.findings
    assert (finding.check, finding.result) == ("release", Result.NO_DATA)
    assert "2026-06-09" in finding.message
    assert report.counts["billable_code"] == Tally(no_data=1)


def test_the_latest_release_stands_in_only_when_allowed(icd10cm):
    lines = [CodeLine("I10")]
    late = EncounterFacts(ClaimType.PROFESSIONAL, service_date=dt.date(2026, 10, 1))
    assert knowledge_for(lines, late).tabular is None
    knowledge = knowledge_for(lines, late, latest_stands_in=True)
    assert knowledge.stands_in
    (finding,) = check(lines, late, knowledge, checks=(BY_ID["release"],)).findings
    assert (finding.check, finding.edition) == ("release", icd10cm.edition)
    assert not knowledge_for(lines, EncounterFacts(service_date=DAY)).stands_in


def test_discharge_chooses_the_release_of_an_inpatient_claim(icd10cm):
    facts = EncounterFacts(
        ClaimType.FACILITY_INPATIENT,
        admit_date=dt.date(2026, 3, 30),
        discharge_date=dt.date(2026, 4, 2),
        service_date=dt.date(2026, 3, 30),
    )
    assert knowledge_for([CodeLine("I10")], facts).tabular.edition == icd10cm.edition


def test_procedures_go_by_their_own_release(edits):
    hcpcs = CodeList(
        "2026 April",
        {
            "G0008": Listed("Administration of influenza vaccine", True),
            "G0009": Listed("Withdrawn", True, valid_to=dt.date(2026, 3, 31)),
        },
    )
    knowledge = Knowledge(tabular=edits.knowledge.tabular, code_lists={("hcpcs", DAY): hcpcs})

    def run(code):
        line = CodeLine(code, "hcpcs", service_date=DAY)
        return [f.result for f in edits.run("valid_code", line, knowledge=knowledge)]

    assert run("G0008") == []
    assert run("G0009") == [Result.FAIL]
    assert run("G0010") == [Result.FAIL]
    (finding,) = edits.run("valid_code", CodeLine("99213", "cpt", service_date=DAY), knowledge=knowledge)
    assert finding.result is Result.NO_DATA
    assert finding.message == "No loaded CPT release covers 2026-06-09; 99213 cannot be checked."
