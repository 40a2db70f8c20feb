"""Rows of the evaluations that a model version needs before it answers anyone. Who may ask is the actions' matter."""

from __future__ import annotations

from typing import Any

from coding_review import audit
from coding_review.choices import EVALUATION_OPEN, GoldSetPurpose
from coding_review.errors import InvalidDecision
from coding_review.models import EvaluationJob, GoldSet
from coding_review.promotion import counted_runs
from modelops.choices import Band
from modelops.engines.local_transformers.choice import check_answering
from modelops.engines.registry import make_engine
from modelops.errors import ModelopsError
from modelops.evaluation_catalog import loaded_domains
from modelops.models import Calibration, ModelVersion


def queue_candidate(actor: Any, version: ModelVersion) -> list[EvaluationJob]:
    """One job a set: the calibration sets first, then the evaluation sets, and of these also what serves where it was
    not measured yet. What was done already, or is under way, is not asked for again. Within the caller's transaction;
    sends nothing.

    Raises InvalidDecision (its engine cannot be asked about one version, or no set is frozen).
    """
    try:
        check_answering(version)
    except ModelopsError as error:
        raise InvalidDecision(str(error), field="model_version") from error
    sets = newest_sets(GoldSetPurpose.EVALUATION)
    if not sets:
        raise InvalidDecision("No gold set was frozen for evaluation.", field="gold_set")
    serving = ModelVersion.objects.serving(version.engine)
    wanted = [(version, gold_set) for gold_set in (*newest_sets(GoldSetPurpose.CALIBRATION), *sets)]
    if serving is not None and serving != version:
        wanted += [(serving, gold_set) for gold_set in sets]
    return [queued(actor, gold_set, version=of) for of, gold_set in wanted if not _has(of, gold_set)]


def newest_sets(purpose: str) -> list[GoldSet]:
    """The newest version of each name."""
    sets = GoldSet.objects.filter(purpose=purpose).order_by("name", "-version").distinct("name")
    return list(sets.defer("manifest"))


def _has(version: ModelVersion, gold_set: GoldSet) -> bool:
    if version.evaluation_jobs.filter(gold_set=gold_set, status__in=EVALUATION_OPEN).exists():
        return True
    if gold_set.purpose == GoldSetPurpose.CALIBRATION:
        curves = Calibration.objects.filter(engine=version.engine, model_version=str(version))
        return curves.filter(split_sha256=gold_set.sha256).exists()
    return counted_runs(version.engine, version, gold_set).exists()


def queued(
    actor: Any, gold_set: GoldSet, *, version: ModelVersion | None = None, engine: str = ""
) -> EvaluationJob:
    """Of a version, or of an engine without one; either is asked anew."""
    job = EvaluationJob.objects.create(
        gold_set=gold_set,
        model_version=version,
        engine=engine,
        asked=version is None,
        domains=loaded_domains(),
        least_band=Band.LOW,
        created_by=actor,
    )
    audit.record(
        "evaluation.queued",
        actor=actor,
        data={
            "job_id": job.pk,
            "gold_set_id": gold_set.pk,
            "engine": version.engine if version is not None else engine,
            "model_version_id": version.pk if version is not None else None,
            "domains": job.domains,
            "least_band": str(job.least_band),
        },
    )
    return job


def queue_baseline(actor: Any, engine: str) -> list[EvaluationJob]:
    """What the first version of an engine is held against: one job for each evaluation set that the engine without a
    version was not measured on, and is not being. Within the caller's transaction; sends nothing.

    Raises InvalidDecision (no such engine, or no set is frozen).
    """
    try:
        make_engine(engine, {})
    except ModelopsError as error:
        raise InvalidDecision(str(error), field="baseline") from error
    sets = newest_sets(GoldSetPurpose.EVALUATION)
    if not sets:
        raise InvalidDecision("No gold set was frozen for evaluation.", field="gold_set")
    return [
        queued(actor, gold_set, engine=engine) for gold_set in sets if not _has_baseline(engine, gold_set)
    ]


def _has_baseline(engine: str, gold_set: GoldSet) -> bool:
    under_way = EvaluationJob.objects.open().filter(engine=engine, asked=True, gold_set=gold_set)
    return under_way.exists() or counted_runs(engine, None, gold_set).exists()
