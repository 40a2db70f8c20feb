"""Large files are read in parts by several processes; nothing that comes out may tell."""

import json
import random

import pytest

from modelops import evaluation_packing
from modelops.evaluation.charts import Options
from modelops.evaluation.metrics import evaluate_packed
from modelops.evaluation_files import Lines
from modelops.evaluation_packing import read_gold, read_predictions

CODES = ["E11.9", "E11.22", "I10", "I50.22", "S72.001A", "N18.4", "J18.9"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Charts with all that is numbered: several documents, procedures, optional codes, traps, patients."""
    chance = random.Random(7)
    gold, predicted = [], []
    for number in range(120):
        documents = [{"document_id": f"d{n}", "text": "one\ntwo"} for n in range(chance.randint(1, 3))]

        def code(documents=documents):
            place = {"document_id": chance.choice(documents)["document_id"], "line_start": 1, "line_end": 2}
            return {"code": chance.choice(CODES), "evidence": [place], "poa": chance.choice("YNU")}

        procedure = {
            "system": "cpt",
            "code": chance.choice(["99213", "71046"]),
            "units": chance.randint(1, 2),
        }
        gold.append(
            {
                "id": f"c{number}",
                "documents": documents,
                "patient_id": f"p{number // 2}" if number % 5 else None,
                "codes": [*(code() for _ in range(3)), procedure],
                "optional": [{"code": chance.choice(CODES)}],
                "traps": [{"code": chance.choice(CODES), "kind": chance.choice(["negated", "family"])}],
            }
        )
        predicted.append(
            {
                "id": f"c{(number * 7) % 125}",
                "codes": [
                    *({**code(), "confidence": chance.random(), "band": "high"} for _ in range(3)),
                    procedure,
                ],
                "discarded": [{"code": "Z99", "reason": "header"}],
            }
        )
    gold.insert(60, "{")
    predicted.insert(100, {"id": "c999", "codes": [{"code": ""}]})
    monkeypatch.setattr(evaluation_packing, "_PART_BYTES", 1000)
    return _write(tmp_path / "gold.jsonl", gold), _write(tmp_path / "predicted.jsonl", predicted)


def _write(path, rows):
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def read(files, processes):
    gold_lines, lines = Lines("gold.jsonl"), Lines("predicted.jsonl")
    gold = read_gold(files[0], gold_lines, processes=processes)
    predictions = read_predictions(gold, files[1], lines, processes=processes)
    figures = evaluate_packed(gold, predictions, Options(resamples=50))
    return json.dumps(figures), [(told.count, told.error_count, told.errors) for told in (gold_lines, lines)]


def test_in_parts_every_figure_and_message_is_the_same(files):
    assert len(evaluation_packing._parts(files[0], 2)) == 8
    whole, told = read(files, 1)
    assert (whole, told) == read(files, 2)
    assert [[error.line for error in errors] for _, _, errors in told] == [[61], [101]]
    charts = json.loads(whole)["charts"]
    assert (charts["total"], charts["predictions_without_gold"]) == (120, 6)


def test_an_id_in_two_parts_is_told_with_its_first_line(files):
    rows = files[0].read_text().splitlines(keepends=True)
    files[0].write_text("".join([*rows, rows[2]]))
    told = Lines("gold.jsonl")
    gold = read_gold(files[0], told, processes=2)
    assert len(gold.charts) == 120
    assert [(error.line, error.message) for error in told.errors][1:] == [(122, "id: the same as on line 3")]


def test_parts_cover_the_file_line_by_line(files):
    parts = evaluation_packing._parts(files[0], 2)
    raw = files[0].read_bytes().splitlines(keepends=True)
    assert [line for part in parts for line in part.lines()] == raw
    assert [part.line for part in parts] == [1 + raw.index(next(part.lines())) for part in parts]
