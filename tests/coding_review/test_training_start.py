"""A training is asked for by a form: its plan first, the job only for a plan that was looked at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from coding_review.models import AuditEvent
from coding_review.web.training_form import PLACE_FIELDS
from coding_review.web.training_presets import PRESETS
from coding_review.web.training_start import plan_view
from modelops.models import DatasetVersion, TrainingJob
from tests.coding_review.learning_rows import PLAN, dataset_version
from tests.modelops.training.rows import base

pytestmark = pytest.mark.django_db
ADDRESS = "/training/new/"


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> None:
    settings.TRAINING_DIR = tmp_path / "training"
    settings.TRAINING_BASE_DIRS = [tmp_path / "models"]
    settings.DATASETS_DIR = tmp_path / "datasets"


def stage(tmp_path: Path) -> DatasetVersion:
    """A base checkpoint and a dataset with its file."""
    base(tmp_path / "models" / "tiny")
    folder = tmp_path / "datasets" / "coding-7"
    folder.mkdir(parents=True)
    rows = [
        {"id": f"e{n}", "messages": [{"role": "user", "content": "CODES"}], "completion": "{}", "tokens": 400}
        for n in range(60)
    ]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return dataset_version()


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def filled(client: Client, preset: str = "small", **more: str) -> dict[str, str]:
    """The form as a browser sends it that changed nothing but the name."""
    form = client.get(ADDRESS, {"recipe": preset}).context["form"]
    data = {}
    for field in form:
        value = field.value()
        if value is not None and value is not False:
            data[field.name] = str(value)
    data["dataset"] = str(form.fields["dataset"].queryset.get().pk)
    data["base"] = form.fields["base"].choices[0][0]
    return data | {"name": "first", "act": "plan", "planned": ""} | more


@pytest.mark.parametrize("who", ["expert", "auditor", "lead"])
def test_who_may_not_train_is_refused_the_form(request: Any, who: str, tmp_path: Path) -> None:
    stage(tmp_path)
    client = signed_in(request.getfixturevalue(who))
    assert client.get(ADDRESS).status_code == 403
    assert client.post(ADDRESS, {"name": "x"}).status_code == 403
    assert not TrainingJob.objects.exists()


def test_without_dataset_or_base_the_page_says_what_is_missing(admin: Any, tmp_path: Path) -> None:
    client = signed_in(admin)
    assert client.get(ADDRESS).context["missing"][0] == "There is no dataset"
    dataset_version()
    assert client.get(ADDRESS).context["missing"][0] == "There is no base checkpoint"
    base(tmp_path / "models" / "tiny")
    assert client.get(ADDRESS).context["missing"] is None


def test_the_plan_stands_before_the_job_and_the_job_is_as_planned(admin: Any, tmp_path: Path) -> None:
    dataset = stage(tmp_path)
    client = signed_in(admin)
    data = filled(client)
    shown = client.post(f"{ADDRESS}?recipe=small", data)
    assert shown.status_code == 200
    assert not TrainingJob.objects.exists()
    plan = shown.context["plan"]
    figures = {f.label: f.value for f in plan.figures}
    # 24,000 tokens of 60 examples, four epochs, in packs of 512 filled to 97%, four to a step.
    assert (figures["tokens"], figures["steps"]) == ("96 k", "52")
    assert figures["time"] == "not known"
    assert plan.warnings == (
        "The dataset was built for packs of 8,192 tokens: those of its examples that are longer than 512 are left out.",
    )
    assert f'name="planned" value="{plan.mark}"' in shown.content.decode()
    queued = client.post(f"{ADDRESS}?recipe=small", data | {"act": "queue", "planned": plan.mark})
    job = TrainingJob.objects.get()
    assert queued.status_code == 302
    assert queued["Location"] == reverse("web:training", args=[job.pk])
    assert (job.name, job.dataset, job.slot, job.status, job.steps) == (
        "first",
        dataset,
        "local",
        "queued",
        52,
    )
    assert (job.recipe["zero_stage"], job.recipe["precision"], job.recipe["optimizer"]) == (1, "fp32", "adam")
    assert (job.resources["device"], job.resources["place"]) == ("cpu", "local")
    assert AuditEvent.objects.filter(type="training.queued").count() == 1


def test_a_changed_field_brings_its_own_plan_and_no_job(admin: Any, tmp_path: Path) -> None:
    stage(tmp_path)
    client = signed_in(admin)
    data = filled(client)
    mark = client.post(f"{ADDRESS}?recipe=small", data).context["plan"].mark
    changed = data | {"epochs": "8", "act": "queue", "planned": mark}
    answer = client.post(f"{ADDRESS}?recipe=small", changed)
    assert answer.status_code == 409
    assert answer.context["plan"].mark != mark
    assert "has changed since the plan was made" in answer.content.decode()
    assert not TrainingJob.objects.exists()
    renamed = data | {"name": "another", "act": "queue", "planned": mark}
    assert client.post(f"{ADDRESS}?recipe=small", renamed).status_code == 302


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"epochs": "0"}, "epochs"),
        ({"lora_rank": "0"}, "lora_rank"),
        ({"place": "slurm", "project_dir": "/opt/app", "venv": "/opt/venv"}, "partition"),
        ({"nodes": "2"}, "nodes"),
        ({"offload_parameters": "on"}, "offload_parameters"),
        (
            {"place": "slurm", "partition": "gpu; rm", "project_dir": "/opt/app", "venv": "/opt/venv"},
            "partition",
        ),
        ({"base": "/etc"}, "base"),
        ({"name": ""}, "name"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(admin: Any, tmp_path: Path, change: Any, field: str) -> None:
    stage(tmp_path)
    client = signed_in(admin)
    answer = client.post(f"{ADDRESS}?recipe=small", filled(client) | change)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not TrainingJob.objects.exists()


def test_all_that_is_wrong_is_told_at_once(admin: Any, tmp_path: Path) -> None:
    stage(tmp_path)
    client = signed_in(admin)
    wrong = {"name": "a\u202eb", "place": "slurm", "partition": "gpu", "micro_batch": "-1"}
    answer = client.post(f"{ADDRESS}?recipe=small", filled(client) | wrong)
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"name", "micro_batch", "project_dir", "venv"}
    told = client.post(f"{ADDRESS}?recipe=small", filled(client) | {"epochs": "0"}).context["form"]
    assert told.errors["epochs"] == ["It must be from 0.01 to 1000."]
    assert not TrainingJob.objects.exists()


def test_everything_out_of_its_range_is_told_at_once_at_its_field(admin: Any, tmp_path: Path) -> None:
    """Also beside what cannot be read at all."""
    stage(tmp_path)
    client = signed_in(admin)
    wrong = {
        "epochs": "0", "warmup": "0.9", "lora_rank": "0", "nodes": "2", "processes": "65", "max_tokens": "x",
        "offload_parameters": "on",
    }  # fmt: skip
    form = client.post(f"{ADDRESS}?recipe=small", filled(client) | wrong).context["form"]
    assert {name: list(said) for name, said in form.errors.items()} == {
        "epochs": ["It must be from 0.01 to 1000."],
        "warmup": ["It must be from 0 to 0.5."],
        "lora_rank": ["It must be from 1 to 1024."],
        "processes": ["It must be from 1 to 64."],
        "nodes": ["Several nodes need a hostfile, Slurm or Kubernetes."],
        "max_tokens": ["Enter a whole number."],
        "offload_parameters": ["Parameters are offloaded with ZeRO stage 3 only."],
    }
    assert not TrainingJob.objects.exists()


def test_what_is_wrong_with_a_stage_stands_at_its_own_field(admin: Any, tmp_path: Path) -> None:
    stage(tmp_path)
    client = signed_in(admin)
    data = filled(client, "curriculum")
    first, *_ = PRESETS["curriculum"].stages
    answer = client.post(f"{ADDRESS}?recipe=curriculum", data | {f"stage_{first}": "0", "learning_rate": "2"})
    form = answer.context["form"]
    assert {name: list(said) for name, said in form.errors.items()} == {
        "learning_rate": ["It must be from 1e-08 to 1."],
        f"stage_{first}": ["It must be from 0.01 to 1000."],
    }
    assert f'id="id_stage_{first}_error"' in answer.content.decode()


def test_a_curriculum_needs_examples_of_each_stage(admin: Any, tmp_path: Path) -> None:
    stage(tmp_path)
    client = signed_in(admin)
    answer = client.post(f"{ADDRESS}?recipe=curriculum", filled(client, "curriculum"))
    assert answer.status_code == 422
    assert "no example for pairs, variations, notes" in answer.content.decode()


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_recipe_of_the_form_can_be_planned(admin: Any, tmp_path: Path, preset: str) -> None:
    stage(tmp_path)
    folder = tmp_path / "datasets" / "coding-7" / "train.jsonl"
    rows = [json.loads(line) for line in folder.read_text(encoding="utf-8").splitlines()]
    for number, row in enumerate(rows):
        row["stage"] = ("pairs", "variations", "notes")[number % 3]
    folder.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    client = signed_in(admin)
    answer = client.post(f"{ADDRESS}?recipe={preset}", filled(client, preset))
    assert (answer.status_code, answer.context["form"].errors) == (200, {})
    assert answer.context["plan"].mark


def test_a_plan_warns_where_memory_does_not_suffice_and_where_steps_are_few() -> None:
    assert plan_view(PLAN, "m").warnings == ()
    small = plan_view(PLAN | {"fits": False, "steps": 4}, "m")
    assert [warning.split(".")[0] for warning in small.warnings] == [
        "A device has less memory than this needs",
        "Fewer than ten steps: the schedule hardly begins",
    ]


def test_fields_of_places_are_fields_of_resources() -> None:
    assert set(PLACE_FIELDS) == {"hostfile", "slurm", "kubernetes"}
