"""The batch command: one output line for each input line, whatever it holds."""

import io
import json
import logging

import pytest
from django.core.management import CommandError, call_command

from catalog.choices import CodeSystem
from modelops.code_edits import findings_about
from modelops.engines.types import CodeSuggestion, EngineResult, Evidence
from modelops.interchange import parse_chart_line
from tests.modelops.engine_charts import ENGINE
from tests.procedure_releases import load_procedures, procedure_rows


def run(tmp_path, *lines, **options):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
    )
    said = io.StringIO()
    call_command("code_charts", str(source), str(target), stderr=said, **options)
    return [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()], said.getvalue()


def test_a_prediction_has_the_fields_of_the_interface(icd10cm, tmp_path):
    (row,), said = run(
        tmp_path,
        {"id": "a", "text": "😀 A/P: COPD", "setting": "outpatient", "date_of_service": "2026-05-04"},
    )
    assert row == {
        "id": "a",
        "engine": "embedded",
        "model_version": ENGINE.info.model_version,
        "configuration": "method=catalog terms and lexicon with context rules",
        "calibration": None,
        "catalog_release": "FY2026, April release",
        "codes": [
            {
                "system": "icd10cm",
                "code": "J44.9",
                "description": "Chronic obstructive pulmonary disease, unspecified",
                "confidence": row["codes"][0]["confidence"],
                "band": row["codes"][0]["band"],
                "rationale": row["codes"][0]["rationale"],
                "role": None,
                "evidence": [
                    {
                        "document_id": "1",
                        "line_start": 1,
                        "line_end": 1,
                        "col_start": 7,
                        "col_end": 11,
                        "quote": "COPD",
                    }
                ],
            }
        ],
        "discarded": [],
        "findings": [],
        "error": None,
    }
    assert 0.0 < row["codes"][0]["confidence"] < 1.0
    assert row["codes"][0]["band"] in ("high", "medium", "low")
    assert said.endswith("0 with an error.\n")
    assert said.splitlines()[-1].startswith("1 charts in ")


def test_bad_lines_get_an_error_and_the_rest_goes_on(icd10cm, tmp_path):
    rows, said = run(
        tmp_path,
        b'\xef\xbb\xbf{"id":"a","text":"A/P: COPD"}',
        b"not json",
        b'{"id":"b","text":"A/P: gout","colour":"red"}',
        b"\xff\xfe",
        b"",
        {"id": "c", "documents": [{"document_id": "x", "text": "A/P: gout"}]},
        {"id": "d", "text": "A/P: gout", "codes": [{"code": "M10.9"}], "traps": [], "domains": []},
    )
    assert [(row["id"], row["error"], [c["code"] for c in row["codes"]]) for row in rows] == [
        ("a", None, ["J44.9"]),
        (None, "not valid JSON (Expecting value at column 1)", []),
        ("b", "'colour': unknown field", []),
        (None, "not UTF-8 (byte 1 of the line)", []),
        ("c", None, ["M10.9"]),
        ("d", None, ["M10.9"]),
    ]
    assert "6 charts in " in said
    assert said.endswith("3 with an error.\n")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "The chart has no date"),
        ({"date_of_service": "2026-10-01"}, "No loaded ICD-10-CM release covers 2026-10-01"),
    ],
)
def test_without_a_release_for_the_date_the_latest_is_used_and_named(icd10cm, tmp_path, fields, why):
    (row,), _ = run(tmp_path, {"id": "a", "text": "A/P: COPD", **fields})
    assert row["catalog_release"] == "FY2026, April release (latest loaded)"
    assert row["findings"] == [
        {
            "check": "catalog_release",
            "severity": "warning",
            "result": "no_data",
            "codes": [],
            "message": f"{why}; coded with the latest loaded release, FY2026, April release.",
            "citation": "",
        }
    ]
    assert [c["code"] for c in row["codes"]] == ["J44.9"]


