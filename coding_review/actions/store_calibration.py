"""Keep what an engine's confidences were worth on a calibration split; from then on its predictions go by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.rules.permissions import RUN_EVALUATION
from modelops.evaluation.isotonic import Fit
from modelops.models import Calibration


@dataclass(frozen=True, slots=True)
class NewCalibration:
    """`split`: name of the gold set or file, the hashes those of the files that were read."""

    engine: str
    model_version: str
    configuration: str
    split: str
    split_sha256: str
    predictions_sha256: str
    fit: Fit


@transaction.atomic
def store_calibration(actor: Any, new: NewCalibration) -> Calibration:
    """`actor` None is the operator at the server's command line. Raises NotAllowed."""
    if actor is not None:
        require(actor, RUN_EVALUATION)
    stored = Calibration.objects.create(
        engine=new.engine,
        model_version=new.model_version,
        configuration=new.configuration,
        split=new.split,
        split_sha256=new.split_sha256,
        predictions_sha256=new.predictions_sha256,
        points=[list(point) for point in new.fit.points],
        codes=new.fit.codes,
        charts=new.fit.charts,
        error_before=new.fit.error_before,
        error_after=new.fit.error_after,
        created_by=actor,
    )
    audit.record(
        "calibration.stored",
        actor=actor,
        data={
            "calibration_id": stored.pk,
            "engine": stored.engine,
            "model_version": stored.model_version,
            "configuration": stored.configuration,
            "gold_set_sha256": stored.split_sha256,
            "predictions_sha256": stored.predictions_sha256,
            "codes": stored.codes,
            "charts": stored.charts,
        },
    )
    return stored
