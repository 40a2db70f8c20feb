"""What a worker writes onto the row of its work: begun, alive, ended; and what the sweep does for one that was lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from coding_review import audit
from coding_review.errors import WrongStatus
from coding_review.models import DatasetBuild
from modelops.choices import WorkStatus
from modelops.models import SynthesisRun, Work

W = TypeVar("W", bound=Work)

# Work just queued is with the broker or its worker.
_NOT_YET_MISSED = timedelta(seconds=20)


class Cancelled(Exception):
    """Somebody cancelled it, or the sweep gave its worker up: the worker stops."""


@dataclass(frozen=True, slots=True)
class _Told:
    """Audit events of a kind of work, the field that names its row, and what else of it the end tells."""

    asked_to_stop: str
    ended: str
    id_field: str
    more: Callable[[Any], Mapping[str, Any]]


_TOLD: Mapping[type[Work], _Told] = {
    SynthesisRun: _Told(
        "synthesis.cancel_asked",
        "synthesis.ended",
        "run_id",
        lambda run: {"charts": run.counts.get("charts", 0), "kept": run.counts.get("kept", 0)},
    ),
    DatasetBuild: _Told(
        "dataset.cancel_asked",
        "dataset.build_ended",
        "build_id",
        lambda build: {"dataset_id": build.dataset_id, "only_looks": build.only_looks},
    ),
}


def _rows(model: type[W]) -> QuerySet[W]:
    return model._default_manager.all()


@transaction.atomic
def begin(model: type[W], pk: int) -> W | None:
    """None where another worker has it or it has ended."""
    row = _rows(model).select_for_update(no_key=True).filter(pk=pk, status=WorkStatus.QUEUED).first()
    if row is None:
        return None
    row.status = WorkStatus.RUNNING
    row.started_at = row.heartbeat_at = timezone.now()
    row.save(update_fields=["status", "started_at", "heartbeat_at"])
    return row


def go_on(row: Work, **shown: Any) -> None:
    """A sign of life, with what the row shows meanwhile. Raises Cancelled."""
    mine = _rows(type(row)).filter(pk=row.pk, status=WorkStatus.RUNNING, cancel_asked_at__isnull=True)
    if not mine.update(heartbeat_at=timezone.now(), **shown):
        raise Cancelled


def show_life(row: Work) -> None:
    _rows(type(row)).filter(pk=row.pk, status=WorkStatus.RUNNING).update(heartbeat_at=timezone.now())


@transaction.atomic
def end(row: Work, status: str, *, error_code: str = "", error: str = "", **fields: Any) -> bool:
    """Whether it ended now; work that has ended stays as it is. `error` is for people and holds no text of a chart."""
    held = _rows(type(row)).select_for_update(no_key=True).filter(pk=row.pk).first()
    if held is None or not held.is_open:
        return False
    _end(held, status, error_code=error_code, error=error, **fields)
    return True


def _end(held: Work, status: str, *, error_code: str = "", error: str = "", **fields: Any) -> None:
    held.status, held.ended_at = status, timezone.now()
    held.error_code, held.error = error_code, error[:300]
    for name, value in fields.items():
        setattr(held, name, value)
    held.save(update_fields=["status", "ended_at", "error_code", "error", *fields])
    told = _TOLD[type(held)]
    audit.record(
        told.ended,
        actor=None,
        data={told.id_field: held.pk, "status": status, "error_code": error_code, **told.more(held)},
    )


@transaction.atomic
def cancel(actor: Any, model: type[W], pk: int) -> W | None:
    """What waits ends at once; what is at work is told to its worker. None: there is no such row. The caller has
    checked the right. Raises WrongStatus where it has ended."""
    held = _rows(model).select_for_update(no_key=True).filter(pk=pk).first()
    if held is None:
        return None
    if not held.is_open:
        raise WrongStatus("It has ended already.", status=held.status)
    told = _TOLD[model]
    if held.cancel_asked_at is None:
        held.cancel_asked_at = timezone.now()
        held.save(update_fields=["cancel_asked_at"])
        audit.record(told.asked_to_stop, actor=actor, data={told.id_field: held.pk})
    if held.status == WorkStatus.QUEUED:
        _end(held, WorkStatus.CANCELLED)
    return held


def missed(model: type[W]) -> list[int]:
    """The id of what the broker may have dropped, the oldest; work of lost workers is ended first.

    Only while none is at work: the queue is short, and an id sent twice does no harm.
    """
    _end_lost(model)
    if _rows(model).filter(status=WorkStatus.RUNNING, heartbeat_at__isnull=False).exists():
        return []
    waiting = _rows(model).filter(status=WorkStatus.QUEUED, created_at__lt=timezone.now() - _NOT_YET_MISSED)
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:1])


@transaction.atomic
def _end_lost(model: type[W]) -> None:
    """Commands show no sign of life and are not looked at."""
    silent = timezone.now() - timedelta(seconds=settings.WORK_LOST_SECONDS)
    lost = _rows(model).filter(status=WorkStatus.RUNNING, heartbeat_at__lt=silent).order_by("pk")
    for row in lost.select_for_update(no_key=True, skip_locked=True):
        if row.cancel_asked_at is not None:
            _end(row, WorkStatus.CANCELLED)
        else:
            _end(
                row, WorkStatus.FAILED, error_code="worker_lost", error="The worker was lost. Start it again."
            )
