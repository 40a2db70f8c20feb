"""The next chart of a gold project for a reader: a lease, so that no more people read it than the protocol says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from coding_review import audit
from coding_review.auth import require
from coding_review.choices import (
    GoldChartPurpose,
    GoldReadingKind,
    GoldReadingStatus,
    GoldStatus,
)
from coding_review.errors import NotAllowed, NothingToDo, WrongStatus
from coding_review.gold.locks import coded_by_reader, lapse, lease_end, require_step
from coding_review.models import GoldChart, GoldProject, GoldReader, GoldReading
from coding_review.rules.gold_steps import may_take
from coding_review.rules.permissions import READ_DOCUMENTS, READ_GOLD


@transaction.atomic
def next_gold_chart(actor: Any, project_id: int) -> GoldReading:
    """The reader's open reading, its lease prolonged; else a new one: qualification charts first, then repeats that
    are due, then charts of the study in their order.

    A reader never gets a chart a second time but as a planned repeat, and never one of an encounter that they signed
    or decided on. Two readers who ask at once never get a place
    that only one may have. An open reading whose lease ran out keeps its place until someone else needs it.

    Raises NothingToDo, NotAllowed (no reader of the project; not qualified), WrongStatus, GoldFrozen.
    """
    require(actor, READ_GOLD)
    require(actor, READ_DOCUMENTS)
    reader = (
        GoldReader.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project")
        .filter(project=project_id, user_id=actor.pk)
        .first()
    )
    if reader is None:
        raise NotAllowed("You are not a reader of this gold project.")
    project = reader.project
    require_step(project, "read")
    going_on = _open_reading(actor, reader)
    if going_on is not None:
        return going_on
    for kind, charts in _offers(actor, project, reader):
        reading = _first_free(project, reader, kind, charts)
        if reading is not None:
            audit.record(
                "gold.reading_started",
                actor=actor,
                encounter=reading.chart.code_set.encounter,
                data={
                    "project_id": project.pk,
                    "chart_id": reading.chart_id,
                    "reading_id": reading.pk,
                    "kind": str(kind),
                },
            )
            return reading
    raise NothingToDo("No chart waits for you in this project.")


def _open_reading(actor: Any, reader: GoldReader) -> GoldReading | None:
    reading = (
        GoldReading.objects.select_for_update(of=("self",), no_key=True)
        .select_related("chart__project", "chart__code_set__encounter", "reader")
        .filter(reader=reader, status=GoldReadingStatus.OPEN)
        .first()
    )
    if reading is None:
        return None
    if not reading.chart.code_set.encounter.is_visible_to(actor) or coded_by_reader(reading):
        # The person's memberships changed, or they coded the encounter since: someone else shall have the chart.
        lapse([reading])
        return None
    reading.lease_until = lease_end()
    reading.save(update_fields=["lease_until"])
    return reading


def _offers(
    actor: Any, project: GoldProject, reader: GoldReader
) -> Iterator[tuple[GoldReadingKind, Iterable[int]]]:
    charts = (
        GoldChart.objects.filter(project=project)
        .standing()
        .visible_to(actor)
        .not_coded_by(actor.pk)
        .order_by("position")
    )
    unread = charts.exclude(readings__reader=reader)
    qualification = unread.filter(purpose=GoldChartPurpose.QUALIFICATION)
    yield GoldReadingKind.QUALIFICATION, qualification.values_list("pk", flat=True)
    if reader.qualified_at is None and reader.qualification_f1 is None:
        raise NotAllowed("No qualification chart is left that you may read. Speak with the project's lead.")
    if reader.qualified_at is None:
        f1 = "" if reader.qualification_f1 is None else f" (F1 {reader.qualification_f1:.2f})"
        raise NotAllowed(
            f"The qualification charts were not read as well as the project asks{f1}. Speak with its lead.",
            f1=reader.qualification_f1,
        )
    due = charts.filter(repeat_wanted=True, readings__in=_due(project, reader, timezone.now())).exclude(
        readings__in=GoldReading.objects.filter(reader=reader, kind=GoldReadingKind.REPEAT)
    )
    yield GoldReadingKind.REPEAT, due.values_list("pk", flat=True)
    study = unread.filter(purpose=GoldChartPurpose.STUDY)
    yield GoldReadingKind.INDEPENDENT, study.values_list("pk", flat=True)


def _due(project: GoldProject, reader: GoldReader, now: datetime) -> Any:
    return GoldReading.objects.filter(
        reader=reader,
        kind=GoldReadingKind.INDEPENDENT,
        status=GoldReadingStatus.FINISHED,
        finished_at__lte=now - timedelta(days=project.repeat_after_days),
    )


def _first_free(
    project: GoldProject, reader: GoldReader, kind: GoldReadingKind, chart_ids: Iterable[int]
) -> GoldReading | None:
    """Charts that others hold just now are passed over at first, and waited for only where no other is free."""
    held: list[int] = []
    for pk in chart_ids:
        chart = _locked(pk, skip=True)
        if chart is None:
            held.append(pk)
        elif (reading := _take(project, reader, kind, chart)) is not None:
            return reading
    for pk in held:
        chart = _locked(pk, skip=False)
        if chart is not None and (reading := _take(project, reader, kind, chart)) is not None:
            return reading
    return None


def _locked(pk: int, *, skip: bool) -> GoldChart | None:
    return (
        GoldChart.objects.select_for_update(of=("self",), skip_locked=skip, no_key=True)
        .select_related("code_set__encounter")
        .filter(pk=pk)
        .first()
    )


def _take(
    project: GoldProject, reader: GoldReader, kind: GoldReadingKind, chart: GoldChart
) -> GoldReading | None:
    """A reading of the chart, which is locked: what is counted here nobody changes meanwhile."""
    if chart.withdrawn_at is not None:
        return None
    if GoldProject.objects.values_list("status", flat=True).get(pk=project.pk) != GoldStatus.OPEN:
        raise WrongStatus("Reading of this gold project has ended.")
    if kind == GoldReadingKind.INDEPENDENT and not _has_room(project, reader, chart):
        return None
    repeat_of = None
    if kind == GoldReadingKind.REPEAT:
        repeat_of = GoldReading.objects.get(chart=chart, reader=reader, kind=GoldReadingKind.INDEPENDENT)
    chart.project = project
    return GoldReading.objects.create(
        chart=chart, reader=reader, kind=kind, repeat_of=repeat_of, lease_until=lease_end()
    )


def _has_room(project: GoldProject, reader: GoldReader, chart: GoldChart) -> bool:
    """Whether the reader fits; an open reading without a lease gives way where its place is needed."""
    now = timezone.now()
    others = list(
        GoldReading.objects.filter(chart=chart, kind=GoldReadingKind.INDEPENDENT)
        .exclude(status=GoldReadingStatus.LAPSED)
        .select_for_update(of=("self",), no_key=True)
        .select_related("reader")
        .order_by("pk")
    )
    holding = [r for r in others if r.status == GoldReadingStatus.FINISHED or _has_lease(r, now)]
    professions = [r.reader.profession for r in holding]
    if not may_take(chart.readings_wanted, professions, reader.profession, mixed=project.mixed_readers):
        return False
    idle = [r for r in others if r not in holding]
    every = professions + [r.reader.profession for r in idle]
    if idle and not may_take(chart.readings_wanted, every, reader.profession, mixed=project.mixed_readers):
        lapse(idle)
    return True


def _has_lease(reading: GoldReading, now: datetime) -> bool:
    return reading.lease_until is not None and reading.lease_until > now
