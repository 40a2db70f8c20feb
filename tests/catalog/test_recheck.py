"""Old code lists against their own release and today's: recheck_codes."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command

from catalog.choices import CodeSystem, NodeKind, ReleaseStatus
from catalog.loaders.rows import NodeRow
from catalog.loaders.store import load
from catalog.models import Release
from catalog.recheck import Change, Rechecker
from tests.catalog_fixtures import SMALL_ROWS, small_source
from tests.procedure_releases import load_procedures, procedure_rows

pytestmark = pytest.mark.django_db

# E11.7 became a header, E11.9 is called otherwise, E11.8 is new.
LATER_ROWS = (
    *SMALL_ROWS[:3],
    NodeRow("E11.7", NodeKind.SUBCATEGORY, "Type 2 diabetes mellitus in remission", 3, False),
    NodeRow("E11.70", NodeKind.SUBCATEGORY, "Type 2 diabetes mellitus in early remission", 4, True),
    NodeRow("E11.8", NodeKind.SUBCATEGORY, "Type 2 diabetes mellitus, other", 3, True),
    NodeRow("E11.9", NodeKind.SUBCATEGORY, "Type 2 diabetes mellitus, plain", 3, True),
)


@pytest.fixture
def two_years(db):
    """FY2027 and FY2028, and nothing of what other tests loaded."""
    Release.objects.update(status=ReleaseStatus.WITHDRAWN)
    old = load(small_source(valid_to=dt.date(2027, 9, 30))).release
    new = load(
        small_source(
            edition="FY2028 sample",
            valid_from=dt.date(2027, 10, 1),
            fingerprint="e" * 64,
            read=lambda: iter(LATER_ROWS),
            size=len(LATER_ROWS),
        )
    ).release
    return old, new


def checked(*rows, then=None, now=dt.date(2027, 11, 1)):
    rechecker = Rechecker(then, now)
    lines = [json.dumps(row).encode() for row in rows]
    return [outcome.row for outcome in rechecker.lines(lines)], rechecker.counts


def changes(row):
    return {each["code"]: each["change"] for each in row["codes"]}


LIST = {"id": "a", "date_of_service": "2027-01-05", "codes": ["E11.9", "E11.7", "e118", "E11.70", "Q99.99"]}


def test_each_code_is_compared_between_its_own_release_and_the_days(two_years):
    (row,), counts = checked(LIST)
    assert row["releases"] == {"icd10cm": {"then": "FY2027 sample", "now": "FY2028 sample"}}
    assert changes(row) == {
        "E11.9": "retitled",
        "E11.7": "no_longer_valid",
        "e118": "valid_now",
        "E11.70": "valid_now",
        "Q99.99": "never_valid",
    }
    assert row["codes"][0] == {
        "system": "icd10cm",
        "code": "E11.9",
        "then": {"standing": "billable", "title": "Type 2 diabetes mellitus, uncomplicated"},
        "now": {"standing": "billable", "title": "Type 2 diabetes mellitus, plain"},
        "change": "retitled",
    }
    assert row["codes"][1]["now"]["standing"] == "incomplete"
    assert row["codes"][4]["now"] == {"standing": "absent", "title": ""}
    assert counts == {
        Change.RETITLED: 1,
        Change.NO_LONGER_VALID: 1,
        Change.VALID_NOW: 2,
        Change.NEVER_VALID: 1,
    }


def test_against_its_own_release_nothing_changed(two_years):
    (row,), _ = checked(LIST, now=dt.date(2027, 1, 5))
    assert set(changes(row).values()) == {"unchanged", "never_valid"}


def test_the_edition_that_a_prediction_names_wins_even_withdrawn(two_years):
    old, _ = two_years
    Release.objects.filter(pk=old.pk).update(status=ReleaseStatus.WITHDRAWN)
    named = {"id": 1, "catalog_release": "FY2027 sample", "codes": [{"code": "E11.7", "confidence": 0.9}]}
    (row, dated), _ = checked(named, LIST)
    assert (row["releases"]["icd10cm"]["then"], changes(row)) == (
        "FY2027 sample",
        {"E11.7": "no_longer_valid"},
    )
    # By its day alone no release is left.
    assert dated["releases"]["icd10cm"]["then"] is None
    assert set(changes(dated).values()) == {"not_compared"}
    assert dated["codes"][0]["then"] is None


def test_an_inpatient_list_goes_by_its_discharge(two_years):
    stay = {"setting": "inpatient", "date_of_service": "2027-09-28", "discharge_date": "2027-10-02"}
    (row,), _ = checked({"id": 1, "codes": ["E11.9"], **stay})
    assert row["releases"]["icd10cm"]["then"] == "FY2028 sample"


def test_a_list_without_a_day_takes_the_one_given_for_all(two_years):
    (row,), _ = checked({"id": 1, "codes": ["E11.9"]}, then=dt.date(2027, 1, 1))
    assert row["releases"]["icd10cm"]["then"] == "FY2027 sample"
    (row,), counts = checked({"id": 1, "codes": ["E11.9"]})
    assert changes(row) == {"E11.9": "not_compared"}
    assert counts == {Change.NOT_COMPARED: 1}


def test_a_release_that_stands_in_for_the_day_is_named_as_such(two_years):
    _, new = two_years
    Release.objects.filter(pk=new.pk).update(valid_to=dt.date(2028, 9, 30))
    (row,), _ = checked(LIST, now=dt.date(2030, 1, 1))
    assert row["releases"]["icd10cm"]["now"] == "FY2028 sample"
    assert row["releases"]["icd10cm"]["now_stands_in"] is True


def test_a_procedure_that_ended_within_its_release_is_not_in_force(two_years):
    load_procedures(CodeSystem.HCPCS, procedure_rows("A0001", valid_to=dt.date(2026, 6, 30)))
    asked = {"id": 1, "date_of_service": "2026-03-01", "codes": [{"system": "hcpcs", "code": "A0001"}]}
    (row,), _ = checked(asked, now=dt.date(2026, 7, 1))
    assert row["codes"][0]["now"]["standing"] == "not_in_force"
    assert changes(row) == {"A0001": "no_longer_valid"}


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({"id": 1}, "codes: missing or not a list"),
        ({"id": 1, "codes": [7]}, "codes[0]: neither a code nor an object"),
        ({"id": 1, "codes": ["E11.9", "\x00"]}, "codes[1].code: missing or not a code"),
        ({"id": 1, "codes": [{"system": "icd9", "code": "250"}]}, "codes[0].system: not one of icd10cm"),
        ({"id": 1, "codes": ["E11.9"], "date_of_service": "May"}, "date_of_service: not a date"),
        ({"id": [1], "codes": []}, "id: neither text nor a whole number"),
    ],
)
def test_a_bad_line_gets_its_error_and_stops_nothing(two_years, row, error):
    (bad, good), counts = checked(row, LIST)
    assert bad["codes"] == []
    assert bad["error"].startswith(error)
    assert len(good["codes"]) == counts.total() == 5


def test_the_command_writes_lines_and_says_the_sum(two_years, tmp_path, capsys):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps(LIST) + "\n\nnot json\n")
    call_command("recheck_codes", str(source), str(target), "--now", "2027-11-01")
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["id"] for row in rows] == ["a", None]
    assert rows[1]["error"] == "not valid JSON"
    said = capsys.readouterr().err
    assert "2 lists in " in said
    assert (
        "5 codes: 0 unchanged, 1 retitled, 1 no longer valid, 2 valid now, 1 never valid, 0 not compared."
        in said
    )


def test_without_any_release_the_command_stops_before_it_writes(db, tmp_path):
    Release.objects.update(status=ReleaseStatus.WITHDRAWN)
    (tmp_path / "in.jsonl").write_text("{}\n")
    with pytest.raises(CommandError, match=r"No ICD-10-CM release is loaded\."):
        call_command("recheck_codes", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert not (tmp_path / "out.jsonl").exists()
