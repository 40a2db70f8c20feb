"""A dataset asked for in the browser: looked at, refused for leaks, built without them, cancelled."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coding_review import dataset_job
from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.queue_dataset import cancel_dataset, queue_dataset
from coding_review.actions.work_steps import missed
from coding_review.at_work import WorkCrashed
from coding_review.dataset_asked import AskedDataset, as_json, from_json
from coding_review.dataset_job import run_build
from coding_review.errors import InvalidDecision, NotAllowed, WrongStatus
from coding_review.feedback import Chosen
from coding_review.models import AuditEvent, DatasetBuild, Encounter, RoleAssignment
from modelops.datasets.build import Options
from modelops.models import DatasetVersion, SynthesisRun, SyntheticChart
from tests.coding_review.signed_charts import signed_chart
from tests.coding_review.test_build_dataset import TRAINED, VALIDATED, line
from tests.modelops.datasets.chat_model import make_chat_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def base(settings: Any, tmp_path: Path) -> Path:
    settings.TRAINING_BASE_DIRS = [tmp_path / "models"]
    settings.TRAINING_DIR = tmp_path / "training"
    settings.DATASETS_DIR = tmp_path / "datasets"
    folder = make_chat_model(tmp_path / "models" / "tiny")
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"")
    return folder


@pytest.fixture
def run(icd10cm: Any) -> SynthesisRun:
    """Ten written charts to train on and two to validate on."""
    made = SynthesisRun.objects.create(
        name="written", kind="icd10cm", writer="embedded", seed=1, status="running"
    )
    for position, number in enumerate((*TRAINED[:10], *VALIDATED[:2])):
        row = json.loads(line(number))
        SyntheticChart.objects.create(
            run=made,
            position=position,
            chart={name: row[name] for name in row if name not in ("codes", "traps")},
            codes={"codes": row["codes"], "traps": row["traps"]},
            sha256=f"{position:064d}",
        )
    made.status, made.ended_at, made.counts = "done", timezone.now(), {"kept": 12}
    made.save()
    return made


def asked(base: Path, run: SynthesisRun, **values: Any) -> AskedDataset:
    return AskedDataset(str(base), runs=(run.pk,), **values)


def test_as_it_was_asked(base: Path) -> None:
    day = timezone.localdate()
    whole = AskedDataset(
        str(base),
        True,
        Chosen(day, day, (1,), ("professional",)),
        (2, 3),
        (4,),
        Options(prompt="icd10cm-short-1", pack_tokens=512, augment=0.1, unlabelled="left_out"),
        ("a",),
    )
    assert from_json(json.loads(json.dumps(as_json(whole)))) == whole


def test_looked_at_then_built(admin: User, base: Path, run: SynthesisRun, settings: Any) -> None:
    look = queue_dataset(admin, "first", asked(base, run), only_looks=True)
    assert run_build(look.pk)
    look.refresh_from_db()
    assert (look.status, look.error, look.dataset) == ("done", "", None)
    assert look.found["statistics"]["examples"] == {"train": 13, "validation": 2}
    assert not DatasetVersion.objects.exists()
    assert not settings.DATASETS_DIR.exists()
    build = queue_dataset(admin, "first", asked(base, run), only_looks=False)
    assert run_build(build.pk)
    assert not run_build(build.pk)
    build.refresh_from_db()
    version = DatasetVersion.objects.get()
    assert (build.status, build.dataset, build.found) == ("done", version, {"new": True})
    assert (str(version), version.created_by) == ("first v1", admin)
    facts = {name: version.manifest[name] for name in look.found}
    assert facts == look.found
    again = queue_dataset(admin, "first", asked(base, run), only_looks=False)
    assert run_build(again.pk)
    again.refresh_from_db()
    assert (again.dataset, again.found) == (version, {"new": False})
    types = list(AuditEvent.objects.filter(type__startswith="dataset.").order_by("pk").values_list("type"))
    assert [type_ for (type_,) in types[:5]] == [
        "dataset.asked",
        "dataset.build_ended",
        "dataset.asked",
        "dataset.built",
        "dataset.build_ended",
    ]


def test_leaks_are_told_and_left_out(admin: User, base: Path, run: SynthesisRun, client: Client) -> None:
    lines = [line(number, id=f"held-{number}").encode() + b"\n" for number in TRAINED[:3]]
    import_gold(None, lines, name="Measured", purpose="evaluation", without_phi=True)
    build = queue_dataset(admin, "first", asked(base, run), only_looks=False)
    assert not run_build(build.pk)
    build.refresh_from_db()
    assert (build.status, build.error_code) == ("failed", "dataset_leaks")
    assert build.error == (
        "3 charts are in gold sets that models are measured on: Measured v1 (3). Nothing was built."
    )
    assert build.found["leaks"]["sets"] == {"Measured v1": 3}
    assert not DatasetVersion.objects.exists()
    client.force_login(admin)
    page = client.get(reverse("web:dataset-build", args=[build.pk])).content.decode()
    assert "Build without these charts" in page
    answer = client.post(reverse("web:dataset-build-go", args=[build.pk]))
    second = DatasetBuild.objects.exclude(pk=build.pk).get()
    assert answer.headers["Location"] == reverse("web:dataset-build", args=[second.pk])
    assert len(from_json(second.asked).leave_out) == 3
    assert run_build(second.pk)
    version = DatasetVersion.objects.get()
    assert version.manifest["left_out"]["named_to_stay_out"] == 3
    assert version.manifest["leak_check"]["leaks"] == 0


def test_signed_charts_by_day_place_and_claim(
    make_encounter: Any, coder: User, admin: User, base: Path, run: SynthesisRun
) -> None:
    code_set = signed_chart(make_encounter, coder)
    today = timezone.localdate(code_set.signed_at)
    facility = code_set.encounter.facility_id
    found = {}
    for name, chosen in {
        "all": Chosen(),
        "today": Chosen(today, today, (facility,), ("professional",)),
        "later": Chosen(since=today + timedelta(days=1)),
        "before": Chosen(until=today - timedelta(days=1)),
        "elsewhere": Chosen(facilities=(facility + 1,)),
        "inpatient": Chosen(claim_types=("facility_inpatient",)),
    }.items():
        look = queue_dataset(
            admin, "chosen", asked(base, run, signed_off=True, chosen=chosen), only_looks=True
        )
        assert run_build(look.pk)
        look.refresh_from_db()
        signed = next(source for source in look.found["sources"] if source["kind"] == "signed_off")
        found[name] = [signed.get("chosen"), signed["examples"]]
    told = {
        "since": today.isoformat(),
        "until": today.isoformat(),
        "facilities": [facility],
        "claim_types": ["professional"],
    }
    # Beside the written charts, so that something is left to train on wherever the signed one falls.
    assert found == {
        "all": [None, 1],
        "today": [told, 1],
        "later": [{"since": (today + timedelta(days=1)).isoformat()}, 0],
        "before": [{"until": (today - timedelta(days=1)).isoformat()}, 0],
        "elsewhere": [{"facilities": [facility + 1]}, 0],
        "inpatient": [{"claim_types": ["facility_inpatient"]}, 0],
    }


def test_restricted_records_are_counted_as_left_out(
    icd10cm: Any, make_encounter: Any, coder: User, admin: User, base: Path, run: SynthesisRun
) -> None:
    code_set = signed_chart(make_encounter, coder)
    Encounter.objects.filter(pk=code_set.encounter_id).update(confidentiality="restricted")
    look = queue_dataset(admin, "first", asked(base, run, signed_off=True), only_looks=True)
    assert run_build(look.pk)
    look.refresh_from_db()
    assert look.found["left_out"]["restricted_without_authority"] == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"runs": ()}, "signed_off"),
        ({"runs": (999_999,)}, "runs"),
        ({"gold_sets": (999_999,)}, "gold_sets"),
        ({"tokenizer": "/etc"}, "tokenizer"),
        ({"options": Options(prompt="none")}, "prompt"),
        ({"options": Options(pack_tokens=0)}, "pack_tokens"),
        ({"options": Options(augment=1.5)}, "augment"),
        ({"options": Options(unlabelled="guessed")}, "unlabelled"),
    ],
)
def test_refused_before_anything_waits(
    admin: User, base: Path, run: SynthesisRun, values: dict[str, Any], field: str
) -> None:
    wrong = AskedDataset(**{"tokenizer": str(base), "runs": (run.pk,), **values})
    with pytest.raises(InvalidDecision) as refused:
        queue_dataset(admin, "first", wrong, only_looks=True)
    assert refused.value.data["field"] == field
    assert not DatasetBuild.objects.exists()
    assert not AuditEvent.objects.filter(type="dataset.asked").exists()


def test_an_evaluation_set_is_refused(admin: User, base: Path, run: SynthesisRun) -> None:
    lines = [line(TRAINED[0]).encode() + b"\n"]
    held = import_gold(None, lines, name="Measured", purpose="evaluation", without_phi=True)
    with pytest.raises(InvalidDecision, match="frozen for training"):
        queue_dataset(admin, "first", asked(base, run, gold_sets=(held.pk,)), only_looks=True)


def test_who_may_not(
    coder: User,
    lead: User,
    expert: User,
    auditor: User,
    outsider: User,
    admin: User,
    base: Path,
    run: SynthesisRun,
) -> None:
    build = queue_dataset(admin, "first", asked(base, run), only_looks=False)
    for user in (coder, lead, expert, auditor, outsider):
        with pytest.raises(NotAllowed):
            queue_dataset(user, "first", asked(base, run), only_looks=True)
        with pytest.raises(NotAllowed):
            cancel_dataset(user, build.pk)
    RoleAssignment.objects.filter(user=admin).delete()
    assert not run_build(build.pk)
    build.refresh_from_db()
    assert (build.status, build.error_code) == ("failed", "not_allowed")
    assert (DatasetBuild.objects.count(), DatasetVersion.objects.count()) == (1, 0)


def test_cancelled(admin: User, base: Path, run: SynthesisRun, monkeypatch: Any) -> None:
    waiting = queue_dataset(admin, "first", asked(base, run), only_looks=False)
    cancel_dataset(admin, waiting.pk)
    assert not run_build(waiting.pk)
    with pytest.raises(WrongStatus):
        cancel_dataset(admin, waiting.pk)
    build = queue_dataset(admin, "first", asked(base, run), only_looks=False)
    steps = []
    told = dataset_job.go_on

    def cancels(row: DatasetBuild, *, step: str, percent: int) -> None:
        steps.append(step)
        if step == "Rendering and counting tokens":
            cancel_dataset(admin, row.pk)
        told(row, step=step, percent=percent)

    monkeypatch.setattr(dataset_job, "go_on", cancels)
    assert not run_build(build.pk)
    build.refresh_from_db()
    assert (build.status, build.step, DatasetVersion.objects.count()) == ("cancelled", "", 0)
    assert steps == [
        "Reading the sources",
        "Comparing with every gold set",
        "Looking for near-duplicates",
        "Taking identifiers out",
        "Rendering and counting tokens",
    ]


def test_a_disk_that_takes_nothing(admin: User, base: Path, run: SynthesisRun, settings: Any) -> None:
    settings.DATASETS_DIR.write_text("a file", encoding="utf-8")
    build = queue_dataset(admin, "first", asked(base, run), only_looks=False)
    assert not run_build(build.pk)
    build.refresh_from_db()
    assert (build.status, build.error_code) == ("failed", "cannot_be_written")
    assert build.error == "The files could not be written below DATASETS_DIR: file exists."


def test_a_crash_and_a_lost_worker(admin: User, base: Path, run: SynthesisRun, monkeypatch: Any) -> None:
    build = queue_dataset(admin, "first", asked(base, run), only_looks=True)

    def breaks(*_args: Any, **_more: Any) -> None:
        raise ValueError("Mrs. Miller")

    monkeypatch.setattr(dataset_job, "look_at_dataset", breaks)
    with pytest.raises(WorkCrashed) as crashed:
        run_build(build.pk)
    assert "Miller" not in str(crashed.value)
    build.refresh_from_db()
    assert (build.status, build.error) == (
        "failed",
        "It stopped with an error of the program (ValueError).",
    )
    lost = queue_dataset(admin, "first", asked(base, run), only_looks=True)
    long_ago = timezone.now() - timedelta(minutes=10)
    DatasetBuild.objects.filter(pk=lost.pk).update(status="running", heartbeat_at=long_ago)
    assert missed(DatasetBuild) == []
    lost.refresh_from_db()
    assert (lost.status, lost.error_code) == ("failed", "worker_lost")


def test_by_the_form(admin: User, base: Path, run: SynthesisRun, client: Client) -> None:
    client.force_login(admin)
    page = client.get(reverse("web:dataset-new")).content.decode()
    assert "written, 12 charts, seed 1" in page
    assert "0 encounters have one in force" in page
    form = {
        "name": "first",
        "runs": [str(run.pk)],
        "tokenizer": str(base),
        "prompt": "icd10cm-1",
        "pack_tokens": "8192",
        "composites": "30",
        "unlabelled": "settled",
    }
    for wrong, told in (
        ({"runs": []}, "at least one source"),
        ({"name": "No Spaces"}, "A name has up to 60 small letters"),
        ({"tokenizer": "/etc"}, "not one of the available choices"),
        ({"pack_tokens": "200000"}, "less than or equal to 131072"),
        (
            {"signed_off": "on", "since": "2026-02-01", "until": "2026-01-01"},
            "The last day is before the first.",
        ),
    ):
        answer = client.post(reverse("web:dataset-new"), {**form, **wrong})
        assert (answer.status_code, told in answer.content.decode()) == (422, True), wrong
    # All that is wrong is told at once.
    answer = client.post(
        reverse("web:dataset-new"), {**form, "name": "No Spaces", "pack_tokens": "0", "signed_off": "on", "runs": [],
        "since": "2026-02-01", "until": "2026-01-01", "composites": "101"},
    )  # fmt: skip
    assert set(answer.context["form"].errors) == {"name", "pack_tokens", "until", "composites"}
    assert not DatasetBuild.objects.exists()
    answer, again = (client.post(reverse("web:dataset-new"), form) for _ in range(2))
    look = DatasetBuild.objects.get()
    assert again.headers["Location"] == answer.headers["Location"]
    assert (look.only_looks, from_json(look.asked)) == (True, asked(base, run))
    assert answer.headers["Location"] == reverse("web:dataset-build", args=[look.pk])
    waiting = client.get(answer.headers["Location"]).content.decode()
    assert "Queued" in waiting
    assert 'hx-trigger="every 2s"' in waiting
    assert client.post(reverse("web:dataset-build-go", args=[look.pk])).status_code == 409
    assert look.name in client.get(reverse("web:datasets")).content.decode()
    assert run_build(look.pk)
    seen = client.get(answer.headers["Location"]).content.decode()
    assert "examples to train on" in seen
    assert "Build it" in seen
    like = client.get(f"{reverse('web:dataset-new')}?like={look.pk}").content.decode()
    assert 'value="first"' in like
    for _ in range(2):
        client.post(reverse("web:dataset-build-go", args=[look.pk]))
    build = DatasetBuild.objects.exclude(pk=look.pk).get()
    assert not build.only_looks
    assert AuditEvent.objects.filter(type="dataset.asked").count() == 2
    assert run_build(build.pk)
    done = client.get(reverse("web:dataset-build", args=[build.pk])).content.decode()
    assert "See first v1" in done


def test_asked_twice_it_is_one_build(admin: User, expert: User, base: Path, run: SynthesisRun) -> None:
    first, again = (queue_dataset(admin, "first", asked(base, run), only_looks=True) for _ in range(2))
    assert first == again == DatasetBuild.objects.get()
    assert AuditEvent.objects.filter(type="dataset.asked").count() == 1
    RoleAssignment.objects.create(user=expert, role="admin")
    # Another person, another name, other wishes, to build it, or the same after the end: work of its own.
    others = [
        queue_dataset(expert, "first", asked(base, run), only_looks=True),
        queue_dataset(admin, "second", asked(base, run), only_looks=True),
        queue_dataset(admin, "first", asked(base, run, options=Options(augment=0.1)), only_looks=True),
        queue_dataset(admin, "first", asked(base, run), only_looks=False),
    ]
    cancel_dataset(admin, first.pk)
    others.append(queue_dataset(admin, "first", asked(base, run), only_looks=True))
    assert len({first.pk, *(other.pk for other in others)}) == 6
    assert AuditEvent.objects.filter(type="dataset.asked").count() == 6


def test_without_a_base(admin: User, base: Path, icd10cm: Any, client: Client) -> None:
    (base / "model.safetensors").unlink()
    client.force_login(admin)
    assert b"There is no base checkpoint" in client.get(reverse("web:dataset-new")).content
