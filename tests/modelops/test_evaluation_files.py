"""Gold and prediction lines: what is read, and what is refused with file, line and field."""

import json

import pytest

from modelops.evaluation.charts import GoldChart, GoldCode, PredictedChart, PredictedCode, Trap
from modelops.evaluation.per_chart import chart_view
from modelops.evaluation_files import (
    Lines,
    gold_charts,
    gold_of_object,
    predicted_charts,
    predicted_of_object,
    training_cases,
)
from modelops.interchange import BadChart


def raw(*rows):
    return [(row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows]


def test_a_gold_chart_with_all_its_fields():
    chart = gold_of_object(
        {
            "id": " a ",
            "text": "one\r\ntwo\n",
            "patient_id": "p1",
            "setting": "Inpatient",
            "specialty": "geriatrics",
            "note_type": "H&P",
            "codes": [
                {
                    "code": "I10",
                    "lines": [1, 2],
                    "role": "Principal",
                    "poa": "y",
                    "sequence": 1,
                    "source": "label",
                },
                {"code": "R54", "lines": [], "status": "rejected", "reason": "context.negated"},
                {
                    "code": "99213",
                    "system": "cpt",
                    "lines": [1],
                    "modifiers": ["25"],
                    "units": 2,
                    "poa": "exempt",
                },
            ],
            "optional": [{"code": "Z66"}],
            "traps": [{"code": "E66.9", "kind": "negated"}],
            "domains": ["frailty"],
        }
    )
    assert chart == GoldChart(
        id="a",
        codes=(
            GoldCode(
                "I10", frozenset({("1", 1), ("1", 2)}), role="principal", poa="Y", source="label", sequence=1
            ),
            GoldCode("R54", rejected=True),
            GoldCode("99213", frozenset({("1", 1)}), "cpt", poa="1", modifiers=("25",), units=2),
        ),
        optional=frozenset({("icd10cm", "Z66")}),
        traps=(Trap("E66.9", "negated"),),
        domains=("frailty",),
        patient="p1",
        setting="inpatient",
        specialty="geriatrics",
        lines=2,
    )


def test_lines_are_of_the_only_document_and_evidence_names_its_own():
    documents = [{"document_id": "d1", "text": "a\nb"}, {"document_id": "d2", "text": "c"}]
    one = gold_of_object({"id": "a", "documents": documents[:1], "codes": [{"code": "I10", "lines": [2]}]})
    assert (one.codes[0].lines, one.lines) == (frozenset({("d1", 2)}), 2)
    places = [{"document_id": "d1", "line_start": 1, "line_end": 2}, {"document_id": "d2", "line_start": 1}]
    both = gold_of_object({"id": "a", "documents": documents, "codes": [{"code": "I10", "evidence": places}]})
    assert (both.codes[0].lines, both.lines) == (frozenset({("d1", 1), ("d1", 2), ("d2", 1)}), 3)


def test_a_prediction_with_all_its_fields():
    chart = predicted_of_object(
        {
            "id": "a",
            "engine": "embedded",
            "model_version": "1",
            "catalog_release": "FY2026",
            "codes": [
                {
                    "system": "icd10cm",
                    "code": "I10",
                    "description": "Essential (primary) hypertension",
                    "confidence": 0.5,
                    "band": "low",
                    "rationale": "",
                    "role": None,
                    "evidence": [
                        {"document_id": "1", "line_start": 3, "line_end": 4, "col_start": 0, "quote": "x"}
                    ],
                }
            ],
            "discarded": [{"code": "E11", "reason": "header"}],
            "findings": [],
            "error": None,
        }
    )
    assert chart == PredictedChart(
        "a",
        (PredictedCode("I10", frozenset({("1", 3), ("1", 4)}), confidence=0.5, band="low"),),
        discarded=("header",),
    )


GOLD_LINE = {"id": "a", "codes": []}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"codes": []}, "id: missing"),
        ({"id": 7, "codes": []}, "id: not a string"),
        ({"id": "a"}, "codes: missing"),
        ({"id": "a", "codes": {}}, "codes: not a list of objects"),
        ({"id": "a", "codes": ["I10"]}, "codes: not a list of objects"),
        ({"id": "a", "codes": [{"code": "I10"}] * 2001}, "codes: over 2,000 entries"),
        ({"id": "a", "codes": [{"lines": []}]}, "codes[0].code: missing"),
        ({"id": "a", "codes": [{"code": "I10", "lines": 3}]}, "codes[0].lines: not a list"),
        (
            {"id": "a", "codes": [{"code": "I10", "lines": [0]}]},
            "codes[0].lines: not a line number from 1 to 20,001",
        ),
        (
            {"id": "a", "codes": [{"code": "I10", "lines": [True]}]},
            "codes[0].lines: not a line number from 1 to 20,001",
        ),
        (
            {"id": "a", "codes": [{"code": "I10", "status": "maybe"}]},
            "codes[0].status: not one of accepted, rejected",
        ),
        (
            {"id": "a", "codes": [{"code": "I10", "system": "snomed"}]},
            "codes[0].system: not one of icd10cm, icd10pcs, cpt, hcpcs",
        ),
        ({"id": "a", "codes": [{"code": "I10", "poa": "Q"}]}, "codes[0].poa: not one of Y, N, U, W, 1"),
        (
            {"id": "a", "codes": [{"code": "I10", "sequence": -1}]},
            "codes[0].sequence: not a whole number from 0 on",
        ),
        ({"id": "a", "codes": [{"code": "I10", "units": 0}]}, "codes[0].units: not a number above 0"),
        (
            {"id": "a", "codes": [{"code": "I10", "modifiers": "25"}]},
            "codes[0].modifiers: not a list of words",
        ),
        (
            {"id": "a", "codes": [{"code": "I10", "evidence": [{"document_id": "2", "line_start": 1}]}]},
            "codes[0].evidence[0].document_id: no document of this chart",
        ),
        ({"id": "a", "documents": [], "codes": []}, "documents: not a list with at least one document"),
        ({"id": "a", "documents": [{"text": "x"}], "codes": []}, "documents[0].document_id: missing"),
        (
            {
                "id": "a",
                "documents": [{"document_id": "1"}, {"document_id": "2"}],
                "codes": [{"code": "I10", "lines": [1]}],
            },
            "codes[0].lines: a chart of several documents gives evidence with document_id",
        ),
        ({"id": "a", "codes": [], "optional": ["Z66"]}, "optional: not a list of objects"),
        ({"id": "a", "codes": [], "traps": [{"kind": "negated"}]}, "traps[0].code: missing"),
        ({"id": "a", "codes": [], "domains": "frailty"}, "domains: not a list of words"),
    ],
)
def test_a_bad_gold_line_says_where(row, message):
    with pytest.raises(BadChart) as refused:
        gold_of_object(row)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "a", "error": 1}, "error: neither text nor null"),
        ({"id": "a"}, "codes: missing"),
        (
            {"id": "a", "codes": [{"code": "I10", "confidence": 1.5}]},
            "codes[0].confidence: not a number from 0 to 1",
        ),
        (
            {"id": "a", "codes": [{"code": "I10", "confidence": True}]},
            "codes[0].confidence: not a number from 0 to 1",
        ),
        (
            {"id": "a", "codes": [{"code": "I10", "evidence": [{"line_start": 1}]}]},
            "codes[0].evidence[0].document_id: missing",
        ),
        (
            {
                "id": "a",
                "codes": [
                    {"code": "I10", "evidence": [{"document_id": "1", "line_start": 4, "line_end": 3}]}
                ],
            },
            "codes[0].evidence[0].line_end: before line_start",
        ),
        ({"id": "a", "codes": [], "discarded": [3]}, "discarded: not a list of objects"),
    ],
)
def test_a_bad_prediction_line_says_where(row, message):
    with pytest.raises(BadChart) as refused:
        predicted_of_object(row)
    assert str(refused.value) == message


