"""Background work. Tasks take ids, make one call and may be delivered any number of times."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from coding_review.actions.audit_month import audit_month
from coding_review.actions.claim import park_expired_leases
from coding_review.actions.compare_files import compare_files, due_comparisons
from coding_review.actions.evaluation_steps import missed_evaluations
from coding_review.actions.sweep_predictions import missed_runs, put_back_lost_runs
from coding_review.actions.training_steps import begin_training, reconcile_training
from coding_review.actions.work_steps import missed
from coding_review.broker import SweptTask, waiting_in
from coding_review.dataset_job import run_build
from coding_review.drift import month_before
from coding_review.embedding import embed_beside
from coding_review.evaluation_job import run_evaluation
from coding_review.knowledge import measure_version
from coding_review.models import DatasetBuild
from coding_review.prediction import predict_run
from coding_review.queues import PREDICT, PREDICTION_QUEUES
from coding_review.shadow import score_in_shadow, wants_shadow
from coding_review.synthesis_job import run_synthesis
from modelops.models import SynthesisRun


@shared_task(
    base=SweptTask,
    soft_time_limit=settings.PREDICTION_SECONDS,
    time_limit=settings.PREDICTION_SECONDS + 30,
)
def predict(run_id: int) -> None:
    _predict(run_id)


@shared_task(base=SweptTask)
def infer(run_id: int) -> None:
    """By workers with threads, which know no time limits: the engine keeps to its own deadline."""
    _predict(run_id)


@shared_task(base=SweptTask)
def shadow(run_id: int) -> None:
    """A candidate is asked about what was just answered; one that the broker dropped is not asked again."""
    score_in_shadow(run_id)


def _predict(run_id: int) -> None:
    if predict_run(run_id) and wants_shadow(run_id):
        shadow.send_or_leave(run_id)


def send_run(run_id: int, queue: str) -> bool:
    """Whether the broker took it; a run that it did not take is sent by the sweep."""
    if queue == PREDICT:
        return predict.send_or_leave(run_id)
    return infer.send_or_leave(run_id, queue=queue)


def send_run_on_commit(run_id: int, queue: str) -> None:
    if queue == PREDICT:
        predict.delay_on_commit(run_id)
    else:
        infer.delay_on_commit(run_id, queue=queue)


@shared_task(
    base=SweptTask,
    soft_time_limit=settings.EVALUATION_SECONDS,
    time_limit=settings.EVALUATION_SECONDS + 30,
)
def evaluate(job_id: int) -> None:
    run_evaluation(job_id)


@shared_task(
    base=SweptTask,
    soft_time_limit=settings.SYNTHESIS_SECONDS,
    time_limit=settings.SYNTHESIS_SECONDS + 30,
)
def write_charts(run_id: int) -> None:
    run_synthesis(run_id)


@shared_task(
    base=SweptTask,
    soft_time_limit=settings.DATASET_SECONDS,
    time_limit=settings.DATASET_SECONDS + 30,
)
def make_dataset(build_id: int) -> None:
    run_build(build_id)


@shared_task(
    base=SweptTask,
    soft_time_limit=settings.EVALUATION_SECONDS,
    time_limit=settings.EVALUATION_SECONDS + 30,
)
def measure_knowledge(version_id: int) -> None:
    """Of a trained version and its base, each once. One that the broker dropped is asked for by the page's button."""
    measure_version(version_id)


@shared_task(base=SweptTask)
def spawn_training(job_id: int) -> None:
    """Starts the job's supervisor and returns: a task of hours would be delivered twice."""
    begin_training(job_id)


@shared_task
def reconcile_trainings() -> None:
    """Every 5 s by beat: what the runs' files say becomes rows; of each free slot the next job is begun, and
    what came of one that ended is evaluated."""
    for job_id in reconcile_training(evaluate.send_or_leave, measure_knowledge.send_or_leave):
        spawn_training.send_or_leave(job_id)


@shared_task(base=SweptTask)
def compare_model_files(version_id: int) -> None:
    """Minutes of reading; given again, it reads nothing that was read."""
    compare_files(version_id)


@shared_task
def look_at_model_files() -> None:
    """Every 20 s by beat: large files of model versions that no worker has read as they are now."""
    for version_id in due_comparisons():
        compare_model_files.send_or_leave(version_id)


@shared_task
def audit_last_month() -> None:
    """On the second of each month by beat."""
    audit_month(month_before())


@shared_task
def embed() -> None:
    """Every 10 s by beat: goes on with the vectors of loaded releases, for some seconds."""
    embed_beside()


@shared_task
def sweep() -> None:
    """Every SWEEP_SECONDS by beat: what a lost worker or broker dropped goes on, leases that ran out are parked."""
    for run_id, queue in put_back_lost_runs():
        send_run(run_id, queue)
    for queue in PREDICTION_QUEUES:
        for run_id in missed_runs(queue, waiting_in(queue)):
            send_run(run_id, queue)
    for job_id in missed_evaluations():
        evaluate.send_or_leave(job_id)
    for run_id in missed(SynthesisRun):
        write_charts.send_or_leave(run_id)
    for build_id in missed(DatasetBuild):
        make_dataset.send_or_leave(build_id)
    park_expired_leases()
