"""General knowledge of a trained version and its base, asked without a click; where it was not, the gate says so."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from coding_review.knowledge import lacking, measure_version, wants_knowledge
from coding_review.models import AuditEvent
from coding_review.promotion import gate_of
from modelops.evaluation.knowledge.harness import SAMPLES
from modelops.models import ModelVersion, TrainingJob
from tests.modelops.test_general_knowledge import STAND_IN

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(admin, settings, tmp_path):
    """Trained here from a base."""
    settings.TRAINING_DIR = tmp_path / "training"
    settings.KNOWLEDGE_VENV, settings.KNOWLEDGE_DIR = str(tmp_path / "venv"), str(tmp_path / "questions")
    job = TrainingJob.objects.create(
        name="coder", base=str(tmp_path / "base"), method="full", recipe={}, resources={}, slot="local"
    )
    return ModelVersion.objects.create(
        engine="vllm", name="coder", version="1", job=job, checkpoint=f"job-{job.pk}/output", trained_by=admin
    )


def harness(folder: Path, extra: str = "") -> None:
    python = folder / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(STAND_IN.format(python=sys.executable, seen=str(folder / "seen.json"), extra=extra))
    python.chmod(0o755)


def knowledge_row(version):
    return next(row for row in gate_of(version).rows if row.id == "knowledge_loss")


def test_without_harness_or_questions_the_gate_says_what_is_lacking(version, tmp_path):
    assert "make knowledge" in lacking(version)
    assert measure_version(version.pk) == 0
    row = knowledge_row(version)
    assert (row.verdict.value, row.figure) == ("no_data", None)
    assert row.where == (
        "not measured before and after training: the harness is not installed (make knowledge)"
    )
    harness(tmp_path)
    assert knowledge_row(version).where.endswith("KNOWLEDGE_DIR holds no questions")
    assert not AuditEvent.objects.filter(type="evaluation.knowledge_stored").exists()


def test_base_and_result_are_asked_once_each(version, tmp_path):
    harness(tmp_path)
    shutil.copytree(SAMPLES, tmp_path / "questions")
    assert wants_knowledge(version) is True
    assert measure_version(version.pk) == 2
    version.refresh_from_db()
    assert knowledge_row(version).verdict.value == "pass"
    stages = AuditEvent.objects.filter(type="evaluation.knowledge_stored").order_by("pk")
    assert [event.data["stage"] for event in stages] == ["before", "after"]
    assert (wants_knowledge(version), measure_version(version.pk)) == (False, 0)


def test_a_harness_that_fails_leaves_no_figure_and_none_of_its_words(version, tmp_path, caplog):
    harness(tmp_path, 'sys.exit("What does the patient of question 3 have?")')
    shutil.copytree(SAMPLES, tmp_path / "questions")
    assert measure_version(version.pk) == 0
    version.refresh_from_db()
    assert version.metrics == {}
    assert knowledge_row(version).verdict.value == "no_data"
    assert f"model version {version.pk} (before) could not be measured" in caplog.text
    assert "question 3" not in caplog.text


def test_an_adapter_is_asked_by_the_operator(version, tmp_path):
    harness(tmp_path)
    shutil.copytree(SAMPLES, tmp_path / "questions")
    ModelVersion.objects.filter(pk=version.pk).update(adapter="/adapters/one")
    assert measure_version(version.pk) == 0
    version.refresh_from_db()
    assert "an adapter is asked through its server" in knowledge_row(version).where
