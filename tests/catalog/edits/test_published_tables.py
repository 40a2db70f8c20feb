"""Published tables: Medicare Code Editor, POA exempt list, NCCI pairs, MUE; by edition and day."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from catalog.choices import ClaimType, MceList, ProviderTable, TableKind
from catalog.edits.engine import BY_ID, check
from catalog.edits.loading import knowledge_for
from catalog.edits.types import CodeLine, EncounterFacts, EvidenceCue, Result, Severity
from catalog.models import MceEntry, Modifier, MueEntry, NcciPair, TableEdition, ValueSetEntry
from tests.catalog.edits.conftest import DAY

INPATIENT, OUTPATIENT, PROFESSIONAL = (
    ClaimType.FACILITY_INPATIENT,
    ClaimType.FACILITY_OUTPATIENT,
    ClaimType.PROFESSIONAL,
)


def edition(kind, name="", edition="of a test", first=dt.date(2026, 1, 1), last=None) -> TableEdition:
    return TableEdition.objects.create(
        kind=kind,
        name=name,
        edition=edition,
        valid_from=first,
        valid_to=last,
        source="hand-made",
        source_hash=f"{kind}{name}{first}".ljust(64, "0")[:64],
        loaded_at=timezone.now(),
        row_count=1,
    )


def run(check_id, lines, facts):
    knowledge = knowledge_for(lines, facts)
    return list(check(lines, facts, knowledge, checks=(BY_ID[check_id],)).findings)


def stay(day=DAY, **more) -> EncounterFacts:
    return EncounterFacts(INPATIENT, discharge_date=day, **more)


def visit(claim_type=PROFESSIONAL) -> EncounterFacts:
    return EncounterFacts(claim_type, service_date=DAY)


def principal(code: str, **more) -> CodeLine:
    return CodeLine(code, role="principal", sequence=1, **more)


@pytest.fixture
def mce(icd10cm) -> TableEdition:
    table = edition(TableKind.MCE, edition="v43")
    rows = {
        MceList.PERINATAL: ["Z38.00"],
        MceList.PEDIATRIC: ["F84.3"],
        MceList.MATERNITY: ["O80"],
        MceList.ADULT: ["N40.0"],
        MceList.FEMALE: ["N80.9"],
        MceList.MALE: ["N40.0"],
        MceList.MANIFESTATION: ["F02.80"],
        MceList.UNACCEPTABLE: ["Z68.41"],
        MceList.UNACCEPTABLE_ALONE: ["Z51.89"],
        MceList.QUESTIONABLE: ["I10"],
        MceList.UNSPECIFIED: ["C50.919"],
    }
    MceEntry.objects.bulk_create(
        MceEntry(edition=table, list=name, code=code) for name, codes in rows.items() for code in codes
    )
    return table


@pytest.mark.parametrize(
    ("code", "age", "fires"),
    [
        ("Z38.00", 0, False),
        ("Z38.00", 1, True),
        ("F84.3", 17, False),
        ("F84.3", 18, True),
        ("O80", 9, False),
        ("O80", 64, False),
        ("O80", 65, True),
        ("O80", 8, True),
        ("N40.0", 15, False),
        ("N40.0", 14, True),
        ("I10", 3, False),
        ("N40.0", None, False),
    ],
)
def test_mce_age_conflict(mce, code, age, fires):
    findings = run("mce_age", [principal(code)], stay(age_years=age))
    assert [f.codes for f in findings] == ([(code,)] if fires else [])


def test_age_bounds_belong_to_the_edition(icd10cm):
    old = edition(TableKind.MCE, edition="v35", first=dt.date(2017, 10, 1), last=dt.date(2018, 9, 30))
    MceEntry.objects.create(edition=old, list=MceList.MATERNITY, code="O80")
    (finding,) = run("mce_age", [principal("O80")], stay(dt.date(2018, 1, 5), age_years=60))
    assert finding.edition == "v35"
    assert finding.message.endswith("Maternity, age 12 to 55; the patient is 60.")


def test_mce_sex_conflict_ended_on_the_first_of_october_2024(icd10cm, mce):
    old = edition(TableKind.MCE, edition="v41.1", first=dt.date(2024, 4, 1), last=dt.date(2024, 9, 30))
    new = edition(TableKind.MCE, edition="v42", first=dt.date(2024, 10, 1), last=dt.date(2025, 9, 30))
    for table in (old, new):
        MceEntry.objects.create(edition=table, list=MceList.FEMALE, code="N80.9")
    lines = [principal("N80.9")]
    (finding,) = run("mce_sex", lines, stay(dt.date(2024, 9, 30), sex="M"))
    assert (finding.codes, finding.edition) == (("N80.9",), "v41.1")
    assert run("mce_sex", lines, stay(dt.date(2024, 9, 30), sex="F")) == []
    assert run("mce_sex", lines, stay(dt.date(2024, 9, 30), sex="X")) == []
    assert run("mce_sex", lines, stay(dt.date(2024, 10, 1), sex="M")) == []


@pytest.mark.parametrize(
    ("check_id", "code", "severity"),
    [
        ("mce_manifestation", "F02.80", Severity.HARD),
        ("mce_unacceptable", "Z68.41", Severity.HARD),
        ("mce_unacceptable", "Z51.89", Severity.HARD),
        ("mce_questionable", "I10", Severity.WARN),
    ],
)
def test_mce_principal_diagnosis(mce, check_id, code, severity):
    (finding,) = run(check_id, [principal(code)], stay())
    assert (finding.codes, finding.severity, finding.edition) == ((code,), severity, "v43")
    assert run(check_id, [principal("G30.9"), CodeLine(code, sequence=2)], stay()) == []


def test_unacceptable_alone_is_accepted_with_a_secondary_diagnosis(mce):
    assert run("mce_unacceptable", [principal("Z51.89"), CodeLine("I10", sequence=2)], stay()) == []


def test_mce_unspecified_laterality_began_on_the_first_of_april_2022(icd10cm, mce):
    (finding,) = run("mce_laterality", [principal("C50.919")], stay())
    assert finding.codes == ("C50.919",)
    old = edition(TableKind.MCE, edition="v39", first=dt.date(2021, 10, 1), last=dt.date(2022, 3, 31))
    MceEntry.objects.create(edition=old, list=MceList.UNSPECIFIED, code="C50.919")
    assert run("mce_laterality", [principal("C50.919")], stay(dt.date(2022, 3, 31))) == []


def test_mce_is_for_facility_inpatient_only(mce):
    lines = [CodeLine("O80", role="first_listed")]
    facts = EncounterFacts(PROFESSIONAL, service_date=DAY, age_years=70)
    report = check(lines, facts, knowledge_for(lines, facts))
    assert not [f for f in report.findings if f.check.startswith("mce")]


def test_an_edition_of_another_year_is_no_data(icd10cm):
    edition(TableKind.MCE, edition="v37", first=dt.date(2019, 10, 1), last=dt.date(2020, 9, 30))
    lines, facts = [principal("O80")], stay(age_years=70)
    report = check(lines, facts, knowledge_for(lines, facts))
    said = [(f.check, f.result) for f in report.findings if f.check.startswith("mce")]
    assert said == [("mce_table", Result.NO_DATA)]
    assert report.counts["mce_age"].no_data == 1


def test_poa_exempt_list(icd10cm):
    table = edition(TableKind.POA_EXEMPT, edition="FY2026")
    ValueSetEntry.objects.create(edition=table, system="icd10cm", code="Z79.4")
    codes = {"1": Severity.HARD, "Y": None, "": None}
    for poa, severity in codes.items():
        found = run("poa_exempt", [CodeLine("I10", poa=poa)], stay())
        assert [f.severity for f in found] == ([severity] if severity else []), poa
    for poa, severity in {"1": None, "Y": Severity.WARN, "": None}.items():
        found = run("poa_exempt", [CodeLine("Z79.4", poa=poa)], stay())
        assert [f.severity for f in found] == ([severity] if severity else []), poa
    assert run("poa_table", [CodeLine("I10")], stay()) == []
    (missing,) = run("poa_table", [CodeLine("I10")], stay(dt.date(2025, 12, 31)))
    assert missing.result is Result.NO_DATA


def cpt(code: str, **more) -> CodeLine:
    return CodeLine(code, "cpt", **more)


@pytest.fixture
def ncci(icd10cm) -> TableEdition:
    table = edition(TableKind.NCCI, ProviderTable.PRACTITIONER, "2026 Q2")
    first = dt.date(2020, 1, 1)
    for one, other, indicator, deleted in (
        ("45380", "45378", "0", None),
        ("11042", "97597", "1", None),
        ("93000", "93005", "9", None),
        ("20610", "20600", "1", dt.date(2026, 6, 8)),
    ):
        NcciPair.objects.create(
            edition=table,
            column1=one,
            column2=other,
            effective=first,
            deleted=deleted,
            indicator=indicator,
            rationale="More extensive procedure",
        )
    return table


def test_ncci_indicator_0_is_hard_whatever_modifier(ncci):
    for modifiers in ((), ("59",), ("XS",)):
        lines = [cpt("45378", modifiers=modifiers, evidence=(EvidenceCue(),)), cpt("45380")]
        (finding,) = run("ncci_pair", lines, visit())
        assert (finding.severity, finding.codes) == (Severity.HARD, ("45380", "45378"))
        assert (finding.edition, finding.lines) == ("2026 Q2", (1, 0))


def test_ncci_indicator_1_needs_modifier_and_cited_documentation(ncci):
    cited = (EvidenceCue(author_role="Surgeon"),)
    bare = [cpt("11042"), cpt("97597")]
    (finding,) = run("ncci_pair", bare, visit())
    assert finding.severity is Severity.WARN
    with_modifier = [cpt("11042"), cpt("97597", modifiers=("59",))]
    (finding,) = run("ncci_pair", with_modifier, visit())
    assert "no documentation is cited" in finding.message
    assert run("ncci_pair", [cpt("11042"), cpt("97597", modifiers=("59",), evidence=cited)], visit()) == []
    # Not every modifier counts.
    other = [cpt("11042"), cpt("97597", modifiers=("26",), evidence=cited)]
    assert [f.codes for f in run("ncci_pair", other, visit())] == [("11042", "97597")]


def test_a_loaded_table_of_modifiers_decides(ncci):
    table = edition(TableKind.MODIFIERS, edition="2026")
    Modifier.objects.create(edition=table, code="LT", title="Left side", ncci=True)
    cited = (EvidenceCue(),)
    assert run("ncci_pair", [cpt("11042"), cpt("97597", modifiers=("LT",), evidence=cited)], visit()) == []
    assert run("ncci_pair", [cpt("11042"), cpt("97597", modifiers=("59",), evidence=cited)], visit()) != []


@pytest.mark.parametrize(
    "lines",
    [
        [cpt("93000"), cpt("93005")],  # indicator 9
        [cpt("20610"), cpt("20600")],  # deleted the day before
        [cpt("45378"), cpt("45380", service_date=dt.date(2026, 6, 10))],  # another day
        [cpt("45378", provider="a"), cpt("45380", provider="b")],  # another provider
        [cpt("45378"), cpt("99213")],
        [cpt("45378")],
    ],
)
def test_ncci_is_silent(ncci, lines):
    assert run("ncci_pair", lines, visit()) == []


def test_ncci_no_message_proposes_a_modifier(ncci):
    lines = [cpt("45378"), cpt("45380"), cpt("11042"), cpt("97597")]
    findings = run("ncci_pair", lines, visit())
    assert len(findings) == 2
    for finding in findings:
        for word in ("59", "XE", "XP", "XS", "XU"):
            assert word not in finding.message.replace("97597", "").replace("45380", "")
        assert not [o for o in finding.outcomes if "modifier" in o]


def test_ncci_tables_are_kept_apart(ncci):
    lines = [cpt("45378"), cpt("45380")]
    (finding,) = run("ncci_pair", lines, visit(OUTPATIENT))
    assert (finding.result, finding.message) == (Result.NO_DATA, "No NCCI edits are loaded for 2026-06-09.")
    hospital = edition(TableKind.NCCI, ProviderTable.OUTPATIENT_HOSPITAL, "OPPS 2026 Q2")
    NcciPair.objects.create(
        edition=hospital, column1="45380", column2="45378", effective=dt.date(2020, 1, 1), indicator="0"
    )
    # At a facility two providers are one.
    lines = [cpt("45378", provider="a"), cpt("45380", provider="b")]
    (finding,) = run("ncci_pair", lines, visit(OUTPATIENT))
    assert finding.edition == "OPPS 2026 Q2"


@pytest.fixture
def mue(icd10cm) -> TableEdition:
    table = edition(TableKind.MUE, ProviderTable.PRACTITIONER, "2026 Q2")
    for code, units, mai in (("97110", 4, "1"), ("71046", 1, "2"), ("96372", 3, "3")):
        MueEntry.objects.create(edition=table, code=code, units=units, mai=mai)
    return table


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([cpt("97110", units=5)], [Severity.WARN]),
        ([cpt("97110", units=4), cpt("97110", units=4, modifiers=("GP",))], []),
        ([cpt("71046"), cpt("71046")], [Severity.HARD]),
        ([cpt("71046")], []),
        ([cpt("71046"), cpt("71046", service_date=dt.date(2026, 6, 10))], []),
        ([cpt("71046", provider="a"), cpt("71046", provider="b")], []),
        ([cpt("96372", units=2), cpt("96372", units=2)], [Severity.WARN]),
        ([cpt("96372", units=3)], []),
        ([cpt("99213", units=9)], []),
    ],
)
def test_mue_goes_by_its_adjudication_indicator(mue, lines, found):
    assert [f.severity for f in run("mue_units", lines, visit())] == found


def test_mue_of_another_day_is_no_data(icd10cm):
    edition(TableKind.MUE, ProviderTable.PRACTITIONER, "2025", dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    (finding,) = run("mue_units", [cpt("71046", units=9)], visit())
    assert finding.result is Result.NO_DATA
    assert run("mue_units", [CodeLine("I10")], visit()) == []


def test_each_claim_type_carries_its_own_systems(icd10cm):
    (finding,) = run("code_system", [CodeLine("I10"), cpt("45378")], stay())
    assert (finding.codes, finding.severity) == (("45378",), Severity.HARD)
    (finding,) = run("code_system", [CodeLine("0DTJ4ZZ", "icd10pcs")], visit())
    assert finding.codes == ("0DTJ4ZZ",)
    assert run("code_system", [CodeLine("0DTJ4ZZ", "icd10pcs"), CodeLine("I10")], stay()) == []
    assert run("code_system", [cpt("45378"), CodeLine("G0105", "hcpcs")], visit()) == []
