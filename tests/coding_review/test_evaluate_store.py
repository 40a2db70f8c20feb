"""manage.py evaluate --html and --store: the report beside the figures, and the run that is kept."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.core.management import CommandError, call_command

from coding_review.models import GoldSet
from modelops.models import EvaluationRun, ModelVersion

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(settings, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"
    return settings.EVALUATION_DIR


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path):
    gold = [
        {
            "id": "c-1",
            "text": "one\ntwo",
            "codes": [{"code": "I10", "lines": [1]}, {"code": "E11.9", "lines": [2]}],
        },
        {"id": "c-2", "text": "one", "codes": []},
    ]
    evidence = {
        "document_id": "1",
        "line_start": 1,
        "line_end": 1,
        "col_start": 0,
        "col_end": 3,
        "quote": "one",
    }
    predicted = {
        "engine": "embedded",
        "model_version": "rules 7",
        "catalog_release": "FY2026",
        "discarded": [],
        "findings": [],
        "error": None,
    }
    code = {"system": "icd10cm", "code": "I10", "confidence": 0.9, "evidence": [evidence]}
    return (
        jsonl(tmp_path / "gold.jsonl", gold),
        jsonl(
            tmp_path / "pred.jsonl",
            [{"id": "c-1", **predicted, "codes": [code]}, {"id": "c-2", **predicted, "codes": []}],
        ),
    )


def test_a_stored_run_holds_figures_drawings_and_both_code_sets(files, tmp_path, kept, capsys):
    gold, predicted = files
    version = ModelVersion.objects.create(engine="embedded", name="rules", version="7")
    html = tmp_path / "report.html"
    call_command("evaluate", str(gold), str(predicted), "--html", str(html), "--store", "--resamples", "20")
    run = EvaluationRun.objects.get()
    assert (run.engine, run.model_version, run.catalog_release) == ("embedded", version, "FY2026")
    assert (run.gold_set_name, run.gold_set_sha256) == (
        "gold.jsonl",
        hashlib.sha256(gold.read_bytes()).hexdigest(),
    )
    assert run.metrics["levels"]["L3"]["micro"]["hits"] == 1
    assert (kept / run.predictions_path).read_bytes() == predicted.read_bytes()
    assert list(run.charts.values_list("chart", "met", "missed", "unsupported")) == [
        ("c-1", 1, 1, 0),
        ("c-2", 0, 0, 0),
    ]
    page = html.read_text(encoding="utf-8")
    assert run.drawings["figure-2"] in page
    assert run.gold_set_sha256 in page


def test_a_frozen_gold_set_gives_the_run_its_name_hash_and_kind(files):
    gold, predicted = files
    frozen = GoldSet.objects.create(
        name="Frailty",
        version=2,
        kind="single_read_reference",
        purpose="evaluation",
        manifest={},
        sha256="c" * 64,
    )
    call_command(
        "evaluate", str(gold), str(predicted), "--store", "--gold-set", str(frozen.pk), "--resamples", "0"
    )
    run = EvaluationRun.objects.get()
    assert (run.gold_set_name, run.gold_set_sha256, run.settings["gold_kind"]) == (
        "Frailty v2",
        "c" * 64,
        "single_read_reference",
    )


def test_a_gold_set_that_is_not_there_stores_nothing(files):
    with pytest.raises(CommandError, match="no gold set 999"):
        call_command("evaluate", *map(str, files), "--store", "--gold-set", "999")
    assert EvaluationRun.objects.count() == 0
