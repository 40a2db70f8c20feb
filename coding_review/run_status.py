"""How the runs of an encounter move its status. Callers hold the encounter's row lock."""

from __future__ import annotations

from coding_review.choices import RUN_UNANSWERED, CodeSetStatus, EncounterStatus, RunStatus
from coding_review.models import Decision, Encounter, PredictionRun
from coding_review.status import move

# Waiting for an engine; from any other status a run goes beside the coder's work and changes no status.
_WAITING = frozenset({EncounterStatus.QUEUED, EncounterStatus.PREDICTING})
STATUS_FIELDS = ["status", "status_reason", "status_since"]


def is_touched(encounter: Encounter) -> bool:
    """Whether someone has it or has decided on it; then a new run must not take it back to the queue."""
    return (
        encounter.owner_id is not None
        or Decision.objects.filter(reading__code_set__encounter=encounter, actor__isnull=False).exists()
    )


def newest_runs(encounter: Encounter) -> list[PredictionRun]:
    """The last run of each open code set, by code set."""
    runs = PredictionRun.objects.filter(
        code_set__encounter=encounter, code_set__status=CodeSetStatus.OPEN
    ).order_by("code_set_id", "-pk")
    return list(runs.distinct("code_set_id"))


def wants_another_try(run: PredictionRun) -> bool:
    """Without an answer, or with that of an engine that only stood in."""
    return run.status in RUN_UNANSWERED or (run.status == RunStatus.DONE and bool(run.fallback_from))


def mark_queued(encounter: Encounter) -> None:
    """Back to the queue, unless a coder's work would be disturbed or it waits there already."""
    fresh = encounter.status in (EncounterStatus.RECEIVED, EncounterStatus.FAILED)
    if fresh or (encounter.status == EncounterStatus.READY and not is_touched(encounter)):
        move(encounter, "queue")
        encounter.save(update_fields=STATUS_FIELDS)


def mark_started(encounter: Encounter) -> None:
    if encounter.status in _WAITING:
        move(encounter, "start")
        encounter.save(update_fields=STATUS_FIELDS)


def settle(encounter: Encounter) -> None:
    """After a run ended or was put back: failed when one ended without an answer, ready when none is open."""
    if encounter.status not in _WAITING:
        return
    runs = newest_runs(encounter)
    failed = next((run for run in runs if run.status in RUN_UNANSWERED), None)
    if failed is not None:
        move(encounter, "fail", reason=failed.error[:200])
    elif not any(run.status in (RunStatus.QUEUED, RunStatus.RUNNING) for run in runs):
        move(encounter, "start")
        move(encounter, "finish")
    elif encounter.status == EncounterStatus.PREDICTING and not any(
        run.status == RunStatus.RUNNING for run in runs
    ):
        move(encounter, "queue")
    encounter.save(update_fields=STATUS_FIELDS)
