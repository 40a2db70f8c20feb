"""Loaders of published tables: NCCI pairs, MUE, Medicare Code Editor, HCC, POA exempt list, value sets, modifiers."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.choices import Origin, TableKind
from catalog.errors import LoadRefused
from catalog.loaders.delivery import Stated
from catalog.loaders.registry import open_table
from catalog.loaders.table_store import load_table
from catalog.models import (
    HccEntry,
    MceEntry,
    Modifier,
    MueEntry,
    NcciPair,
    TableEdition,
    ValueSetEntry,
)
from tests.catalog.procedure_files import hcpcs_file

pytestmark = pytest.mark.django_db
NCCI = (
    "Notice of the owner\t\t\t\t\t\t\n"
    "Column 1\tColumn 2\t*=In existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\n"
    "\t\tprior to 1996\tDate\tDate *=no data\t0=not allowed 1=allowed\t\n"
    "00001\t00002\t\t20200101\t*\t1\tMisuse of Column Two code\n"
    "00001\tA0003\t*\t19960101\t20251231\t0\tMutually exclusive\n"
    "00001\t00004\t\t20200101\t20200101\t9\tTaken back\n"
)
MUE = (
    '"Notice of the owner, practitioner services",,,\n'
    "HCPCS/CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale\n"
    "00001,2,2 Date of Service Edit: Policy,Code Descriptor\n"
    'A0003,10,3 Date of Service Edit: Clinical,"Nature of Equipment"\n'
)
MCE = (
    "MCE_Version\tICD_Version\tMCE_Section\tMCE_Subsection\tMCE_Edit_Type\tICD_Code_Type\tICD_Code\tICD_Desc\n"
    "43\t10\t4\tA\tNewborn_Only\tD\tA33\tMade up\n"
    "43\t10\t5\tA\tFemale_Only\tD\tN7001\tMade up\n"
    "43\t10\t5\tB\tFemale_Only\tP\t0UT10ZZ\tMade up\n"
    "43\t10\t5\tB\tFemale_Only\tP\t0UT10ZZ\tMade up\n"
    "43\t10\t11\tA\tNoncovered_Always\tP\t02YA0Z0\tMade up\n"
)
HCC = "diagnosis_code,cc,model_name\nE1122,37,CMS-HCC Model V28\nE1122,18,CMS-HCC Model V24\n"


def load(kind: TableKind, path: Path, **stated) -> TableEdition:
    return load_table(open_table(kind, path, Stated(**stated))).edition


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def days(edition: TableEdition) -> tuple[str, str, dt.date, dt.date | None]:
    return edition.name, edition.edition, edition.valid_from, edition.valid_to


def test_ncci_pairs_of_a_quarter_in_several_files(tmp_path):
    file(tmp_path, "ccipra-v323r0-f1.txt", NCCI)
    file(tmp_path, "ccipra-v323r0-f2.txt", NCCI.splitlines()[1] + "\n00009\t00001\t\t20260101\t*\t0\tLast\n")
    edition = load(TableKind.NCCI, tmp_path)
    assert days(edition) == ("practitioner", "v32.3", dt.date(2026, 10, 1), dt.date(2026, 12, 31))
    rows = NcciPair.objects.filter(edition=edition).order_by("pk")
    assert list(rows.values_list("column1", "column2", "effective", "deleted", "indicator", "rationale")) == [
        ("00001", "00002", dt.date(2020, 1, 1), None, "1", "Misuse of Column Two code"),
        ("00001", "A0003", dt.date(1996, 1, 1), dt.date(2025, 12, 31), "0", "Mutually exclusive"),
        ("00009", "00001", dt.date(2026, 1, 1), None, "0", "Last"),
    ]
    assert edition.remarks == ["1 pairs were deleted on the day they began and never held."]


def test_ncci_exported_as_csv_needs_its_table_and_day_stated(tmp_path):
    path = file(tmp_path, "pairs.csv", NCCI.replace("\t", ","))
    with pytest.raises(LoadRefused, match="state the table with --name: practitioner or outpatient_hospital"):
        load(TableKind.NCCI, path)
    edition = load(TableKind.NCCI, path, name="outpatient_hospital", valid_from=dt.date(2026, 10, 1))
    assert (edition.name, edition.row_count) == ("outpatient_hospital", 2)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("00001\t0000\t\t20200101\t*\t1\t", "line 7: not a pair of codes with its dates and indicator"),
        ("00001\t00005\t\t2020\t*\t1\t", "line 7: a date is not of the form YYYYMMDD"),
        ("00001\t00005\t\t20200101\tx\t1\t", "line 7: a date is not of the form YYYYMMDD"),
        ("00001\t00005\t\t20200101\t*\t7\t", "line 7: the modifier indicator is '7', not 0, 1 or 9"),
    ],
)
def test_a_wrong_pair_refuses_the_whole_table(tmp_path, row, said):
    path = file(tmp_path, "ccioph-v323r0-f1.txt", NCCI + row + "\n")
    with pytest.raises(LoadRefused) as refused:
        load(TableKind.NCCI, path)
    assert [str(error) for error in refused.value.errors] == [f"ccioph-v323r0-f1.txt, {said}"]
    assert (TableEdition.objects.filter(kind="ncci").count(), NcciPair.objects.count()) == (0, 0)


def test_files_of_two_tables_are_not_mixed(tmp_path):
    file(tmp_path, "ccipra-v323r0-f1.txt", NCCI)
    file(tmp_path, "ccioph-v323r0-f1.txt", NCCI)
    with pytest.raises(LoadRefused, match="more than one table or quarter"):
        load(TableKind.NCCI, tmp_path)


def test_mue(tmp_path):
    edition = load(TableKind.MUE, file(tmp_path, "MCR_MUE_PractitionerServices_Eff_10-01-2026.csv", MUE))
    assert days(edition) == ("practitioner", "from 2026-10-01", dt.date(2026, 10, 1), dt.date(2026, 12, 31))
    rows = MueEntry.objects.filter(edition=edition).order_by("code")
    assert list(rows.values_list("code", "units", "mai", "rationale")) == [
        ("00001", 2, "2", "Code Descriptor"),
        ("A0003", 10, "3", "Nature of Equipment"),
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("00009,many,1 Line Edit,", "line 5: units 'many' are no number"),
        ("00009,1,4 Line Edit,", "line 5: the adjudication indicator is '4 Line Edit', not 1, 2 or 3"),
        ("total,1,1,", "line 5: not a code with its units and indicator"),
    ],
)
def test_a_wrong_mue_refuses_the_whole_table(tmp_path, row, said):
    name = "MCR_MUE_PractitionerServices_Eff_10-01-2026.csv"
    with pytest.raises(LoadRefused) as refused:
        load(TableKind.MUE, file(tmp_path, name, MUE + row + "\n"))
    assert str(refused.value) == f"{name}, {said}"
    assert MueEntry.objects.count() == 0


def test_mce_lists_by_version_with_dotted_codes(tmp_path):
    edition = load(TableKind.MCE, file(tmp_path, "mce.txt", MCE))
    assert days(edition) == ("", "v43, FY2026", dt.date(2025, 10, 1), dt.date(2026, 9, 30))
    rows = MceEntry.objects.filter(edition=edition).order_by("pk")
    assert list(rows.values_list("list", "system", "code", "group")) == [
        ("perinatal", "icd10cm", "A33", ""),
        ("female", "icd10cm", "N70.01", ""),
        ("female", "icd10pcs", "0UT10ZZ", ""),
        ("other", "icd10pcs", "02YA0Z0", "Noncovered_Always"),
    ]
    assert edition.remarks == [
        "1 rows stand in the file twice.",
        "1 codes of the list Noncovered_Always, which no check asks about.",
    ]


def test_an_mce_of_two_versions_is_refused(tmp_path):
    with pytest.raises(LoadRefused, match="not of one version"):
        load(
            TableKind.MCE,
            file(tmp_path, "mce.txt", MCE + "42\t10\t4\tA\tAdult_Only\tD\tA33\tMade up\n43\t\n"),
        )


def test_hcc_is_one_model_of_a_payment_year(tmp_path):
    path = file(tmp_path, "ra_dx_to_cc_2027.csv", HCC)
    with pytest.raises(
        LoadRefused, match="state the model with --name: CMS-HCC Model V24, CMS-HCC Model V28"
    ):
        load(TableKind.HCC, path)
    edition = load(TableKind.HCC, path, name="CMS-HCC Model V28")
    assert days(edition) == (
        "CMS-HCC Model V28",
        "payment year 2027",
        dt.date(2026, 1, 1),
        dt.date(2026, 12, 31),
    )
    assert list(HccEntry.objects.values_list("code", "category")) == [("E11.22", "37")]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("POA_exempt_FY2027.txt", "Number\tCode\tDescription\n1\tB900\tMade up\n2\tZ3800\tMade up too\n"),
        ("POA_exempt_FY2027.txt", "1\tB900\tMade up\n2\tZ3800\tMade up too\n"),
        ("POA_exempt_FY2027.csv", "code,description\nB90.0,Made up\nz38.00,Made up too\n"),
    ],
)
def test_poa_exempt_list(tmp_path, name, text):
    edition = load(TableKind.POA_EXEMPT, file(tmp_path, name, text))
    assert days(edition) == ("", "FY2027", dt.date(2026, 10, 1), dt.date(2027, 9, 30))
    members = ValueSetEntry.objects.filter(edition=edition).order_by("code")
    assert list(members.values_list("system", "code", "display")) == [
        ("icd10cm", "B90.0", "Made up"),
        ("icd10cm", "Z38.00", "Made up too"),
    ]


def test_a_value_set_as_csv(tmp_path):
    path = file(tmp_path, "frailty.csv", "system,code,display\nicd10cm,R54,Made up\nhcpcs,A0001,Made up\n")
    with pytest.raises(LoadRefused, match="state it with --valid-from"):
        load(TableKind.VALUE_SET, path)
    edition = load(TableKind.VALUE_SET, path, valid_from=dt.date(2026, 1, 1))
    assert (edition.name, edition.row_count, edition.origin) == ("frailty", 2, Origin.PUBLISHED)


def test_a_wrong_member_refuses_the_whole_set(tmp_path):
    path = file(tmp_path, "set.csv", "system,code\nicd10cm,54R\nsnomed,1\nicd10cm,R54\n")
    with pytest.raises(LoadRefused) as refused:
        load(TableKind.VALUE_SET, path, valid_from=dt.date(2026, 1, 1))
    assert [str(error) for error in refused.value.errors] == [
        "set.csv, line 2: '54R' is no code of ICD-10-CM",
        "set.csv, line 3: 'snomed' is not a code system of this product",
    ]
    assert ValueSetEntry.objects.count() == 0


CM = "http://hl7.org/fhir/sid/icd-10-cm"


@pytest.mark.parametrize(
    "content",
    [
        {"expansion": {"contains": [
            {"abstract": True, "contains": [{"system": CM, "code": "R54", "display": "Made up"}]},
            {"system": "http://snomed.info/sct", "code": "248279007"},
        ]}},
        {"compose": {"include": [
            {"system": CM, "concept": [{"code": "R54", "display": "Made up"}, {"code": "R54"}]},
            {"system": "http://snomed.info/sct", "concept": [{"code": "248279007"}]},
        ]}},
    ],
)  # fmt: skip
def test_a_fhir_value_set_expanded_or_listed(tmp_path, content):
    resource = {
        "resourceType": "ValueSet",
        "name": "Frailty",
        "version": "3",
        "date": "2026-02-01",
        **content,
    }
    edition = load(TableKind.VALUE_SET, file(tmp_path, "set.json", json.dumps(resource)))
    assert days(edition) == ("Frailty", "3", dt.date(2026, 2, 1), None)
    assert list(ValueSetEntry.objects.values_list("system", "code", "display")) == [
        ("icd10cm", "R54", "Made up")
    ]
    assert edition.remarks == [
        "1 codes of http://snomed.info/sct are left out: no code system of this product."
    ]


def test_a_fhir_value_set_of_filters_must_come_expanded(tmp_path):
    resource = {"resourceType": "ValueSet", "name": "F", "date": "2026-02-01", "compose": {"include": [
        {"system": CM, "filter": [{"property": "parent", "op": "=", "value": "Z55"}]}
    ]}}  # fmt: skip
    with pytest.raises(LoadRefused, match="bring its expansion"):
        load(TableKind.VALUE_SET, file(tmp_path, "set.json", json.dumps(resource)))
    assert ValueSetEntry.objects.count() == 0


def test_social_determinants_come_from_the_tabular(icd10cm):
    edition = load_table(open_table(TableKind.VALUE_SET, None, Stated(name="sdoh"))).edition
    assert days(edition) == (
        "sdoh",
        "default for FY2026, April release",
        icd10cm.valid_from,
        icd10cm.valid_to,
    )
    members = ValueSetEntry.objects.filter(edition=edition)
    codes = set(members.values_list("code", flat=True))
    wanted = icd10cm.codes.filter(billable=True, key__gte="Z55", key__lt="Z66")
    assert codes == set(wanted.values_list("code", flat=True))
    assert {"Z55.0", "Z59.00", "Z65.8"} <= codes
    assert (edition.origin, edition.remarks) == (Origin.DEFAULT, [])


@pytest.mark.parametrize(
    ("name", "some", "others"),
    [
        ("frailty", {"R54", "Z74.01", "L89.153", "W06.XXXA"}, {"I50.9", "I10"}),
        ("advanced_illness", {"G30.9", "I50.22", "N18.6", "C79.31"}, {"I10", "R54", "N18.30"}),
    ],
)
def test_default_lists_are_codes_of_the_release_and_say_that_they_are_defaults(icd10cm, name, some, others):
    edition = load_table(open_table(TableKind.VALUE_SET, None, Stated(name=name))).edition
    codes = set(ValueSetEntry.objects.filter(edition=edition).values_list("code", flat=True))
    assert some <= codes
    assert not others & codes
    # Each beginning of the list still leads to codes.
    assert (edition.origin, edition.remarks) == (Origin.DEFAULT, [])


def test_an_operators_own_list_replaces_the_default(icd10cm, tmp_path):
    """By its own days: a licensed list mostly begins before the release that the default follows."""

    def used(on: dt.date) -> tuple[str, set[str]]:
        edition = TableEdition.objects.usable(TableKind.VALUE_SET, "frailty").valid_on(on).first()
        assert edition is not None
        return str(edition.origin), set(edition.value_set_entries.values_list("code", flat=True))

    default = load_table(open_table(TableKind.VALUE_SET, None, Stated(name="frailty"))).edition
    day, last_year = icd10cm.valid_from, dt.date(2025, 6, 1)
    assert used(day)[0] == Origin.DEFAULT
    path = file(tmp_path, "licensed.csv", "code,display\nR54,Made up\nZ99.3,Made up\n")
    call_command(
        *("load_catalog", "value_set", str(path), "--name", "frailty", "--edition", "licensed 2026"),
        *("--valid-from", "2026-01-01", "--valid-to", "2026-06-30"),
        verbosity=0,
    )
    assert used(day) == ("published", {"R54", "Z99.3"})
    assert default.valid_from > dt.date(2026, 1, 1)
    # Loading the default once more, as after a new release, takes nothing back.
    call_command("load_catalog", "value_set", name="frailty", verbosity=0)
    assert used(day) == ("published", {"R54", "Z99.3"})
    # Where the operator's list ends, the default stands in; before both there is none.
    assert used(dt.date(2026, 7, 1))[0] == Origin.DEFAULT
    assert not TableEdition.objects.usable(TableKind.VALUE_SET, "frailty").valid_on(last_year).exists()
    assert not TableEdition.objects.usable(TableKind.VALUE_SET, "sdoh").valid_on(day).exists()


def test_modifiers_of_the_product_mark_the_ncci_associated():
    edition = load_table(open_table(TableKind.MODIFIERS)).edition
    rows = Modifier.objects.filter(edition=edition)
    assert set(rows.filter(ncci=True).values_list("code", flat=True)) == {
        *("24", "25", "27", "57", "58", "59", "78", "79", "91", "XE", "XP", "XS", "XU"),
        *("E1", "E2", "E3", "E4", "FA", "TA", "LC", "LD", "LM", "LT", "RC", "RI", "RT"),
        *(f"F{n}" for n in range(1, 10)),
        *(f"T{n}" for n in range(1, 10)),
    }
    assert rows.get(code="25").title == "Separate, significant visit on the day of a procedure"
    assert rows.filter(code="26", ncci=False).exists()


def test_modifiers_of_the_hcpcs_file(tmp_path):
    edition = load(TableKind.MODIFIERS, hcpcs_file(tmp_path))
    assert days(edition) == ("hcpcs", "October 2026", dt.date(2026, 10, 1), dt.date(2026, 12, 31))
    assert list(Modifier.objects.values_list("code", "title", "ncci")) == [("XY", "Made up modifier", False)]
