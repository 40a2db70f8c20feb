"""manage.py check_codes: one line in, one line out, whatever the line holds."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from catalog.edits.batch import check_line, parse
from catalog.models import Release

DATED = {"claim_type": "professional", "date_of_service": "2026-06-09"}


def run(tmp_path, *rows: object) -> list[dict]:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"\n".join(r if isinstance(r, bytes) else json.dumps(r).encode() for r in rows))
    call_command("check_codes", str(source), str(target), verbosity=0)
    return [json.loads(line) for line in target.read_text().splitlines()]


def ids(row: dict) -> set[str]:
    return {finding["check"] for finding in row["findings"] if finding["result"] == "fail"}


def test_each_line_gets_its_findings_in_order(icd10cm, tmp_path):
    rows = run(
        tmp_path,
        {"id": "a", **DATED, "codes": [{"code": "I10"}, {"code": "N18.30"}]},
        {"id": 7, **DATED, "codes": [{"code": "H25.11", "role": "first_listed"}]},
        {"id": "c", **DATED, "codes": [{"code": "E11.2"}]},
    )
    assert [row["id"] for row in rows] == ["a", 7, "c"]
    (finding,) = [f for f in rows[0]["findings"] if f["check"] == "hypertension_combined"]
    assert finding == {
        "check": "hypertension_combined",
        "severity": "warn",
        "result": "fail",
        "codes": ["I10", "N18.30"],
        "message": "I10 beside N18.30: a relationship is presumed and coded to I12.-, unless the documentation says "
        "that they are unrelated.",
        "citation": "ICD-10-CM Official Guidelines I.C.9.a",
        "edition": "FY2026, April release",
    }
    assert (rows[1]["findings"], rows[1]["error"]) == ([], None)
    assert rows[1]["passed"] > 20
    assert "billable_code" in ids(rows[2])


def test_defaults_of_the_interface(icd10cm, tmp_path):
    (row,) = run(
        tmp_path,
        {
            "id": "a",
            "setting": "inpatient",
            "discharge_date": "2026-06-09",
            "codes": [{"code": "99213", "system": "cpt"}],
        },
    )
    assert "code_system" in ids(row)
    (row,) = run(
        tmp_path, {"id": "a", "date_of_service": "2026-06-09", "codes": [{"code": "e119"}, {"code": "E10.9"}]}
    )
    assert "excludes1" in ids(row)


def test_without_a_date_the_latest_release_is_used_and_said(icd10cm, tmp_path):
    (row,) = run(tmp_path, {"id": "a", "codes": [{"code": "I10"}, {"code": "N18.30"}]})
    assert row["catalog_release"] == icd10cm.edition
    (said,) = [f for f in row["findings"] if f["check"] == "release"]
    assert (said["result"], said["message"]) == (
        "no_data",
        "The encounter has no date that chooses a release; checked with the latest loaded one, "
        "FY2026, April release.",
    )
    assert "hypertension_combined" in ids(row)


def test_the_order_given_is_the_order_of_the_claim_unless_a_sequence_says(icd10cm, tmp_path):
    wrong, right = [{"code": "F02.80"}, {"code": "G30.9"}], [{"code": "G30.9"}, {"code": "F02.80"}]
    numbered = [{"code": "F02.80", "sequence": 2}, {"code": "G30.9", "sequence": 1}]
    rows = run(tmp_path, *({"id": n, **DATED, "codes": c} for n, c in enumerate((wrong, right, numbered))))
    assert ["code_first" in ids(row) for row in rows] == [True, False, False]


def test_cues_of_the_evidence_are_read(icd10cm, tmp_path):
    code = {"code": "J18.9", "cues": [{"uncertain": True, "author_role": "Physician"}]}
    (row,) = run(tmp_path, {"id": "a", **DATED, "codes": [code]})
    assert "uncertain_outpatient" in ids(row)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        (b"{", "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"id": "\xff"}', "not UTF-8 (byte 9 of the line)"),
        ({"id": "a"}, "codes: missing or not a list"),
        ({"id": True, "codes": []}, "id: neither text nor a whole number"),
        ({"id": "a", "codes": [{"system": "cpt"}]}, "codes[0].code: missing"),
        ({"id": "a", "codes": ["I10"]}, "codes[0]: not an object"),
        ({"id": "a", "codes": [], "claimtype": "x"}, "'claimtype': unknown field"),
        ({"id": "a", "codes": [{"code": "I10", "unit": 2}]}, "codes[0].'unit': unknown field"),
        (
            {"id": "a", "codes": [{"code": "I10", "units": -1}]},
            "codes[0].units: not a whole number from 0 to 1,000,000",
        ),
        ({"id": "a", "codes": [{"code": 10}]}, "codes[0].code: not a string"),
        ({"id": "a", "codes": [], "date_of_service": "9 June"}, "date_of_service: not a date (YYYY-MM-DD)"),
        (
            {"id": "a", "codes": [], "admit_date": "2026-06-09", "discharge_date": "2026-06-01"},
            "discharge_date: before admit_date",
        ),
        (
            {"id": "a", "codes": [], "claim_type": "dental"},
            "claim_type: not one of facility_inpatient, facility_outpatient, professional",
        ),
        ({"id": "a", "codes": [{"code": "I10"}] * 501}, "codes: over 500 codes"),
    ],
)
def test_a_bad_line_gets_its_error_and_stops_nothing(icd10cm, tmp_path, row, error):
    good = {"id": "good", **DATED, "codes": [{"code": "I10"}]}
    bad, after = run(tmp_path, row, good)
    assert (bad["error"], bad["findings"]) == (error, [])
    assert (after["id"], after["error"]) == ("good", None)


@pytest.mark.parametrize(
    ("age", "unit", "years"),
    [(64.9, "years", 64), (30, "months", 2), (51, "weeks", 0), (400, "days", 1), (3, "days", 0)],
)
def test_age_in_any_unit(icd10cm, age, unit, years):
    assert parse({"age": age, "age_unit": unit, "codes": []}, None).facts.age_years == years


def test_no_release_at_all_is_said_before_the_first_line(db, tmp_path):
    Release.objects.all().delete()
    (tmp_path / "in.jsonl").write_text("{}")
    with pytest.raises(CommandError, match="No ICD-10-CM release is loaded"):
        call_command("check_codes", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"))
    assert not (tmp_path / "out.jsonl").exists()


def test_a_file_that_is_not_there_and_one_file_for_both(icd10cm, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("check_codes", str(tmp_path / "none"), str(tmp_path / "out"))
    with pytest.raises(CommandError, match="the same file"):
        call_command("check_codes", str(tmp_path / "x"), str(tmp_path / "x"))


def test_no_value_of_a_line_is_quoted_in_its_error(icd10cm):
    outcome = check_line(b'{"id": "a", "codes": [{"code": "I10", "role": "Jane Doe"}]}')
    assert outcome.failed
    assert "Jane" not in outcome.row["error"]
