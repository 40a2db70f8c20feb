"""Storing an evaluation: the row, its charts, the kept file, the event; and that none of it changes afterwards."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from coding_review.actions.store_evaluation import store_evaluation
from coding_review.actions.store_knowledge import store_knowledge
from coding_review.errors import NotAllowed
from coding_review.models import AuditEvent
from modelops.evaluation.knowledge.harness import Accuracy, Measured
from modelops.evaluation.runs import NewRun, chart_row, keep_predictions
from modelops.models import EvaluationChart, EvaluationRun, ModelVersion
from tests.coding_review.evaluation_rows import FIRST, SECOND, stored

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(settings, tmp_path):
    settings.EVALUATION_DIR = tmp_path / "kept"
    return settings.EVALUATION_DIR


def test_a_run_is_a_row_with_its_charts_its_file_and_an_event(lead, tmp_path, kept):
    version = ModelVersion.objects.create(engine="embedded", name="rules", version="7")
    run = stored(tmp_path, actor=lead, model_version_id=version.pk, drawings={"figure-2": "<svg/>"})
    sha256 = hashlib.sha256(b'{"id": "one"}\n').hexdigest()
    run.refresh_from_db()
    assert (run.predictions_path, run.predictions_sha256) == (f"{sha256}.jsonl", sha256)
    assert (kept / run.predictions_path).read_bytes() == b'{"id": "one"}\n'
    assert (run.charts_count, run.created_by, run.drawings) == (60, lead, {"figure-2": "<svg/>"})
    assert list(run.charts.values_list("position", "chart", "met", "unsupported", "missed", "f1")) == [
        (1, "c-1", 1, 0, 1, 0.5),
        (2, "c-2", 0, 1, 0, 0.0),
    ]
    event = AuditEvent.objects.get(type="evaluation.stored")
    assert (event.actor, event.data) == (
        lead,
        {
            "run_id": run.pk,
            "engine": "embedded",
            "model_version_id": version.pk,
            "gold_set_sha256": "a" * 64,
            "predictions_sha256": sha256,
            "catalog_release": "2026-04",
            "charts": 2,
        },
    )


@pytest.mark.parametrize("who", ["coder", "expert", "auditor", "privacy_officer"])
def test_who_may_not_run_evaluations_stores_nothing(request, who, tmp_path, kept):
    with pytest.raises(NotAllowed):
        stored(tmp_path, actor=request.getfixturevalue(who))
    assert EvaluationRun.objects.count() == AuditEvent.objects.count() == 0
    assert not kept.exists()


def test_the_operator_of_the_server_needs_no_role(tmp_path):
    run = stored(tmp_path)
    assert run.created_by is None
    assert AuditEvent.objects.get(type="evaluation.stored").actor is None


def test_the_same_predictions_are_kept_once(tmp_path, kept):
    assert stored(tmp_path).predictions_path == stored(tmp_path).predictions_path
    assert len(list(kept.iterdir())) == 1


def test_a_file_that_cannot_be_read_stores_nothing(lead, tmp_path, kept):
    new = NewRun("embedded", "Frailty v1", "a" * 64, {}, (), tmp_path / "absent.jsonl")
    with pytest.raises(FileNotFoundError):
        store_evaluation(lead, new)
    assert EvaluationRun.objects.count() == AuditEvent.objects.count() == 0
    assert list(kept.iterdir()) == []


def test_a_chart_given_twice_stores_nothing(lead, tmp_path):
    rows = [chart_row("c-1", FIRST), chart_row("c-1", FIRST)]
    new = NewRun("embedded", "Frailty v1", "a" * 64, {}, rows, _predictions(tmp_path))
    with pytest.raises(IntegrityError, match="chart_once_a_run"), transaction.atomic():
        store_evaluation(lead, new)
    assert EvaluationRun.objects.count() == EvaluationChart.objects.count() == AuditEvent.objects.count() == 0


def _predictions(folder: Path) -> Path:
    path = folder / "predictions.jsonl"
    path.write_text("{}\n")
    return path


@pytest.mark.parametrize("model", [EvaluationRun, EvaluationChart])
def test_a_stored_run_neither_changes_nor_goes(tmp_path, model):
    stored(tmp_path)
    before = list(model.objects.values())
    table = model._meta.db_table
    for change in (f"UPDATE {table} SET id = id + 1", f"DELETE FROM {table}"):
        with (
            pytest.raises(ProgrammingError, match="pgtrigger: Cannot update or delete"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)
    assert list(model.objects.values()) == before


def test_the_copy_is_whole_or_absent(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"x" * 3_000_000)
    name, sha256 = keep_predictions(source, tmp_path / "kept")
    assert name == f"{hashlib.sha256(b'x' * 3_000_000).hexdigest()}.jsonl" == f"{sha256}.jsonl"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [name]


def test_charts_of_two_runs_stand_beside_each_other_the_widest_apart_first(tmp_path):
    a = stored(tmp_path, name="a", charts={"c-0": SECOND, "c-1": FIRST, "c-9": FIRST})
    b = stored(tmp_path, name="b", charts={"c-1": SECOND, "c-0": SECOND})
    found = EvaluationChart.objects.filter(run=a).beside(b)
    assert [(c.chart, c.f1, c.other_f1, c.difference, c.other_missed) for c in found] == [
        ("c-1", 0.5, 1.0, -0.5, 0),
        ("c-0", 1.0, 1.0, 0.0, 0),
        ("c-9", 0.5, None, None, None),
    ]


# --- General knowledge ----------------------------------------------------------------------------


def measured(accuracy, data="d" * 64, questions=100):
    return Measured({"medqa": Accuracy(accuracy, 0.04, questions)}, data, "0.4.13")


def test_before_and_after_stand_with_the_model_version(lead):
    version = ModelVersion.objects.create(engine="vllm", name="coder", version="2", metrics={"note": "stays"})
    store_knowledge(lead, version.pk, "before", measured(0.74))
    store_knowledge(lead, version.pk, "after", measured(0.73))
    version.refresh_from_db()
    assert version.metrics == {
        "note": "stays",
        "general_knowledge": {
            "data_sha256": "d" * 64,
            "harness": "0.4.13",
            "tasks": {
                "medqa": {
                    "title": "MedQA, four options",
                    "questions": 100,
                    "before": {"accuracy": 0.74, "se": 0.04},
                    "after": {"accuracy": 0.73, "se": 0.04},
                }
            },
        },
    }
    assert [e.data["stage"] for e in AuditEvent.objects.order_by("pk")] == ["before", "after"]


@pytest.mark.parametrize("other", [measured(0.73, data="e" * 64), measured(0.73, questions=50)])
def test_results_on_other_questions_are_not_set_beside_each_other(lead, other):
    version = ModelVersion.objects.create(engine="vllm", name="coder", version="2")
    store_knowledge(lead, version.pk, "before", measured(0.74))
    store_knowledge(lead, version.pk, "after", other)
    version.refresh_from_db()
    task = version.metrics["general_knowledge"]["tasks"]["medqa"]
    assert "before" not in task
    assert task["after"] == {"accuracy": 0.73, "se": 0.04}


def test_who_may_not_run_evaluations_changes_no_model_version(expert):
    version = ModelVersion.objects.create(engine="vllm", name="coder", version="2")
    with pytest.raises(NotAllowed):
        store_knowledge(expert, version.pk, "after", measured(0.7))
    version.refresh_from_db()
    assert version.metrics == {}
    assert AuditEvent.objects.count() == 0
