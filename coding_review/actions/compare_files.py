"""What a worker found when it compared a model version's files with their hashes."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from coding_review import audit
from modelops.checkpoint_files import Standing, compare, standing
from modelops.models import ModelVersion

log = logging.getLogger(__name__)

# Asked again where the broker or the worker lost it. Two that read at once do no harm.
_AGAIN = timedelta(minutes=30)


def due_comparisons() -> list[int]:
    """Versions that a worker has to read now, each told once in half an hour as long as it was not."""
    now = timezone.now()
    not_asked = Q(files_asked_at=None) | Q(files_asked_at__lt=now - _AGAIN)
    versions = ModelVersion.objects.filter(not_asked, active=False).exclude(sha256="").exclude(checkpoint="")
    due = [version.pk for version in versions.order_by("-pk") if standing(version) == Standing.WAITS]
    return [pk for pk in due if ModelVersion.objects.filter(not_asked, pk=pk).update(files_asked_at=now)]


def compare_files(version_id: int) -> bool:
    """Whether something was read and stored. Files that change while they are read are due at once, files that cannot
    be read in half an hour."""
    version = ModelVersion.objects.filter(pk=version_id).first()
    if version is None:
        return False
    try:
        found = compare(version) if standing(version) == Standing.WAITS else None
    except OSError as error:
        log.warning("files of model version %s cannot be read: %s", version_id, type(error).__name__)
        return False
    with transaction.atomic():
        held = ModelVersion.objects.select_for_update(no_key=True).get(pk=version_id)
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
