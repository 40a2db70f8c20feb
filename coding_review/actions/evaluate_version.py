"""Measure a model version before it answers anyone: on every frozen evaluation set, and its confidences anew."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review.auth import require
from coding_review.candidate_jobs import queue_baseline, queue_candidate
from coding_review.errors import NotAllowed, WrongStatus
from coding_review.knowledge import wants_knowledge
from coding_review.models import EvaluationJob
from coding_review.rules.permissions import RUN_EVALUATION
from coding_review.tasks import evaluate, measure_knowledge
from modelops.models import ModelVersion


@transaction.atomic
def evaluate_version(actor: Any, version_id: int) -> list[EvaluationJob]:
    """See candidate_jobs.queue_candidate. A version that was trained here is asked for without a click when its
    training ends.

    Raises NotAllowed, InvalidDecision (its engine cannot be asked about one version, or no set is frozen).
    """
    require(actor, RUN_EVALUATION)
    version = ModelVersion.objects.select_for_update(no_key=True).filter(pk=version_id).first()
    if version is None:
        raise NotAllowed("There is no such model version for you.")
    jobs = queue_candidate(actor, version)
    for job in jobs:
        evaluate.delay_on_commit(job.pk)
    if wants_knowledge(version):
        measure_knowledge.delay_on_commit(version.pk)
    return jobs


@transaction.atomic
def evaluate_baseline(actor: Any, version_id: int, engine: str) -> list[EvaluationJob]:
    """The engine without a version, on the frozen sets: what the first version is held against while none serves.

    Raises NotAllowed, WrongStatus (a version serves: it is measured instead), InvalidDecision.
    """
    require(actor, RUN_EVALUATION)
    version = ModelVersion.objects.select_for_update(no_key=True).filter(pk=version_id).first()
    if version is None:
        raise NotAllowed("There is no such model version for you.")
    if ModelVersion.objects.serving(version.engine) is not None:
        raise WrongStatus("A version serves: the candidate is held against that one.", status="serving")
    jobs = queue_baseline(actor, engine)
    for job in jobs:
        evaluate.delay_on_commit(job.pk)
    return jobs
