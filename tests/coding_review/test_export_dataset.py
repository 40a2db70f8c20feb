"""A dataset version as a folder that appears whole or not at all, with hashes that sha256sum checks."""

from __future__ import annotations

import hashlib
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from coding_review.actions.build_dataset import build_dataset
from coding_review.models import AuditEvent
from modelops.models import DatasetVersion
from tests.coding_review.test_build_dataset import some
from tests.modelops.datasets.chat_model import make_chat_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(icd10cm, settings, tmp_path: Path) -> DatasetVersion:
    settings.DATASETS_DIR = tmp_path / "datasets"
    return build_dataset(None, "first", some(), tokenizer=make_chat_model(tmp_path / "base"))[0]


def test_jsonl_with_its_sums(version: DatasetVersion, tmp_path: Path) -> None:
    out, told = tmp_path / "out", StringIO()
    call_command("export_dataset", "first", str(out), stdout=told)
    assert sorted(path.name for path in out.iterdir()) == [
        "SHA256SUMS",
        "manifest.json",
        "train.jsonl",
        "validation.jsonl",
    ]
    for row in (out / "SHA256SUMS").read_text(encoding="utf-8").splitlines():
        digest, name = row.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    assert len((out / "train.jsonl").read_text(encoding="utf-8").splitlines()) == 13
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8")) == version.manifest
    event = AuditEvent.objects.get(type="dataset.exported")
    assert (event.data["rows"], event.data["format"], event.actor) == (15, "jsonl", None)
    assert event.data["sha256"] == hashlib.sha256((out / "SHA256SUMS").read_bytes()).hexdigest()
    assert told.getvalue().startswith(
        f"15 examples of first v1 in {out}; SHA-256 of SHA256SUMS {event.data['sha256']}"
    )
    with pytest.raises(CommandError, match="not overwritten"):
        call_command("export_dataset", "first", str(out))


def test_without_the_training_environment_no_parquet(
    version: DatasetVersion, settings, tmp_path: Path
) -> None:
    settings.TRAINING_VENV = str(tmp_path / "none")
    with pytest.raises(CommandError, match="needs the training environment"):
        call_command("export_dataset", "first", str(tmp_path / "out"), "--format", "parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "datasets"]
    assert not AuditEvent.objects.filter(type="dataset.exported").exists()


def test_who_may_not_gets_nothing(version: DatasetVersion, coder, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="needs the right"):
        call_command("export_dataset", "first", str(tmp_path / "out"), "--user", coder.username)
    with pytest.raises(CommandError, match="no such dataset"):
        call_command("export_dataset", "second", str(tmp_path / "out"))
    with pytest.raises(CommandError, match="no such dataset"):
        call_command("export_dataset", "first", str(tmp_path / "out"), "--dataset-version", "2")
    assert not (tmp_path / "out").exists()
