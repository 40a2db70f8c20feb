"""A dataset leaves by its page: the files as they were built with their sums, recorded, and by right alone."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from coding_review.models import AuditEvent
from modelops.datasets.files import manifest_hash
from modelops.models import DatasetVersion
from tests.coding_review.learning_rows import STATISTICS, dataset_version, manifest

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(settings: Any, tmp_path: Path) -> DatasetVersion:
    """Two small files with a manifest that is theirs; of written charts alone."""
    settings.DATASETS_DIR = tmp_path
    folder = tmp_path / "coding-7"
    folder.mkdir()
    told = manifest(deidentified=0)
    for name, text in (("train.jsonl", '{"id": "a"}\n{"id": "b"}\n'), ("validation.jsonl", '{"id": "c"}\n')):
        (folder / name).write_text(text, encoding="utf-8")
        told["files"][name] = {
            "rows": text.count("\n"),
            "bytes": len(text),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
    (folder / "manifest.json").write_text(json.dumps(told), encoding="utf-8")
    return DatasetVersion.objects.create(
        name="coding",
        version=7,
        kind="icd10cm",
        manifest=told,
        sha256=manifest_hash(told),
        statistics=STATISTICS,
        path="coding-7",
    )


def export(user: Any, dataset: DatasetVersion) -> Any:
    client = Client()
    client.force_login(user)
    return client.post(reverse("web:dataset-export", args=[dataset.pk]))


def test_the_files_leave_with_their_sums_and_it_is_recorded(admin: Any, kept: DatasetVersion) -> None:
    response = export(admin, kept)
    assert response["Content-Disposition"] == 'attachment; filename="coding-v7.zip"'
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as archive:
        sums = archive.read("SHA256SUMS").decode()
        assert [line.split("  ")[1] for line in sums.splitlines()] == [
            "manifest.json",
            "train.jsonl",
            "validation.jsonl",
        ]
        for line in sums.splitlines():
            digest, name = line.split("  ")
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    event = AuditEvent.objects.get(type="dataset.exported")
    assert (event.actor, event.data["rows"], event.data["format"]) == (admin, 3, "jsonl")
    assert event.data["sha256"] == hashlib.sha256(sums.encode()).hexdigest()


def test_an_altered_file_does_not_leave(admin: Any, kept: DatasetVersion, tmp_path: Path) -> None:
    (tmp_path / "coding-7" / "train.jsonl").write_text('{"id": "z"}\n', encoding="utf-8")
    assert export(admin, kept).status_code == 409
    assert not AuditEvent.objects.filter(type="dataset.exported").exists()


@pytest.mark.parametrize("who", ["expert", "auditor", "lead"])
def test_who_may_only_look_is_refused_and_told_why(request: Any, who: str, kept: DatasetVersion) -> None:
    user = request.getfixturevalue(who)
    assert export(user, kept).status_code == 403
    client = Client()
    client.force_login(user)
    body = client.get(reverse("web:dataset", args=[kept.pk])).content.decode()
    assert "Your roles do not let you export datasets." in body
    assert reverse("web:dataset-export", args=[kept.pk]) not in body
    assert not AuditEvent.objects.filter(type="dataset.exported").exists()


def test_what_was_built_from_patients_needs_the_right_to_export_phi(admin: Any) -> None:
    dataset = dataset_version()
    assert export(admin, dataset).status_code == 403
    assert not AuditEvent.objects.filter(type="dataset.exported").exists()
