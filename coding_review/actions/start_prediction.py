"""A worker begins a run, so that no other does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coding_review.actions.end_prediction import close_run
from coding_review.choices import CodeSetStatus, RunStatus
from coding_review.locks import lock_encounter
from coding_review.models import Encounter, PredictionRun
from coding_review.run_status import mark_started
from modelops.engines.types import ChartDocument, ChartText


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a worker holds while the engine works: `number` shows later whether the run is still its own."""

    run_id: int
    number: int
    engine: str
    release_id: int
    chart: ChartText


@transaction.atomic
def start_prediction(run_id: int) -> Attempt | None:
    """The attempt, or None where there is nothing to do: begun by another worker, ended, or given up.

    A run whose worker has shown no sign of life for PREDICTION_HEARTBEAT_SECONDS is taken over; after
    PREDICTION_ATTEMPTS such losses it fails.
    """
    found = PredictionRun.objects.select_related("code_set").filter(pk=run_id).first()
    if found is None:
        return None
    encounter = lock_encounter(found.code_set.encounter_id)
    run = PredictionRun.objects.select_for_update(no_key=True).select_related("code_set").get(pk=run_id)
    now = timezone.now()
    if run.status != RunStatus.QUEUED and not is_lost(run, now):
        return None
    if run.code_set.status != CodeSetStatus.OPEN:
        close_run(encounter, run, "code_set_closed", "The code set was signed off before the engine began.")
        return None
    if run.counted_attempts >= settings.PREDICTION_ATTEMPTS:
        close_run(encounter, run, "worker_lost", "The worker was lost each time it tried this encounter.")
        return None
    if run.release_id is None:
        raise ValueError(f"run {run.pk} was queued without a release")
    run.status, run.attempts = RunStatus.RUNNING, run.attempts + 1
    run.started_at = run.heartbeat_at = now
    run.save(update_fields=["status", "attempts", "started_at", "heartbeat_at"])
    mark_started(encounter)
    return Attempt(run.pk, run.attempts, run.engine, run.release_id, chart_of(run, encounter))


def chart_of(run: PredictionRun, encounter: Encounter) -> ChartText:
    """The documents that the run is asked about, as an engine reads them."""
    versions = run.documents.select_related("document").order_by("document__position", "document_id")
    return ChartText(
        id=str(encounter.pk),
        # The version's key is what evidence comes back with; the source's own id may hold a name.
        documents=tuple(
            ChartDocument(
                document_id=str(version.pk),
                text=version.text,
                type=version.document.type,
                author_role=version.document.author_role,
                authored_at=version.document.authored_at,
            )
            for version in versions
        ),
        claim_type=run.code_set.claim_type,
        setting=encounter.setting,
        date_of_service=encounter.date_of_service,
        admit_date=encounter.admit_date,
        discharge_date=encounter.discharge_date,
        age=encounter.age,
        age_unit=encounter.age_unit,
        sex=encounter.sex,
        specialty=encounter.specialty,
        procedure_releases=dict(run.procedure_releases.values_list("system", "pk")),
    )


def is_lost(run: PredictionRun, now: datetime) -> bool:
    """Running, but the worker has not been heard of for too long."""
    silence = timedelta(seconds=settings.PREDICTION_HEARTBEAT_SECONDS)
    return run.status == RunStatus.RUNNING and (run.heartbeat_at is None or run.heartbeat_at < now - silence)
