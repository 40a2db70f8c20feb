"""A candidate asked about what another model answered: counted beside it, shown to nobody, no word of the chart."""

from __future__ import annotations

import logging
import time
from functools import lru_cache

from coding_review.actions.start_prediction import chart_of
from coding_review.choices import RunStatus
from coding_review.models import PredictionRun
from modelops.engines.local_transformers.choice import answering
from modelops.engines.types import Engine
from modelops.errors import ModelopsError
from modelops.models import ModelVersion, ShadowScore

log = logging.getLogger(__name__)


def wants_shadow(run_id: int) -> bool:
    """Whether a version is asked in the shadow of the engine that answered the run."""
    run = PredictionRun.objects.filter(pk=run_id, status=RunStatus.DONE).only("engine").first()
    return run is not None and ModelVersion.objects.shadow(run.engine) is not None


def score_in_shadow(run_id: int) -> bool:
    """Whether this call kept a score; once a run and version. What goes wrong is kept by its code: it is the
    candidate's failure, and nobody waits for it."""
    run = PredictionRun.objects.filter(pk=run_id, status=RunStatus.DONE)
    found = run.select_related("code_set__encounter").first()
    if found is None or found.release_id is None:
        return False
    version = ModelVersion.objects.shadow(found.engine)
    if version is None or ShadowScore.objects.filter(model_version=version, question=run_id).exists():
        return False
    begun = time.monotonic()
    try:
        chart = chart_of(found, found.code_set.encounter)
        result = _engine(version.pk).predict(chart, found.release_id)
    except ModelopsError as error:
        log.warning("run %s: shadow version %s: %s", run_id, version.pk, error.code)
        _, made = ShadowScore.objects.get_or_create(
            model_version=version, question=run_id, defaults={"error_code": error.code[:40]}
        )
        return made
    said = {(one.system, one.code) for one in result.suggestions}
    shown = set(found.suggestions.values_list("system", "code"))
    _, made = ShadowScore.objects.get_or_create(
        model_version=version,
        question=run_id,
        defaults={
            "codes": [
                {"system": one.system, "code": one.code, "confidence": one.confidence}
                for one in result.suggestions
            ],
            "both": len(said & shown),
            "only_shadow": len(said - shown),
            "only_shown": len(shown - said),
            "seconds": time.monotonic() - begun,
        },
    )
    return made


@lru_cache(maxsize=2)
def _engine(version_id: int) -> Engine:
    """One instance a process: an engine keeps caches and counts its requests under way."""
    return answering(ModelVersion.objects.get(pk=version_id)).engine
