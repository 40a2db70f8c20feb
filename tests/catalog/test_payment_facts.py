"""Payment facts: on the full page of a code, for people with the right, and nowhere else."""

from __future__ import annotations

import datetime as dt

import pytest

from catalog.choices import CodeSystem, MceList, TableKind
from catalog.loaders.table_rows import HccRow, MceRow, MueRow, NcciRow
from catalog.loaders.table_store import load_table
from catalog.models import Code
from catalog.payment_facts import payment_facts
from tests.catalog.test_pages import text
from tests.catalog.test_table_store import source
from tests.procedure_releases import load_procedures, procedure_rows

IN_JUNE = dt.date(2026, 6, 9)
PAGE = "/codes/icd10cm/E11.22/"


def load(kind, *rows, **changes):
    values = {
        "kind": kind,
        "name": "",
        "edition": "2026",
        "valid_from": dt.date(2026, 1, 1),
        "valid_to": None,
    }
    values |= {"fingerprint": f"{kind}{changes.get('edition', '')}".ljust(64, "0")}
    return load_table(source(*rows, **{**values, **changes})).edition


@pytest.fixture
def tables(icd10cm):
    load(TableKind.HCC, HccRow("E11.22", "HCC 37", "Diabetes with chronic complications"), name="V28")
    load(
        TableKind.MCE,
        MceRow(MceList.UNACCEPTABLE, "E11.22"),
        edition="v37",
        valid_from=dt.date(2019, 10, 1),
        valid_to=dt.date(2020, 9, 30),
    )


def facts(release, code, on=IN_JUNE):
    node = Code.objects.of(release).select_related("release").get(code=code)
    return [(f.label, f.lines, f.other_time) for f in payment_facts(release, node, on)]


def test_what_the_tables_say_of_a_diagnosis(icd10cm, tables):
    mce = ("Unacceptable principal diagnosis",)
    assert facts(icd10cm, "E11.22") == [
        ("Risk adjustment, V28", ("HCC 37 Diabetes with chronic complications",), ""),
        ("Medicare Code Editor", mce, "in force 1 Oct 2019 to 30 Sep 2020"),
    ]
    assert [lines for _, lines, _ in facts(icd10cm, "I10")] == [("no category",), ("on no list",)]


def test_the_edition_of_the_day_comes_before_a_newer_one(icd10cm, tables):
    load(
        TableKind.HCC, HccRow("E11.22", "HCC 99"), name="V28", edition="2027", valid_from=dt.date(2027, 1, 1)
    )
    assert facts(icd10cm, "E11.22")[0][1] == ("HCC 37 Diabetes with chronic complications",)
    assert facts(icd10cm, "E11.22", dt.date(2027, 2, 1))[0][1] == ("HCC 99",)


def test_nothing_is_said_of_a_header_or_without_tables(icd10cm):
    assert facts(icd10cm, "E11.22") == []
    load(TableKind.HCC, HccRow("E11.22", "HCC 37"))
    assert facts(icd10cm, "E11.2") == []


def test_what_the_tables_say_of_a_procedure(db):
    release = load_procedures(CodeSystem.CPT, procedure_rows("00001", "00002", "00003"))
    began, ended = dt.date(2026, 1, 1), dt.date(2026, 3, 31)
    pairs = (
        NcciRow("00001", "00002", began, None, "1"),
        NcciRow("00001", "00003", began, None, "0"),
        NcciRow("00003", "00001", began, ended, "0"),
        NcciRow("00002", "00001", began, None, "9"),
    )
    load(TableKind.NCCI, *pairs, name="practitioner")
    load(TableKind.MUE, MueRow("00001", 1, "2"), name="practitioner")
    assert facts(release, "00001") == [
        (
            "NCCI pairs, Practitioner",
            (
                "not paid beside it, never together: 00003",
                "not paid beside it, together only with an NCCI-associated modifier: 00002",
            ),
            "",
        ),
        ("Medically unlikely edits, Practitioner", ("1 unit for a date of service, absolute",), ""),
    ]
    assert facts(release, "00002")[0][1] == (
        "beside which it is not paid, together only with an NCCI-associated modifier: 00001",
    )


@pytest.mark.parametrize("who", ["lead", "auditor", "admin"])
def test_the_full_page_shows_them_by_right(request, client, tables, who):
    client.force_login(request.getfixturevalue(who))
    shown = text(client.get(PAGE))
    assert "Payment facts Risk adjustment, V28 HCC 37 Diabetes with chronic complications" in shown
    assert "Medicare Code Editor, v37 in force 1 Oct 2019 to 30 Sep 2020" in shown


@pytest.mark.parametrize("who", ["coder", "expert", "privacy_officer"])
def test_without_the_right_the_page_is_the_same_without_them(request, client, tables, who):
    client.force_login(request.getfixturevalue(who))
    shown = text(client.get(PAGE))
    assert "Instructions that apply here" in shown
    assert all(word not in shown for word in ("Payment", "HCC", "Medicare", "Unacceptable"))


@pytest.mark.parametrize("who", ["lead", "auditor", "admin", "coder"])
def test_what_opens_over_the_review_page_holds_none_even_by_right(request, client, tables, who):
    """The dialog asks by htmx: what it gets holds no fact, so nothing can show one."""
    client.force_login(request.getfixturevalue(who))
    response = client.get(PAGE, headers={"hx-request": "true"})
    body = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in body
    assert "Instructions that apply here" in text(response)
    assert all(word not in body for word in ("Payment", "payment", "HCC", "Medicare", "Unacceptable"))


def test_hits_and_unknown_codes_hold_none(client, lead, tables):
    client.force_login(lead)
    found = client.post("/codes/search/", {"q": "E11.22"}, headers={"hx-request": "true"})
    missing = client.get("/codes/icd10cm/E11.23/")
    for response in (found, missing, client.get("/codes/", {"q": "E11.22"})):
        assert "E11.22" in text(response)
        assert "HCC 37" not in response.content.decode()
