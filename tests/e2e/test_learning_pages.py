"""The learning loop in the browser: from a run of charts to one chart's evidence, a training from its plan to its end
with rows made here, and what axe says of the pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from modelops.models import TrainingJob, TrainingStep
from tests.coding_review.learning_rows import (
    dataset_build,
    dataset_version,
    manifest,
    step_of,
    synthesis_run,
    training_job,
)
from tests.e2e.test_review_behaviour import axe_in_both_themes
from tests.modelops.training.rows import base

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_a_run_is_followed_down_to_the_lines_that_tell_a_code(
    expert: User, sign_in: Any, live_server: Any, page: Page
) -> None:
    synthesis_run()
    sign_in(expert)
    page.goto(live_server.url + reverse("web:datasets"))
    page.get_by_role("navigation", name="Models").get_by_role("link", name="Synthetic charts").click()
    page.get_by_role("link", name="heart-7").click()
    page.get_by_label("With the code").fill("n18.4")
    page.get_by_label("With the code").press("Enter")
    expect(page.get_by_role("region", name="Charts of the run").get_by_role("row")).to_have_count(3)
    page.get_by_role("link", name="Kept", exact=True).click()
    page.get_by_role("link", name="Chart 0").click()
    told = page.get_by_role("region", name="Text with its lines").locator("tr.told")
    expect(told).to_have_count(2)
    expect(told.first).to_contain_text("I50.23")
    expect(page.locator("tr.trap")).to_contain_text("family history")
    for number in (1, 2):
        page.get_by_role("link", name="Next").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Chart {number}")
    expect(page.locator(".note.warning")).to_contain_text("may identify somebody: name")
    expect(page.locator("#main")).not_to_contain_text("furosemide")
    # A row of places that is wider than the screen shows where one is: turned, and loaded so.
    page.goto(live_server.url + reverse("web:drift"))
    here = page.get_by_role("navigation", name="Models").locator("[aria-current]")
    expect(here).to_have_text("Drift")
    page.set_viewport_size({"width": 390, "height": 844})
    for _ in range(2):
        expect(here).to_be_in_viewport(ratio=0.95)
        assert here.evaluate("link => link.parentElement.closest('.places').scrollLeft") > 0
        page.reload()


def test_axe_finds_nothing_on_synthesis_and_dataset_pages(
    expert: User, sign_in: Any, live_server: Any, page: Page
) -> None:
    run, dataset = synthesis_run(), dataset_version()
    addresses = {
        "runs": reverse("web:syntheses"),
        "new run": reverse("web:synthesis-new"),
        "run": reverse("web:synthesis", args=[run.pk]),
        "chart": reverse("web:synthetic-chart", args=[run.pk, 0]),
        "stopped": reverse("web:synthetic-chart", args=[run.pk, 2]),
        "datasets": reverse("web:datasets"),
        "dataset": reverse("web:dataset", args=[dataset.pk]),
    }
    sign_in(expert)
    found = {}
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for name, address in addresses.items():
            page.goto(live_server.url + address)
            found[name, width] = axe_in_both_themes(page)
            if page.evaluate(WIDER) > 0:
                found[name, width].append("wider than the screen")
    assert found == {key: [] for key in found}


@pytest.fixture
def folders(settings: Any, tmp_path: Path) -> Path:
    settings.TRAINING_DIR = tmp_path / "training"
    settings.TRAINING_BASE_DIRS = [tmp_path / "models"]
    settings.DATASETS_DIR = tmp_path / "datasets"
    base(tmp_path / "models" / "tiny")
    for folder in (tmp_path / "training" / "job-of-test", tmp_path / "datasets" / "coding-7"):
        folder.mkdir(parents=True)
    row = json.dumps(
        {"id": "e", "messages": [{"role": "user", "content": "CODES"}], "completion": "{}", "tokens": 400}
    )
    (tmp_path / "datasets" / "coding-7" / "train.jsonl").write_text(f"{row}\n" * 60, encoding="utf-8")
    return tmp_path


def test_a_job_is_planned_queued_watched_and_cancelled(
    admin: User, sign_in: Any, live_server: Any, page: Page, folders: Path
) -> None:
    dataset_version(deidentified=0)
    sign_in(admin)
    page.goto(live_server.url + reverse("web:trainings"))
    page.get_by_role("link", name="New job").click()
    page.get_by_role("link", name="Small, on processors").click()
    page.get_by_label("Name", exact=True).fill("first")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator("#plan-panel")).to_contain_text("52")
    page.get_by_label("Epochs").fill("8")
    page.get_by_role("button", name="Accept the plan and queue").click()
    expect(page.get_by_role("alert")).to_contain_text("has changed since the plan was made")
    assert not TrainingJob.objects.exists()
    page.get_by_role("button", name="Accept the plan and queue").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("first")
    expect(page.locator("#job-live")).to_contain_text("Waits until the slot local is free")
    job = TrainingJob.objects.get()
    assert job.recipe["epochs"] == 8
    # What the supervisor's files would say, read into rows by the reconciling.
    now = timezone.now()
    TrainingJob.objects.update(status="running", attempt=1, started_at=now, heartbeat_at=now, step=3)
    TrainingStep.objects.bulk_create(step_of(job, number) for number in range(1, 4))
    expect(page.locator("#job-head")).to_contain_text("Running")
    expect(page.locator(".plot path").first).to_be_visible()
    expect(page.locator("li[aria-current=step]")).to_have_text("Training, step 3 of 104")
    before = page.locator(".plot path").first.get_attribute("d")
    step_of(job, 4).save()
    TrainingJob.objects.update(step=4)
    expect(page.locator("li[aria-current=step]")).to_have_text("Training, step 4 of 104")
    expect(page.locator(".plot path").first).not_to_have_attribute("d", before or "")
    cancel = page.get_by_role("button", name="Cancel and keep checkpoint")
    cancel.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#job-head")).to_contain_text("Cancelling")
    TrainingJob.objects.update(status="failed", error_code="disk_full", ended_at=timezone.now())
    expect(page.get_by_role("alert").first).to_contain_text("Make room below TRAINING_DIR")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#job-head")).to_contain_text("Queued")


def test_axe_finds_nothing_on_training_pages(
    admin: User,
    sign_in: Any,
    live_server: Any,
    page: Page,
    folders: Path,
) -> None:
    dataset = dataset_version(deidentified=0)
    run = folders / "training" / "job-of-test"
    (run / "log.txt").write_text("Going on from checkpoint-30.\n", encoding="utf-8")
    (run / "job.slurm").write_text("#!/bin/sh\n#SBATCH --nodes=1\n", encoding="utf-8")
    live = training_job(dataset=dataset, user=admin)
    failed = training_job(
        dataset=dataset,
        status="failed",
        error_code="out_of_memory",
        ended_at=timezone.now(),
        resources={"place": "slurm"},
    )
    leaks = {"examples": ["a", "b"], "sets": {"Frailty v1": 2}, "how": {"id": 1, "near_duplicate": 1}}
    looked = dataset_build(user=admin, status="done", only_looks=True, found=manifest())
    refused = dataset_build(user=admin, status="failed", error="Leaks.", found={"leaks": leaks})
    addresses = {
        "new dataset": reverse("web:dataset-new"),
        "looked at": reverse("web:dataset-build", args=[looked.pk]),
        "refused": reverse("web:dataset-build", args=[refused.pk]),
        "jobs": reverse("web:trainings"),
        "new": reverse("web:training-new") + "?recipe=curriculum",
        "job": reverse("web:training", args=[live.pk]),
        "failed": reverse("web:training", args=[failed.pk]),
    }
    sign_in(admin)
    found = {}
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for name, address in addresses.items():
            page.goto(live_server.url + address)
            found[name, width] = axe_in_both_themes(page)
            if page.evaluate(WIDER) > 0:
                found[name, width].append("wider than the screen")
    assert found == {key: [] for key in found}
