"""What a worker does for the vectors of loaded releases: a few seconds at a time, beside everything else.

In a thread of its own, since Linux keeps a niceness for each thread and a worker could not take its own back.
Nothing is done while an encounter is predicted or waits for it.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from django.conf import settings
from django.db import connection

from catalog.embedding.embedders import NoEmbedding, embedder, model_folder, model_name
from catalog.embedding.vectors import begin, go_on, open_releases
from coding_review.choices import RUN_OPEN
from coding_review.models import PredictionRun

log = logging.getLogger(__name__)

# Predictions that arrive wait no longer than this for a processor.
SLICE_SECONDS = 5.0
_NICENESS = 15
_at_work = threading.Lock()


def embed_beside() -> threading.Thread | None:
    """Begins a slice in a thread that gives way to everything, unless the one before is still at work.

    Nobody waits for it: making the index of a release is one statement of minutes, and the worker has the sweep
    to do meanwhile.
    """
    if not settings.EMBED_IN_BACKGROUND or not _at_work.acquire(blocking=False):
        return None
    thread = threading.Thread(target=_slice_and_close, name="embed", daemon=True)
    thread.start()
    return thread


def _slice_and_close() -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        embed_slice()
    finally:
        connection.close()
        _at_work.release()


def embed_slice(seconds: float = SLICE_SECONDS) -> bool:
    """Whether every loaded release has its vectors now."""
    until = time.monotonic() + seconds
    try:
        for release in open_releases(model_name(model_folder())):
            if predictions_open():
                return False
            model = embedder()
            found, wordings = begin(release, model)
            if not go_on(found, wordings, model, stop=lambda: time.monotonic() > until or predictions_open()):
                return False
            log.info("vectors of release %s are complete (%s)", release.pk, model.name)
    except NoEmbedding as error:
        log.warning("no vectors: %s", error)
        return False
    return True


def predictions_open() -> bool:
    return PredictionRun.objects.filter(status__in=RUN_OPEN).exists()
