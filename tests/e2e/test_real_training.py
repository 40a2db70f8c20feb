"""A small model from the button to serving and back, all of it real: the worker, DeepSpeed, the evaluation that follows
by itself, and two people, of whom one trains and the other brings in."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse
from playwright.sync_api import Page, expect

from coding_review.actions.gold_exchange import import_gold
from coding_review.choices import Role
from coding_review.models import AuditEvent, EvaluationJob, WorkGroup
from modelops.jobs import run_folder
from modelops.models import DatasetVersion, ModelVersion, Promotion, TrainingJob, TrainingStep
from modelops.training.checkpoints import newest_complete, step_of
from modelops.training.processes import marked
from tests.coding_review.learning_rows import dataset_version
from tests.deepspeed.conftest import MAKE_BASE, row_of, training_venv
from tests.faults.conftest import Broker, Processes, wait_until
from tests.modelops.training.rows import write_rows
from tests.personas import person

__all__ = ["training_venv"]
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.deepspeed,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1700),
]
# As many as make a loss that starts at that of a guess fall by half.
STEPS = 60
# The steps before it are told, and then nothing until somebody cancels.
HELD_AT = 4
CONDITIONS = {"hypertension": "I10", "gout": "M10.9", "asthma": "J45.909", "anemia": "D64.9"}
# On a machine that does nothing else each of these waits takes less than a minute.
LIMIT = 400
MILLISECONDS = LIMIT * 1000
# The training environment's, but for the trainer, which is one that waits to be cancelled.
PYTHON = """#!/bin/sh
[ "$4" != modelops.training.entrypoint ] || {{ shift 4; set -- -W ignore -m tests.e2e.held_trainer {step} "$@"; }}
exec {python} "$@"
"""


@pytest.fixture
def dataset(tmp_path: Path, settings: Any, transactional_db: None) -> DatasetVersion:
    settings.DATASETS_DIR = tmp_path / "datasets"
    folder = tmp_path / "datasets" / "conditions-1"
    folder.mkdir(parents=True)
    draw, rows = random.Random(4), []
    for _ in range(60):
        word, code = draw.choice(list(CONDITIONS.items()))
        rows.append(row_of(f"1| Known {word}.\nCODES", json.dumps({"codes": [{"code": code}]})))
    path = write_rows(folder / "train.jsonl", rows)
    made = dataset_version(name="conditions", version=1, path="conditions-1", deidentified=0)
    manifest = made.manifest | {
        "prompt_version": "icd10cm-short-1",
        "files": {"train.jsonl": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}},
    }
    return DatasetVersion.objects.create(
        name="conditions",
        version=2,
        kind=made.kind,
        manifest=manifest,
        sha256="c" * 64,
        statistics=made.statistics,
        path="conditions-1",
    )


@pytest.fixture
def site(
    dataset: DatasetVersion, training_venv: Path, tmp_path: Path, settings: Any, broker: Broker
) -> Iterator[Path]:
    """Folders and environment, for this process and for a worker with its clock; the base."""
    venv, models = tmp_path / "venv", tmp_path / "models"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text(PYTHON.format(python=training_venv / "bin" / "python", step=HELD_AT))
    (venv / "bin" / "python").chmod(0o755)
    settings.TRAINING_DIR, settings.EVALUATION_DIR = tmp_path / "training", tmp_path / "evaluations"
    settings.TRAINING_BASE_DIRS, settings.TRAINING_VENV = [models], str(venv)
    settings.KNOWLEDGE_DIR = tmp_path / "questions"
    settings.LLM_BASE_URLS, settings.ENGINE = [], "embedded"
    database = connection.settings_dict
    environment = os.environ | {
        "DATABASE_URL": (
            f"postgres://{database['USER']}:{database['PASSWORD']}"
            f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
        ),
        "REDIS_URL": broker.url,
        "TRAINING_DIR": str(settings.TRAINING_DIR),
        "TRAINING_BASE_DIRS": str(models),
        "TRAINING_VENV": str(venv),
        "DATASETS_DIR": str(settings.DATASETS_DIR),
        "EVALUATION_DIR": str(settings.EVALUATION_DIR),
        "KNOWLEDGE_DIR": str(settings.KNOWLEDGE_DIR),
        "LLM_BASE_URLS": "",
        # Of a model that learned the beginnings of words and is asked for a whole answer.
        "LLM_OUTPUT_TOKENS": "100",
        "ENGINE": "embedded",
        "EMBED_IN_BACKGROUND": "false",
        # The evaluation that comes by itself is found by it.
        "SWEEP_SECONDS": "2",
        "OMP_NUM_THREADS": "1",
    }
    queues = ["-Q", "celery,train,evaluate", "-c", "2", "--without-gossip", "--without-mingle"]
    worker = Processes(tmp_path, environment, "worker", "-B", "-s", str(tmp_path / "schedule"), *queues)
    try:
        subprocess.run(
            [training_venv / "bin" / "python", "-W", "ignore", MAKE_BASE, models / "tiny"],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            check=True,
            timeout=LIMIT,
        )
        yield models / "tiny"
    finally:
        worker.kill()
        for run in (tmp_path / "training").glob("*/run.json"):
            for pid in marked(json.loads(run.read_text())["token"]):
                os.kill(pid, 9)


@pytest.fixture
def frozen(icd10cm: Any, transactional_db: None) -> None:
    """A set that counts for the gate."""
    rows = [
        {
            "id": f"chart-{number}",
            "text": f"Known {word}.",
            "codes": [{"code": code, "lines": [1]}],
        }
        for number, (word, code) in enumerate(CONDITIONS.items())
    ]
    import_gold(
        None,
        [json.dumps(row).encode() + b"\n" for row in rows],
        name="Conditions",
        purpose="evaluation",
        kind="gold",
        without_phi=True,
    )


@pytest.fixture
def other_admin(work_group: WorkGroup) -> User:
    return person("other_admin", Role.ADMIN, work_group)


def ended(job: TrainingJob, attempt: int) -> bool:
    job.refresh_from_db()
    return job.attempt == attempt and not job.is_open


def test_a_model_is_trained_cancelled_resumed_evaluated_promoted_and_taken_back(
    site: Path,
    admin: User,
    other_admin: User,
    sign_in: Any,
    live_server: Any,
    page: Page,
    frozen: None,
    dataset: DatasetVersion,
) -> None:
    sign_in(admin)
    page.goto(live_server.url + reverse("web:trainings"))
    page.get_by_role("link", name="New job").click()
    page.get_by_role("link", name="Small, on processors").click()
    page.get_by_label("Name", exact=True).fill("tiny coder")
    page.get_by_label("Dataset").select_option(str(dataset.pk))
    page.get_by_label("Base").select_option(str(site))
    page.get_by_label("Learning rate").fill("0.003")
    page.get_by_label("Micro-batch").fill("1")
    page.get_by_text("Adapter, warm-up, limits and seed").click()
    page.get_by_label("Most steps").fill(str(STEPS))
    page.get_by_label("Epochs").fill("1000")
    page.get_by_label("Steps between checkpoints").fill("50")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator("#plan-panel")).to_contain_text(str(STEPS))
    page.get_by_role("button", name="Accept the plan and queue").click()
    # Watched while the worker begins it and its trainer trains, as far as that goes by itself.
    now = page.locator("li[aria-current=step]")
    expect(now).to_have_text(f"Training, step {HELD_AT - 1} of {STEPS}", timeout=MILLISECONDS)
    expect(page.locator(".plot path").first).to_be_visible(timeout=MILLISECONDS)
    page.get_by_role("button", name="Cancel and keep checkpoint").click()
    expect(page.locator("#job-head [role=status]")).to_have_text("Cancelled", timeout=MILLISECONDS)
    job = TrainingJob.objects.get()
    kept = newest_complete(run_folder(job).checkpoints / "all")
    assert kept is not None
    assert (step_of(kept), job.step, job.steps, job.attempt) == (HELD_AT, HELD_AT, STEPS, 1)
    assert not ModelVersion.objects.exists()

    page.get_by_role("button", name="Resume").click()
    wait_until(lambda: ended(job, 2), seconds=LIMIT)
    assert (job.status, job.error_code, job.attempt, job.step) == ("done", "", 2, STEPS)
    assert f"Going on from checkpoint-{HELD_AT}." in run_folder(job).log.read_text()
    losses = dict(TrainingStep.objects.values_list("step", "loss"))
    assert sorted(losses) == list(range(1, STEPS + 1))
    assert losses[STEPS] < losses[1] / 2

    # The evaluation came by itself.
    version = ModelVersion.objects.get()
    measured = EvaluationJob.objects.get(model_version=version)
    wait_until(lambda: not EvaluationJob.objects.open().exists(), seconds=LIMIT)
    measured.refresh_from_db()
    assert (measured.status, measured.error) == ("done", "")
    assert measured.run is not None
    assert (measured.run.charts_count, measured.run.settings["answered_by"]) == (4, "local_transformers")
    page.goto(live_server.url + reverse("web:models"))
    page.get_by_role("link", name=re.compile("tiny coder")).click()
    expect(page.locator("#main")).to_contain_text("You trained this version: somebody else brings it in.")
    expect(page.get_by_role("button", name="Promote")).to_have_count(0)
    page.get_by_role("button", name="Measure embedded on the frozen sets").click()
    against = EvaluationJob.objects.filter(engine="embedded")
    wait_until(lambda: against.exists() and not against.open().exists(), seconds=LIMIT)
    beside = against.get()
    assert (beside.status, beside.error) == ("done", "")

    sign_in(other_admin)
    page.goto(live_server.url + reverse("web:model-version", args=[version.pk]))
    comparison = page.get_by_role("region", name="Comparison", exact=True)
    expect(comparison.get_by_role("link", name=re.compile("Runs"))).to_be_visible()
    form = page.locator("form").filter(has=page.get_by_role("heading", name="Promote", exact=True))
    form.get_by_label("Reason").fill("A try of the whole way.")
    form.get_by_label("I have looked at the comparison").check()
    form.get_by_label("Although the gate does not pass").check()
    form.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("button", name="Roll back")).to_be_visible()
    version.refresh_from_db()
    assert version.active is True
    # One click: the reason is filled in.
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_role("button", name="Roll back")).to_have_count(0)
    version.refresh_from_db()
    assert version.state.value == "retired"
    done = Promotion.objects.order_by("pk").values_list("kind", "by__username", "overridden")
    assert list(done) == [("promote", "other_admin", True), ("rollback", "other_admin", False)]
    assert tuple(Promotion.objects.earliest("pk").comparison_runs[0]) == (measured.run_id, beside.run_id)
    told = AuditEvent.objects.filter(type="training.ended").order_by("pk")
    assert [event.data["status"] for event in told] == ["cancelled", "done"]
