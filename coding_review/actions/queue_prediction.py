"""Ask the engine about an encounter: one run for each open code set, the same question once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

from catalog.models import Release
from coding_review import audit
from coding_review.choices import (
    RUN_UNANSWERED,
    CodeSetStatus,
    EncounterStatus,
    RunStatus,
    RunTrigger,
)
from coding_review.models import CodeSet, DocumentVersion, Encounter, PredictionRun
from coding_review.procedures import releases_to_predict
from coding_review.queues import queue_for
from coding_review.releases import ChosenRelease, assign_release
from coding_review.run_status import mark_queued, settle
from coding_review.tasks import send_run_on_commit
from modelops.engines.registry import get_engine
from modelops.engines.types import EngineInfo


def queue_prediction(
    actor: Any, encounter: Encounter, trigger: str, *, bulk: bool = False
) -> list[PredictionRun]:
    """The runs made for the encounter's open code sets; none where every question was asked before.

    A step of actions that change what an engine would read (import, reopen, retry): they hold the
    encounter's lock in an open transaction and have checked the right. Where no release covers the
    date the run is a failed one that says so: nothing is coded with another release. `bulk`: it came in together
    with many others, and nobody waits for this one.
    """
    info = get_engine(settings.ENGINE).info
    versions = list(DocumentVersion.objects.latest_of(encounter))
    code_sets = (
        encounter.code_sets.select_for_update(no_key=True).filter(status=CodeSetStatus.OPEN).order_by("pk")
    )
    queued: list[PredictionRun] = []
    refused: list[PredictionRun] = []
    for code_set in code_sets:
        chosen = assign_release(encounter, code_set)
        procedures = releases_to_predict(encounter, code_set.claim_type)
        question = question_hash(info, chosen, versions, procedures)
        if code_set.runs.filter(question_hash=question).exclude(status__in=RUN_UNANSWERED).exists():
            continue
        if chosen.release is None:
            if trigger == RunTrigger.RETRY or not _said_before(code_set, question):
                refused.append(_refuse(code_set, trigger, info, question, chosen, versions))
        else:
            run = _queue(code_set, trigger, info, question, chosen, versions, queue_for(info.name, bulk=bulk))
            run.procedure_releases.set(procedures)
            queued.append(run)
    if queued:
        run_ids = [run.pk for run in queued]
        audit.record(
            "prediction.queued",
            actor=actor,
            encounter=encounter,
            data={"run_ids": run_ids, "trigger": str(trigger), "engine": info.name},
        )
        for run in queued:
            send_run_on_commit(run.pk, run.queue)
    for run in refused:
        audit.record(
            "prediction.failed",
            actor=actor,
            encounter=encounter,
            data={"run_id": run.pk, "engine": info.name, "error_code": run.error_code, "attempts": 0},
        )
    if queued or refused or encounter.status in (EncounterStatus.RECEIVED, EncounterStatus.FAILED):
        mark_queued(encounter)
        settle(encounter)
    return queued + refused


def question_hash(
    info: EngineInfo,
    chosen: ChosenRelease,
    versions: list[DocumentVersion],
    procedures: Sequence[Release] = (),
) -> str:
    """SHA-256 over all that an answer depends on: engine, its version, releases and document versions."""
    question: list[Any] = [
        info.name,
        info.model_version,
        info.prompt_version,
        chosen.release.pk if chosen.release else None,
        sorted(version.pk for version in versions),
    ]
    if procedures:
        question.append(sorted(release.pk for release in procedures))
    return hashlib.sha256(json.dumps(question).encode()).hexdigest()


def _said_before(code_set: CodeSet, question: str) -> bool:
    last = code_set.runs.order_by("-pk").first()
    return last is not None and last.question_hash == question and last.error_code == "no_release"


def _queue(
    code_set: CodeSet,
    trigger: str,
    info: EngineInfo,
    question: str,
    chosen: ChosenRelease,
    versions: list[DocumentVersion],
    queue: str,
) -> PredictionRun:
    """A run that no worker has begun is asked the newer question instead of getting company."""
    run = code_set.runs.select_for_update(no_key=True).filter(status=RunStatus.QUEUED).first()
    run = run or PredictionRun(code_set=code_set, queued_at=timezone.now())
    run.trigger, run.engine, run.question_hash = trigger, info.name, question
    run.model_version, run.prompt_version = info.model_version[:120], info.prompt_version[:200]
    run.release, run.attempts, run.queue = chosen.release, 0, queue
    run.fallback_from, run.outage_since, run.outage_attempts = "", None, 0
    run.save()
    run.documents.set(versions)
    return run


def _refuse(
    code_set: CodeSet,
    trigger: str,
    info: EngineInfo,
    question: str,
    chosen: ChosenRelease,
    versions: list[DocumentVersion],
) -> PredictionRun:
    # Its question is out of date too: it was asked with a release that no longer holds for the code set.
    code_set.runs.filter(status=RunStatus.QUEUED).update(
        status=RunStatus.FAILED,
        finished_at=timezone.now(),
        error_code="no_release",
        error=chosen.problem,
    )
    run = PredictionRun.objects.create(
        code_set=code_set,
        trigger=trigger,
        engine=info.name,
        model_version=info.model_version,
        question_hash=question,
        status=RunStatus.FAILED,
        finished_at=timezone.now(),
        error_code="no_release",
        error=chosen.problem,
    )
    run.documents.set(versions)
    return run
