"""What a worker found when it compared a model version's files with their hashes."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from coding_review import audit
from modelops.checkpoint_files import Standing, compare, folder_of, standing
from modelops.models import ModelVersion

log = logging.getLogger(__name__)

# Asked again where the broker or the worker lost it.
_AGAIN = timedelta(minutes=30)


def due_comparisons() -> list[int]:
    """The version that a worker has to read now, if any: the newest that none was asked about for half an hour.

    One at a time, or trainings would wait behind them: after a change of the disk all are due at once.
    """
    now = timezone.now()
    trained = ModelVersion.objects.filter(active=False).exclude(sha256="").exclude(checkpoint="")
    waiting = [version for version in trained.order_by("-pk") if standing(version) == Standing.WAITS]
    asked = [one for one in waiting if one.files_asked_at is not None and one.files_asked_at > now - _AGAIN]
    # One that could not be read is not waited for.
    if any(one.files.get("unread") != _moment(one) for one in asked):
        return []
    due = [one for one in waiting if one not in asked][:1]
    return [one.pk for one in due if _ask(one, now)]


def _ask(version: ModelVersion, now: datetime) -> bool:
    """Whether no other worker did so meanwhile."""
    as_seen = ModelVersion.objects.filter(pk=version.pk, files_asked_at=version.files_asked_at)
    return bool(as_seen.update(files_asked_at=now))


def _moment(version: ModelVersion) -> str:
    """When a worker was asked last."""
    return version.files_asked_at.isoformat() if version.files_asked_at else ""


def compare_files(version_id: int) -> bool:
    """Whether something was read and stored. Files that change while they are read are due at once, files that cannot
    be read in half an hour. Nothing where another worker reads them: what takes long is delivered again meanwhile."""
    version = ModelVersion.objects.filter(pk=version_id).first()
    if version is None:
        return False
    with _alone(version) as ours:
        return ours and _compare(version)


def _compare(version: ModelVersion) -> bool:
    try:
        found = compare(version) if standing(version) == Standing.WAITS else None
    except OSError as error:
        log.warning("files of model version %s cannot be read: %s", version.pk, type(error).__name__)
        unread = version.files | {"unread": _moment(version)}
        ModelVersion.objects.filter(pk=version.pk, files=version.files).update(files=unread)
        return False
    with transaction.atomic():
        held = ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
        held.files_asked_at = None
        if found is not None:
            held.files = found.as_json()
            audit.record(
                "model.files_compared",
                actor=None,
                data={
                    "model_version_id": held.pk,
                    "sha256": held.sha256,
                    "bytes": found.size,
                    "whole": found.whole,
                },
            )
        held.save(update_fields=["files", "files_asked_at"])
    return found is not None


@contextmanager
def _alone(version: ModelVersion) -> Iterator[bool]:
    """By the lock of the folder itself, which ends with the process. A file system that knows none lets two read at
    once, which does no harm."""
    folder, handle = folder_of(version), -1
    try:
        if folder is not None:
            with suppress(OSError):
                handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        if handle >= 0:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            except OSError:
                log.info("the folder of model version %s takes no lock", version.pk)
        yield True
    finally:
        if handle >= 0:
            os.close(handle)