def test_bad_gold_lines_are_told_with_file_and_line_and_the_rest_goes_on():
    told = Lines("gold.jsonl")
    lines = raw(
        b'\xef\xbb\xbf{"id":"a","codes":[]}',
        b"",
        b"nothing",
        b"\xff",
        {"id": "b"},
        {"id": "a", "codes": []},
        {"id": "c", "codes": []},
    )
    assert [chart.id for chart in gold_charts(lines, told)] == ["a", "c"]
    assert [str(error) for error in told.errors] == [
        "gold.jsonl:3: not valid JSON (Expecting value at column 1)",
        "gold.jsonl:4: not UTF-8 (byte 1 of the line)",
        "gold.jsonl:5: codes: missing",
        "gold.jsonl:6: id: the same as on line 1",
    ]
    assert (told.count, told.error_count) == (6, 4)


def test_a_prediction_that_cannot_be_read_is_a_failed_answer():
    told = Lines("pred.jsonl")
    lines = raw(
        {"id": "a", "codes": [{"code": 3}]}, {"codes": []}, {"id": "b", "codes": [], "error": "too slow"}
    )
    found = list(predicted_charts(lines, told))
    assert found == [
        PredictedChart("a", error="codes[0].code: not a string"),
        PredictedChart("b", error="too slow"),
    ]
    assert told.error_count == 2