def test_facility_inpatient_goes_by_the_discharge_date(small_release, tmp_path):
    stay = {"setting": "inpatient", "date_of_service": "2026-09-29", "discharge_date": "2026-10-02"}
    text = "DISCHARGE DIAGNOSES: type 2 diabetes in remission"
    (facility, professional), _ = run(
        tmp_path,
        {"id": "a", "text": text, **stay},
        {"id": "b", "text": text, "claim_type": "professional", **stay},
    )
    assert (facility["catalog_release"], professional["catalog_release"]) == (
        "FY2027 sample",
        "FY2026, April release",
    )


def suggestion(code: str, confidence: float = 0.95, **more) -> CodeSuggestion:
    evidence = (Evidence("1", 1, 1, 0, 4, "text"),)
    return CodeSuggestion("icd10cm", code, "", confidence, "", evidence, **more)


def test_code_edits_speak_about_the_suggestions(icd10cm):
    chart = parse_chart_line('{"id": "a", "text": "text", "date_of_service": "2026-06-09"}')

    def about(*suggestions: CodeSuggestion) -> list[tuple[str, list[str]]]:
        found = findings_about(chart, EngineResult(suggestions), icd10cm, high=0.9, medium=0.6)
        assert {f["severity"] for f in found} <= {"hard", "warn"}
        assert {f["result"] for f in found} <= {"fail"}
        return [(f["check"], f["codes"]) for f in found]

    assert about(suggestion("I10"), suggestion("N18.4")) == [("hypertension_combined", ["I10", "N18.4"])]
    # Of the band LOW nothing is said, and nothing of an order that suggestions do not have.
    assert about(suggestion("I10"), suggestion("N18.4", 0.3)) == []
    assert about(suggestion("F02.80"), suggestion("G30.9")) == []
    assert about(suggestion("J18.9", context=("uncertain",))) == [("uncertain_outpatient", ["J18.9"])]
    assert about() == []


def test_code_edits_are_in_the_output_of_a_chart(icd10cm, tmp_path, monkeypatch):
    monkeypatch.setattr("modelops.batch.findings_about", lambda *args, **kwargs: [{"check": "excludes1"}])
    (row,), _ = run(tmp_path, {"id": "a", "text": "A/P: COPD", "date_of_service": "2026-06-09"})
    assert row["findings"] == [{"check": "excludes1"}]


def test_no_note_text_in_logs_or_progress(icd10cm, tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        _, said = run(tmp_path, {"id": "a", "text": "A/P: COPD for Zebulon", "age": "old"})
    assert "Zebulon" not in caplog.text + said


def test_an_unknown_engine_or_file_is_a_plain_error(icd10cm, tmp_path):
    with pytest.raises(CommandError, match="no engine 'oracle'"):
        run(tmp_path, {"id": "a", "text": "x"}, engine="oracle")
    with pytest.raises(CommandError, match="No such file"):
        call_command("code_charts", str(tmp_path / "none.jsonl"), str(tmp_path / "out.jsonl"))
    (tmp_path / "same.jsonl").write_text('{"id":"a","text":"x"}')
    with pytest.raises(CommandError, match="same file"):
        call_command("code_charts", str(tmp_path / "same.jsonl"), str(tmp_path / "same.jsonl"))
    assert (tmp_path / "same.jsonl").read_text() == '{"id":"a","text":"x"}'


def test_procedures_come_from_a_published_release_never_from_a_sample(icd10cm, cpt_sample, tmp_path):
    line = {
        "id": "c",
        "text": "Operation: Laparoscopic cholecystectomy.",
        "setting": "outpatient",
        "date_of_service": "2026-06-09",
    }

    def suggested() -> list[tuple[str, str]]:
        (row,), _ = run(tmp_path, line)
        return [(code["system"], code["code"]) for code in row["codes"] if code["system"] != "icd10cm"]

    assert suggested() == []
    load_procedures(CodeSystem.CPT, procedure_rows("47562"))
    assert suggested() == [("cpt", "47562")]
