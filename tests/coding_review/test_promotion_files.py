"""No version takes charts whose files are not those that its training left: small ones are read at once, large ones by
a worker beforehand, for as long as no file has another state."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from coding_review.actions.compare_files import compare_files, due_comparisons
from coding_review.actions.promotion import rollback, set_canary, set_shadow
from coding_review.errors import FilesChanged, FilesNotCompared
from coding_review.models import AuditEvent
from coding_review.promotion import gate_of
from modelops.models import ModelVersion, Promotion
from modelops.training.card import finish
from tests.coding_review.promotion_rows import candidate, gold, promoted, serving
from tests.modelops.training.rows import job_file, weights

__all__ = ["candidate", "gold", "serving"]
pytestmark = pytest.mark.django_db


def state() -> dict[str, str]:
    return {row.version: row.state.value for row in ModelVersion.objects.all()}


def nothing_changed() -> None:
    assert state() == {"1": "serving", "2": "candidate"}
    assert not ModelVersion.objects.exclude(canary_share=0, shadow=False).exists()
    assert Promotion.objects.count() == 0
    assert not AuditEvent.objects.filter(type__startswith="model.", data__has_key="promotion_id").exists()


def every_way_to_charts(admin, candidate, serving):
    """All acts after which the candidate would be asked about charts."""
    pairs = gate_of(candidate).pairs
    return (
        lambda: promoted(admin, candidate, serving),
        lambda: promoted(admin, candidate, serving, override=True),
        lambda: set_canary(admin, candidate.pk, share=0.1, compared=pairs, reason="A try."),
        lambda: set_shadow(admin, candidate.pk, on=True, reason="To see."),
    )


@pytest.fixture
def weights_of(settings, tmp_path):
    """Gives a version a checkpoint of its own, as a training leaves one; the file of its weights."""
    settings.TRAINING_DIR = tmp_path / "training"

    def give(of):
        folder = settings.TRAINING_DIR / f"job-{of.version}" / "output"
        folder.mkdir(parents=True)
        path = weights(folder / "model.safetensors")
        sha256 = finish(folder, job_file(tmp_path), {}, base_name="tiny")
        checkpoint = folder.relative_to(settings.TRAINING_DIR).as_posix()
        ModelVersion.objects.filter(pk=of.pk).update(base=folder, checkpoint=checkpoint, sha256=sha256)
        return path

    return give


def altered(path):
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    return data


def test_weights_that_were_altered_after_they_were_measured_answer_nobody(
    admin, candidate, serving, weights_of, client
):
    path = weights_of(candidate)
    data = altered(path)
    pairs = gate_of(candidate).pairs
    for act in every_way_to_charts(admin, candidate, serving):
        with pytest.raises(FilesChanged, match="not those that its training left"):
            act()
    client.force_login(admin)
    address = reverse("web:model-promote", args=[candidate.pk])
    compared = ",".join(f"{a}-{b}" for a, b in pairs)
    form = {
        "promote-serving": serving.pk,
        "promote-compared": compared,
        "promote-seen": "on",
        "promote-reason": "As good.",
    }
    answer = client.post(address, form)
    assert answer.status_code == 409
    assert b"not those that its training left" in answer.content
    path.unlink()
    with pytest.raises(FilesChanged):
        promoted(admin, candidate, serving)
    nothing_changed()
    path.write_bytes(data)
    assert client.post(address, form).status_code == 302
    assert state() == {"1": "retired", "2": "serving"}


def test_altered_weights_do_not_come_back(admin, candidate, serving, weights_of):
    path = weights_of(serving)
    promoted(admin, candidate, serving)
    data = altered(path)
    before = state()
    with pytest.raises(FilesChanged):
        rollback(admin, "vllm", serving_id=candidate.pk, reason="Back.")
    assert state() == before
    assert not AuditEvent.objects.filter(type="model.rolled_back").exists()
    path.write_bytes(data)
    rollback(admin, "vllm", serving_id=candidate.pk, reason="Back.")
    assert state()["1"] == "serving"


# --- Large ones -----------------------------------------------------------------------------------


@pytest.fixture
def large(settings):
    """Every file is more than is read while somebody waits."""
    settings.MODEL_FILES_AT_ONCE_BYTES = 0


def compared(of) -> list[tuple[int, bool]]:
    events = AuditEvent.objects.filter(type="model.files_compared").order_by("pk")
    assert {event.data["sha256"] for event in events} <= {ModelVersion.objects.get(pk=of.pk).sha256}
    return [(event.data["model_version_id"], event.data["whole"]) for event in events]


def test_large_files_are_read_by_a_worker_before_the_act(
    admin, candidate, serving, weights_of, large, client
):
    weights_of(candidate)
    for act in every_way_to_charts(admin, candidate, serving):
        with pytest.raises(FilesNotCompared, match="compared with their hashes by a worker"):
            act()
    nothing_changed()
    client.force_login(admin)
    page = reverse("web:model-version", args=[candidate.pk])
    assert b"being compared with their hashes" in client.get(page).content
    assert due_comparisons() == [candidate.pk]
    assert due_comparisons() == []
    assert compare_files(candidate.pk)
    assert not compare_files(candidate.pk)
    assert compared(candidate) == [(candidate.pk, True)]
    assert b"as the training left them" in client.get(page).content
    assert due_comparisons() == []
    promoted(admin, candidate, serving)
    assert state() == {"1": "retired", "2": "serving"}


def test_the_page_asks_again_until_a_worker_has_compared(candidate, weights_of, large, admin, client):
    path = weights_of(candidate)
    client.force_login(admin)
    address = reverse("web:model-version", args=[candidate.pk])
    poll = {"HX-Request": "true", "X-Poll": "1"}
    asks = f'<dl id="terms" class="terms panel" data-poll hx-get="{address}" hx-trigger="every 5s"'.encode()
    assert asks in client.get(address).content
    waiting = client.get(address, headers=poll)
    assert (waiting.status_code, waiting.content) == (204, b"")
    assert compare_files(candidate.pk)
    told = client.get(address, headers=poll).content.decode()
    assert told.startswith('<dl id="terms" class="terms panel"><dt>Engine</dt>')
    assert "compared with their hashes: as the training left them" in told
    assert b"data-poll" not in client.get(address).content
    # What answers already is compared by nobody, and its page does not wait for it.
    ModelVersion.objects.filter(pk=candidate.pk).update(active=True, engine="hybrid")
    altered(path)
    page = client.get(address).content
    assert due_comparisons() == []
    assert b"data-poll" not in page
    assert b"takes no charts" not in page
    assert b"not compared as they are now" in page


def test_what_a_worker_found_ends_with_the_next_write(admin, candidate, serving, weights_of, large, client):
    path = weights_of(candidate)
    assert compare_files(candidate.pk)
    told = path.stat()
    data = altered(path)
    # Size and times as they were: the inode's own time is not for a program to set.
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (told.st_size, told.st_mtime_ns)
    with pytest.raises(FilesNotCompared):
        promoted(admin, candidate, serving)
    assert due_comparisons() == [candidate.pk]
    assert compare_files(candidate.pk)
    with pytest.raises(FilesChanged, match="not those that its training left"):
        promoted(admin, candidate, serving)
    client.force_login(admin)
    page = client.get(reverse("web:model-version", args=[candidate.pk])).content
    assert b"not those that the training left" in page
    nothing_changed()
    path.write_bytes(data)
    assert compare_files(candidate.pk)
    assert [whole for _, whole in compared(candidate)] == [True, False, True]
    promoted(admin, candidate, serving)
    assert state() == {"1": "retired", "2": "serving"}


def test_a_file_more_or_gone_is_another_state(admin, candidate, serving, weights_of, large):
    path = weights_of(candidate)
    assert compare_files(candidate.pk)
    beside = path.with_name("chat_template.jinja")
    beside.write_text("{{ messages }}", encoding="utf-8")
    with pytest.raises(FilesNotCompared):
        promoted(admin, candidate, serving)
    beside.unlink()
    path.rename(path.with_name("other"))
    with pytest.raises(FilesNotCompared):
        promoted(admin, candidate, serving)
    for left in list(path.parent.iterdir()):
        left.unlink()
    with pytest.raises(FilesChanged):
        promoted(admin, candidate, serving)
    assert due_comparisons() == []
    nothing_changed()


def unreadable(version, monkeypatch):
    """A worker is asked while the disk is away."""

    def unread(folder):
        raise OSError("the disk is away")

    with monkeypatch.context() as away:
        away.setattr("modelops.checkpoint_files.checked", unread)
        assert not compare_files(version.pk)


def test_files_that_cannot_be_read_say_nothing(admin, candidate, serving, weights_of, large, monkeypatch):
    weights_of(candidate)
    assert due_comparisons() == [candidate.pk]

    unreadable(candidate, monkeypatch)
    assert compared(candidate) == []
    # Not read again before half an hour is over.
    assert due_comparisons() == []
    with pytest.raises(FilesNotCompared):
        promoted(admin, candidate, serving)
    nothing_changed()


def test_one_version_is_read_at_a_time_the_newest_first_and_none_waits_for_what_cannot_be_read(
    candidate, serving, weights_of, large, monkeypatch
):
    older, newer = serving, candidate
    for one in (older, newer):
        weights_of(one)
    ModelVersion.objects.update(active=False)
    assert due_comparisons() == [newer.pk]
    assert due_comparisons() == []
    assert compare_files(newer.pk)
    assert due_comparisons() == [older.pk]
    assert compare_files(older.pk)
    assert due_comparisons() == []
    ModelVersion.objects.update(files={})
    assert due_comparisons() == [newer.pk]

    unreadable(newer, monkeypatch)
    assert due_comparisons() == [older.pk]
    # Asked again after half an hour, it is waited for as every other.
    ModelVersion.objects.filter(pk=older.pk).update(files_asked_at=None)
    ModelVersion.objects.filter(pk=newer.pk).update(files_asked_at=timezone.now() - timedelta(minutes=31))
    assert due_comparisons() == [newer.pk]
    assert due_comparisons() == []
    assert compare_files(newer.pk)
    assert ModelVersion.objects.get(pk=newer.pk).files["whole"] is True


def test_a_comparison_that_is_delivered_again_reads_nothing_beside_the_first(
    candidate, weights_of, large, monkeypatch
):
    weights_of(candidate)
    again = []

    def read(folder):
        again.append(compare_files(candidate.pk))
        return ModelVersion.objects.get(pk=candidate.pk).sha256

    monkeypatch.setattr("modelops.checkpoint_files.checked", read)
    assert compare_files(candidate.pk)
    assert again == [False]
    assert compared(candidate) == [(candidate.pk, True)]


def test_files_written_while_they_are_read_are_due_again(candidate, weights_of, large, monkeypatch):
    path = weights_of(candidate)
    assert due_comparisons() == [candidate.pk]

    def written(folder):
        altered(path)
        return ModelVersion.objects.get(pk=candidate.pk).sha256

    monkeypatch.setattr("modelops.checkpoint_files.checked", written)
    assert not compare_files(candidate.pk)
    assert compared(candidate) == []
    assert due_comparisons() == [candidate.pk]