def test_only_the_first_hundred_errors_are_kept():
    told = Lines("gold.jsonl")
    assert list(gold_charts([b"?\n"] * 150, told)) == []
    assert (told.error_count, len(told.errors)) == (150, 100)


@pytest.mark.parametrize(
    "text",
    ["code,count\nE11.9,5\nE11.22,2\n\nE11.9,1\n", '{"E11.9": 6, "E11.22": 2}', "\ufeffE11.9,6\nE11.22,2"],
)
def test_training_cases_as_csv_and_as_json(tmp_path, text):
    path = tmp_path / "training"
    path.write_text(text, encoding="utf-8")
    assert training_cases(path) == {"E11.9": 6, "E11.22": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("E11.9,many", "line 1: the count is no whole number"),
        ("code,count\nE11.9", "line 2: the count is no whole number"),
        ("E11.9,-1", "line 1: a code and a count from 0 on are needed"),
        ("{", "not valid JSON"),
    ],
)
def test_bad_training_files_say_where(tmp_path, text, message):
    path = tmp_path / "training"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadChart) as refused:
        training_cases(path)
    assert str(refused.value) == message


def test_one_chart_side_by_side():
    gold = GoldChart(
        "a",
        (GoldCode("I10", frozenset({("1", 2)})), GoldCode("R54"), GoldCode("E66.9", rejected=True)),
        optional=frozenset({("icd10cm", "Z66")}),
    )
    predicted = PredictedChart(
        "a",
        (
            PredictedCode("i10", frozenset({("1", 3)}), confidence=0.4),
            PredictedCode("I10", frozenset({("1", 2)}), confidence=0.9),
            PredictedCode("E66.9", confidence=0.5),
            PredictedCode("Z66"),
            PredictedCode("99213", system="cpt"),
        ),
    )
    view = chart_view(gold, predicted)
    assert view["met"] == [
        {"code": "I10", "lines_gold": [["1", 2]], "lines_predicted": [["1", 2], ["1", 3]], "confidence": 0.9}
    ]
    assert [row["code"] for row in view["unsupported"]] == ["E66.9"]
    assert view["missed"] == [{"code": "R54", "lines_gold": [], "lines_predicted": None, "confidence": None}]
    assert [row["code"] for row in view["optional"]] == ["Z66"]
    assert (view["L3"]["f1"], view["L4"]["precision"]) == (0.5, 0.5)
    assert chart_view(gold, PredictedChart("a", error="too slow"))["L3"]["f1"] == 0.0
    assert chart_view(gold, None)["unsupported"] == []
