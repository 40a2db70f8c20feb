"""Measure a model version before it answers anyone: on every frozen evaluation set, and its confidences anew."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import EVALUATION_OPEN, GoldSetPurpose
from coding_review.errors import InvalidDecision, NotAllowed
from coding_review.models import EvaluationJob, GoldSet
from coding_review.rules.permissions import RUN_EVALUATION
from coding_review.tasks import evaluate
from coding_review.version_predictions import engine_of_version
from modelops.choices import Band
from modelops.errors import ModelopsError
from modelops.evaluation_catalog import domain_codes
from modelops.models import Calibration, EvaluationRun, ModelVersion


@transaction.atomic
def evaluate_version(actor: Any, version_id: int) -> list[EvaluationJob]:
    """One job a set: the calibration sets first, then the evaluation sets, and of these also what serves where it was
    not measured yet. What was done already, or is under way, is not asked for again.

    Raises NotAllowed, InvalidDecision (its engine cannot be asked about one version, or no set is frozen).
    """
    require(actor, RUN_EVALUATION)
    version = ModelVersion.objects.select_for_update(no_key=True).filter(pk=version_id).first()
    if version is None:
        raise NotAllowed("There is no such model version for you.")
    try:
        engine_of_version(version)
    except ModelopsError as error:
        raise InvalidDecision(str(error), field="model_version") from error
    sets = _newest(GoldSetPurpose.EVALUATION)
    if not sets:
        raise InvalidDecision("No gold set was frozen for evaluation.", field="gold_set")
    serving = ModelVersion.objects.serving(version.engine)
    wanted = [(version, gold_set) for gold_set in (*_newest(GoldSetPurpose.CALIBRATION), *sets)]
    if serving is not None and serving != version:
        wanted += [(serving, gold_set) for gold_set in sets]
    return [_queued(actor, of, gold_set) for of, gold_set in wanted if not _has(of, gold_set)]


def _newest(purpose: str) -> list[GoldSet]:
    """The newest version of each name."""
    sets = GoldSet.objects.filter(purpose=purpose).order_by("name", "-version").distinct("name")
    return list(sets.defer("manifest"))


def _has(version: ModelVersion, gold_set: GoldSet) -> bool:
    if version.evaluation_jobs.filter(gold_set=gold_set, status__in=EVALUATION_OPEN).exists():
        return True
    if gold_set.purpose == GoldSetPurpose.CALIBRATION:
        curves = Calibration.objects.filter(engine=version.engine, model_version=str(version))
        return curves.filter(split_sha256=gold_set.sha256).exists()
    runs = EvaluationRun.objects.filter(model_version=version, gold_set_sha256=gold_set.sha256)
    return runs.filter(settings__bands="all").exists()


def _queued(actor: Any, version: ModelVersion, gold_set: GoldSet) -> EvaluationJob:
    job = EvaluationJob.objects.create(
        gold_set=gold_set,
        model_version=version,
        domains=sorted(domain_codes()[0]),
        least_band=Band.LOW,
        created_by=actor,
    )
    audit.record(
        "evaluation.queued",
        actor=actor,
        data={
            "job_id": job.pk,
            "gold_set_id": gold_set.pk,
            "engine": version.engine,
            "model_version_id": version.pk,
            "domains": job.domains,
            "least_band": str(job.least_band),
        },
    )
    evaluate.delay_on_commit(job.pk)
    return job
