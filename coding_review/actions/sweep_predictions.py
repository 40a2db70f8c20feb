"""Find the runs that a lost broker or worker dropped: the rows say what is open, whatever the broker holds."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coding_review.actions.end_prediction import close_run, put_back
from coding_review.actions.start_prediction import is_lost
from coding_review.choices import RunStatus
from coding_review.locks import lock_encounter
from coding_review.models import PredictionRun

# A worker usually begins at once; before this age a row is not yet missed.
GRACE_SECONDS = 10
# At most so many rows a sweep, so that one is quick however much was lost.
LIMIT = 500


def put_back_lost_runs() -> list[tuple[int, str]]:
    """Ids and queues of running rows whose worker is gone, now queued again; those lost too often are closed."""
    silent_since = timezone.now() - timedelta(seconds=settings.PREDICTION_HEARTBEAT_SECONDS)
    lost = PredictionRun.objects.filter(status=RunStatus.RUNNING, heartbeat_at__lt=silent_since)
    candidates = lost.order_by("heartbeat_at").values_list("pk", "queue", "code_set__encounter_id")
    return [
        (run_id, queue) for run_id, queue, encounter in candidates[:LIMIT] if _put_back(run_id, encounter)
    ]


@transaction.atomic
def _put_back(run_id: int, encounter_id: int) -> bool:
    encounter = lock_encounter(encounter_id)
    run = PredictionRun.objects.select_for_update(no_key=True).get(pk=run_id)
    if not is_lost(run, timezone.now()):
        return False
    if run.counted_attempts >= settings.PREDICTION_ATTEMPTS:
        close_run(encounter, run, "worker_lost", "The worker was lost each time it tried this encounter.")
        return False
    put_back(encounter, run, "worker_lost", "The worker was lost; tried again.")
    return True


def missed_runs(queue: str, in_broker: int) -> list[int]:
    """Ids of the oldest rows waiting in a queue that the broker cannot be holding, given how many it holds.

    Counting keeps a long queue from being sent again with every sweep. An id sent twice does no harm:
    the second worker finds the run begun or done.
    """
    due = PredictionRun.objects.filter(
        status=RunStatus.QUEUED,
        queue=queue,
        queued_at__lt=timezone.now() - timedelta(seconds=GRACE_SECONDS),
    )
    missing = due.count() - in_broker
    if missing <= 0:
        return []
    return list(due.order_by("queued_at", "pk").values_list("pk", flat=True)[: min(missing, LIMIT)])
