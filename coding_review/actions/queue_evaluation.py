"""Ask for an evaluation of predictions against a frozen gold set, and take that back."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.actions.asked_twice import still_open
from coding_review.auth import require
from coding_review.choices import EVALUATION_OPEN, EvaluationStatus, GoldSetPurpose
from coding_review.errors import InvalidDecision, InvalidImport, NotAllowed, WrongStatus
from coding_review.evaluation_predictions import bare_lines, engine_runs
from coding_review.models import EvaluationJob, GoldSet
from coding_review.rules.permissions import RUN_EVALUATION
from coding_review.tasks import evaluate
from modelops.choices import Band
from modelops.evaluation.runs import keep_predictions
from modelops.evaluation_catalog import domain_codes

MAX_BYTES = 20 * 1024 * 1024
_SHOWN_ERRORS = 50


@transaction.atomic
def queue_evaluation(
    actor: Any,
    gold_set_id: int,
    *,
    engine: str = "",
    upload: BinaryIO | None = None,
    domains: Sequence[str] = (),
    least_band: str = Band.LOW,
) -> EvaluationJob:
    """Either an engine, whose stored predictions are scored, or a file of predictions. Asked twice while it is open,
    it is one job.

    Raises NotAllowed, InvalidDecision (data: field), InvalidImport (data: errors with line and message).
    """
    require(actor, RUN_EVALUATION)
    gold_set = GoldSet.objects.filter(pk=gold_set_id).first()
    if gold_set is None:
        raise NotAllowed("There is no such gold set for you.")
    if gold_set.purpose != GoldSetPurpose.EVALUATION:
        raise InvalidDecision("The set was not frozen for evaluation.", field="gold_set")
    if bool(engine) == (upload is not None):
        raise InvalidDecision("Choose an engine, or send a file of predictions: one of them.", field="engine")
    if least_band not in Band.values:
        raise InvalidDecision("Choose which bands count.", field="least_band")
    absent = domain_codes(domains)[1] if domains else []
    if absent:
        raise InvalidDecision(f"No value set is loaded for {', '.join(absent)}.", field="domains")
    path, sha256 = _keep(upload) if upload is not None else ("", "")
    if engine and not engine_runs(gold_set, engine):
        raise InvalidDecision("This engine has predicted none of the set's charts.", field="engine")
    wanted = {
        "gold_set": gold_set,
        "engine": engine,
        "predictions_path": path,
        "predictions_sha256": sha256,
        "domains": list(domains),
        "least_band": least_band,
        # Not what measures a version, or an engine that is asked anew.
        "model_version": None,
        "asked": False,
    }
    before = still_open(EvaluationJob, actor, EVALUATION_OPEN, **wanted)
    if before is not None:
        return before
    job = EvaluationJob.objects.create(**wanted, created_by=actor)
    audit.record(
        "evaluation.queued",
        actor=actor,
        data={
            "job_id": job.pk,
            "gold_set_id": gold_set.pk,
            "engine": engine,
            "predictions_sha256": job.predictions_sha256,
            "domains": job.domains,
            "least_band": str(least_band),
        },
    )
    evaluate.delay_on_commit(job.pk)
    return job


@transaction.atomic
def cancel_evaluation(actor: Any, job_id: int) -> EvaluationJob:
    """A worker that is at it stops at its next step, with nothing stored. Raises NotAllowed, WrongStatus."""
    require(actor, RUN_EVALUATION)
    job = EvaluationJob.objects.select_for_update(no_key=True).filter(pk=job_id).first()
    if job is None:
        raise NotAllowed("There is no such evaluation for you.")
    if not job.is_open:
        raise WrongStatus("It has ended already.", status=str(job.status))
    job.status, job.finished_at = EvaluationStatus.CANCELLED, timezone.now()
    job.save(update_fields=["status", "finished_at"])
    audit.record("evaluation.cancelled", actor=actor, data={"job_id": job.pk, "gold_set_id": job.gold_set_id})
    return job


def _keep(upload: BinaryIO) -> tuple[str, str]:
    """The file's name below EVALUATION_DIR and its hash. Kept without quotes and rationales: text is not needed."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as bare:
        rows, told = bare_lines(_limited(upload), bare)
        bare.flush()
        if told.error_count:
            raise InvalidImport(
                f"{told.error_count} {'line is' if told.error_count == 1 else 'lines are'} not predictions; "
                "nothing was queued.",
                errors=[{"line": e.line, "message": e.message} for e in told.errors[:_SHOWN_ERRORS]],
                count=told.error_count,
            )
        if not rows:
            raise InvalidImport("There is no prediction in it.", errors=[], count=0)
        return keep_predictions(Path(bare.name), Path(settings.EVALUATION_DIR))


def _limited(upload: BinaryIO) -> list[bytes]:
    data = upload.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidImport(
            f"Over {MAX_BYTES // 1024 // 1024} MiB. The operator evaluates larger files with manage.py evaluate.",
            errors=[],
            count=0,
        )
    return data.splitlines(keepends=True)
