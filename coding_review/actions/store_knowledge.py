"""Keep the general-knowledge results of a model version, before or after its training."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.rules.permissions import RUN_EVALUATION
from modelops.evaluation.knowledge.harness import Measured
from modelops.evaluation.knowledge.kept import with_results
from modelops.models import ModelVersion

METRIC = "general_knowledge"


@transaction.atomic
def store_knowledge(actor: Any, model_version_id: int, stage: str, measured: Measured) -> ModelVersion:
    """`stage`: one of kept.STAGES. `actor` None is the operator at the server's command line.

    Raises NotAllowed, ModelVersion.DoesNotExist.
    """
    if actor is not None:
        require(actor, RUN_EVALUATION)
    version = ModelVersion.objects.select_for_update(no_key=True).get(pk=model_version_id)
    version.metrics = {
        **version.metrics,
        METRIC: with_results(version.metrics.get(METRIC) or {}, stage, measured),
    }
    version.save(update_fields=["metrics"])
    audit.record(
        "evaluation.knowledge_stored",
        actor=actor,
        data={
            "model_version_id": version.pk,
            "engine": version.engine,
            "stage": stage,
            "tasks": sorted(measured.tasks),
            "data_sha256": measured.data_sha256,
        },
    )
    return version
