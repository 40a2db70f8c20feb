"""The table of checks and what a report says."""

import datetime as dt
from dataclasses import replace

import pytest

from catalog.choices import ClaimType, CodeSystem, MceList
from catalog.edits.engine import CHECKS, check
from catalog.edits.knowledge import MceTable
from catalog.edits.types import CodeLine, Result, Severity, Tally
from tests.catalog.edits.conftest import facts_of, lines_of


def first(code: str) -> CodeLine:
    return CodeLine(code, role="first_listed")


def test_every_row_is_complete_and_its_id_its_own():
    assert len({row.id for row in CHECKS}) == len(CHECKS)
    for row in CHECKS:
        assert (row.case is None) != (row.pair is None), row.id
        assert row.title, row.id
        assert row.citation, row.id
        assert row.claim_types <= set(ClaimType.values), row.id
        assert row.systems <= set(CodeSystem.values), row.id
        # What is hard is corrected, or shown not to apply; it is not merely documented.
        if row.severity is Severity.HARD:
            assert "documented" not in row.outcomes, row.id


def test_no_check_ever_proposes_a_modifier(edits):
    said = " ".join(
        f.message
        for codes in (("I10", "N18.30"), ("E11.9", "E10.9"), ("S52.509A",))
        for f in edits.report(*codes).findings
    )
    for modifier in ("59", "XE", "XP", "XS", "XU"):
        assert f"modifier {modifier}" not in said


def test_hard_findings_come_first_and_no_data_last(edits):
    report = edits.report("E11.9", "E10.9", "E11.2", "I85.11")
    severities = [f.severity for f in report.findings if f.result is Result.FAIL]
    assert severities == sorted(severities, key=["hard", "warn", "info"].index)
    assert severities[0] is Severity.HARD
    results = [f.result for f in report.findings]
    assert results == sorted(results, key=["fail", "no_data"].index)
    assert results[-1] is Result.NO_DATA


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ((first("T45.515A"), "D68.32"), ["adverse_effect_second"]),
        (("T45.515A", "D68.32"), ["adverse_effect_second"]),
        (("R50.81", "D70.1"), ["code_first"]),
        ((first("F02.80"), "G30.9"), ["manifestation_first"]),
        ((first("F02.80"),), ["manifestation_first"]),
        (("F02.80",), ["manifestation_alone"]),
        (("F02.80", "G30.9"), ["code_first"]),
        ((first("Z51.11"),), ["therapy_first"]),
        ((first("C50.911"), "Z17.0", "Z51.11"), ["therapy_first"]),
        ((first("I50.9"), "I10"), ["hypertension_combined"]),
        (("I50.9", "I10", "N18.30"), ["hypertension_combined"]),
    ],
)
def test_one_fact_is_told_once(edits, codes, told):
    assert [f.check for f in edits.report(*codes).findings] == told


@pytest.mark.parametrize(
    ("list_", "code", "beside", "told"),
    [
        (MceList.MANIFESTATION, "F02.80", "G30.9", "manifestation_first"),
        (MceList.UNACCEPTABLE, "W19.XXXA", "S06.0X0A", "external_cause_first"),
        (MceList.UNSPECIFIED, "H25.10", "I10", "mce_laterality"),
    ],
)
def test_what_the_code_editor_tells_too_is_told_once(edits, list_, code, beside, told):
    table = MceTable("v43", dt.date(2025, 10, 1), {list_: frozenset({code})})
    knowledge = replace(edits.knowledge, mce=table)
    stay = ClaimType.FACILITY_INPATIENT
    lines = lines_of((CodeLine(code, role="principal"), beside))
    report = check(lines, facts_of(stay, {}), knowledge)
    found = [f.check for f in report.findings if code in f.codes and f.result is Result.FAIL]
    assert found == [told]


def test_a_finding_is_named_by_check_and_codes(edits):
    report = edits.report("E11.9", "E10.9", "I10", "N18.30", "O80", "O70.0", "Z37.1")
    names = [(f.check, tuple(sorted(f.codes))) for f in report.findings]
    assert len(names) == len(set(names))


def test_lines_are_named_by_their_place_in_what_was_given(edits):
    lines = [CodeLine("N18.30", sequence=2), CodeLine("99213", "cpt"), CodeLine("I10", sequence=1)]
    report = check(lines, facts_of(ClaimType.PROFESSIONAL, {}), edits.knowledge)
    (finding,) = [f for f in report.findings if f.check == "hypertension_combined"]
    assert (finding.codes, finding.lines) == (("I10", "N18.30"), (2, 0))


def test_passes_are_counted_and_not_listed(edits):
    report = edits.report("H25.11", "K35.80", "R07.9", "J06.9")
    assert report.counts["excludes1"] == Tally(passed=6)
    assert report.counts["external_cause_first"] == Tally(passed=1)
    assert "excludes1" not in {f.check for f in report.findings}


def test_checks_of_other_claim_types_do_not_run(edits):
    professional = edits.report("J18.9").counts
    inpatient = edits.report("J18.9", claim_type=ClaimType.FACILITY_INPATIENT).counts
    assert "uncertain_outpatient" in professional
    assert "uncertain_outpatient" not in inpatient
    assert "finding_only" in inpatient
    assert "finding_only" not in professional


def test_off_by_default_runs_only_when_asked(edits):
    off = [row for row in CHECKS if not row.on]
    report = edits.report("I10", "E11.9")
    assert not {row.id for row in off} & set(report.counts)


def test_a_batch_row_has_what_the_interface_names(edits):
    (finding,) = edits.run("hypertension_combined", "I10", "N18.30")
    row = finding.as_row()
    assert set(row) == {"check", "severity", "result", "codes", "message", "citation", "edition"}
    assert (row["check"], row["severity"], row["result"]) == ("hypertension_combined", "warn", "fail")
    assert row["codes"] == ["I10", "N18.30"]


def test_every_check_stands_in_the_documentation(settings):
    text = (settings.BASE_DIR / "docs" / "code-edits.md").read_text()
    written = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert list(written) == [row.id for row in CHECKS]
    for row in CHECKS:
        assert row.citation.replace("ICD-10-CM Official Guidelines", "OCG") in written[row.id]
        assert f"| {row.severity}{'' if row.on else ', off by default'} |" in written[row.id]


def test_checking_asks_no_database(edits, django_assert_num_queries):
    with django_assert_num_queries(0):
        report = edits.report("E11.9", "N18.30", "I10", "S52.509A", CodeLine("99213", "cpt"))
    assert "hypertension_combined" in {f.check for f in report.findings}
