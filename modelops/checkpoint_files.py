"""Whether the files of a model version are still those that its training left."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from modelops.errors import EngineError
from modelops.models import ModelVersion
from modelops.training.card import check


def check_checkpoint(version: ModelVersion) -> None:
    """Reads all of them. A version that was not trained here says no hash and is taken as it is.

    Raises EngineError.
    """
    if version.sha256 and version.checkpoint:
        folder = Path(settings.TRAINING_DIR) / version.checkpoint
        if check(folder) != version.sha256:
            raise EngineError("The model version's files are not those that its training left.")
