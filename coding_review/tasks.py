"""Background work. Tasks take ids, make one call and may be delivered any number of times."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from coding_review.actions.claim import park_expired_leases
from coding_review.actions.evaluation_steps import missed_evaluations
from coding_review.actions.sweep_predictions import missed_runs, put_back_lost_runs
from coding_review.broker import SweptTask, waiting_in
from coding_review.embedding import embed_beside
from coding_review.evaluation_job import run_evaluation
from coding_review.prediction import predict_run

PREDICT_QUEUE = "predict"


@shared_task(
    base=SweptTask,
    soft_time_limit=settings.PREDICTION_SECONDS,
    time_limit=settings.PREDICTION_SECONDS + 30,
)
def predict(run_id: int) -> None:
    predict_run(run_id)


@shared_task(
    base=SweptTask,
    soft_time_limit=settings.EVALUATION_SECONDS,
    time_limit=settings.EVALUATION_SECONDS + 30,
)
def evaluate(job_id: int) -> None:
    run_evaluation(job_id)


@shared_task
def embed() -> None:
    """Every 10 s by beat: goes on with the vectors of loaded releases, for some seconds."""
    embed_beside()


@shared_task
def sweep() -> None:
    """Every 15 s by beat: what a lost worker or broker dropped goes on, leases that ran out are parked."""
    for run_id in put_back_lost_runs():
        predict.send_or_leave(run_id)
    for run_id in missed_runs(waiting_in(PREDICT_QUEUE)):
        predict.send_or_leave(run_id)
    for job_id in missed_evaluations():
        evaluate.send_or_leave(job_id)
    park_expired_leases()
