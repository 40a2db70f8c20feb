"""manage.py evaluate: files in, figures out."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from catalog.choices import CodeSystem, ReleaseStatus
from catalog.models import Release
from modelops.evaluation_catalog import domain_codes, places_of_latest

GOLD = [
    {
        "id": "a",
        "text": "Chronic kidney disease stage 4\nHomeless",
        "codes": [{"code": "N18.4", "lines": [1]}, {"code": "Z59.00", "lines": [2]}],
        "domains": ["sdoh"],
    },
    {"id": "b", "text": "Gout", "codes": [{"code": "M10.9", "lines": [1]}]},
]


def prediction(name, *codes):
    return {
        "id": name,
        "codes": [
            {"code": c, "confidence": 0.9, "evidence": [{"document_id": "1", "line_start": n, "line_end": n}]}
            for c, n in codes
        ],
        "discarded": [],
        "error": None,
    }


PREDICTED = [prediction("a", ("N18.4", 1), ("Z59.01", 2)), prediction("b", ("M10.9", 1))]


@pytest.fixture
def no_release(db):
    """As before any catalog was loaded."""
    Release.objects.update(status=ReleaseStatus.WITHDRAWN)


@pytest.fixture
def files(tmp_path):
    def write(name, rows):
        path = tmp_path / name
        path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
        return str(path)

    return write


def run(*arguments, **options):
    said, complaints = io.StringIO(), io.StringIO()
    call_command("evaluate", *arguments, stdout=said, stderr=complaints, resamples=20, **options)
    return said.getvalue(), complaints.getvalue()


def test_figures_with_chapters_and_domains(icd10cm, files, tmp_path):
    call_command("load_catalog", "value_set", name="sdoh", stdout=io.StringIO())
    out = tmp_path / "figures.json"
    said, complaints = run(files("gold.jsonl", GOLD), files("pred.jsonl", PREDICTED), json=str(out))
    figures = json.loads(out.read_text())
    micro = figures["levels"]["L3"]["micro"]
    assert (micro["hits"], micro["predicted"], micro["gold"]) == (2, 3, 3)
    assert figures["levels"]["L4"]["micro"]["hits"] == 2
    assert figures["levels"]["L0"]["micro"]["f1"] == figures["levels"]["chapter"]["micro"]["f1"] == 1.0
    assert [row["key"] for row in figures["by"]["block"]] == ["M05-M14", "N17-N19", "Z55-Z65"]
    assert figures["options"]["release"] == "FY2026, April release"
    assert figures["options"]["domains"] == ["sdoh"]
    filtered = figures["domain_filter"]["levels"]["L3"]["micro"]
    assert (filtered["hits"], filtered["predicted"], filtered["gold"]) == (0, 1, 1)
    assert figures["input"] == {"gold_lines": 2, "prediction_lines": 2, "error_count": 0, "errors": []}
    assert said.splitlines()[0] == "2 charts, 3 gold codes, 3 predicted; 0 charts without a valid prediction"
    assert "L3                0.6667    0.6667    0.6667   0.7500 ± 0.2500" in said
    assert complaints.splitlines() == [
        "No value set advanced_illness is loaded: left out of the domain filter.",
        "No value set frailty is loaded: left out of the domain filter.",
    ]


def test_bad_lines_are_told_and_the_rest_is_evaluated(no_release, files, capsys):
    gold = files("gold.jsonl", [*GOLD, {"id": "c", "codes": [{"lines": [1]}]}, "{"])
    predicted = files("pred.jsonl", [PREDICTED[0], {**PREDICTED[1], "codes": [{"code": ""}]}])
    said, complaints = run(gold, predicted, json="-")
    figures = json.loads(capsys.readouterr().out)
    assert said == ""
    assert figures["charts"]["total"] == 2
    assert figures["response"]["errors"] == 1
    assert figures["input"]["errors"] == [
        {"file": "gold.jsonl", "line": 3, "message": "codes[0].code: missing"},
        {
            "file": "gold.jsonl",
            "line": 4,
            "message": "not valid JSON (Expecting property name enclosed in double quotes at column 2)",
        },
        {"file": "pred.jsonl", "line": 2, "message": "codes[0].code: missing"},
    ]
    assert "gold.jsonl:3: codes[0].code: missing" in complaints
    assert "No ICD-10-CM release is loaded: no figures by chapter and block." in complaints


def test_two_models_and_what_was_in_training(no_release, files, tmp_path):
    out = tmp_path / "figures.json"
    training = tmp_path / "training.csv"
    training.write_text("code,count\nN18.4,12\n")
    worse = Path(files("worse.jsonl", PREDICTED[:1]))
    run(
        files("gold.jsonl", GOLD),
        files("pred.jsonl", PREDICTED),
        against=worse,
        train_categories=training,
        json=str(out),
    )
    figures = json.loads(out.read_text())
    assert figures["comparison"]["mcnemar"]["codes"]["only_a"] == 1
    assert [row["key"] for row in figures["by"]["frequency"]] == ["0", "10-99"]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("missing.jsonl", "pred"), {}, "missing.jsonl: No such file or directory"),
        (("gold", "missing.jsonl"), {}, "missing.jsonl: No such file or directory"),
        (("empty", "pred"), {}, "empty: no gold chart."),
        (("gold", "pred"), {"domains": ["frailty"]}, "No value set is loaded for frailty"),
        (("gold", "pred"), {"train_categories": Path("gold")}, "not valid JSON"),
        (("gold", "pred"), {"json": "."}, ".: Is a directory"),
    ],
)
def test_what_stops_it(db, files, monkeypatch, tmp_path, arguments, options, message):
    files("gold", GOLD)
    files("pred", PREDICTED)
    files("empty", [])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=message):
        run(*arguments, **options)


def test_categories_lie_in_their_nearest_block(icd10cm):
    places = places_of_latest()
    assert places.of["C00"] == ("2", "C00-C14")
    assert places.of["C50"] == ("2", "C50")
    assert places.titles["2"] == "Neoplasms (C00-D49)"
    assert places.of["B20"] == ("1", "B20")
    assert len(places.of) == icd10cm.codes.filter(kind="category").count()


def test_no_value_set_and_no_release(no_release):
    assert domain_codes() == ({}, ["advanced_illness", "frailty", "sdoh"])
    assert places_of_latest().of == {}


def test_the_reckoning_needs_no_django():
    code = (
        "import sys, modelops.evaluation.metrics, modelops.evaluation.per_chart;"
        "print(sorted(m for m in sys.modules if m.split('.')[0] == 'django'))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_every_system_is_compared_or_counted():
    from modelops.evaluation.charts import DIAGNOSES, PROCEDURES

    assert {DIAGNOSES, *PROCEDURES} == set(CodeSystem.values) - {"icd10pcs"}
