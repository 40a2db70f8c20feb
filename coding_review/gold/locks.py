"""What the acts of gold projects share: locks in one order (project, reader, chart, reading), leases, the rights.

A reading that is open may be written; closing a project and withdrawing a chart lapse what is open, so that who
holds the lock of an open reading needs to look at nothing else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from coding_review.auth import require
from coding_review.choices import GoldReadingStatus, GoldStatus
from coding_review.errors import GoldFrozen, NotAllowed, NotYours, WrongStatus
from coding_review.models import GoldChart, GoldProject, GoldReading
from coding_review.rules.gold_steps import next_status
from coding_review.rules.permissions import READ_DOCUMENTS, READ_GOLD

LEASE = timedelta(minutes=30)
CODED = "You coded this encounter yourself: someone else reads it for the study."


def lease_end(now: datetime | None = None) -> datetime:
    return (now or timezone.now()) + LEASE


def lock_project(project_id: int) -> GoldProject:
    """Raises NotAllowed where there is none: who may not open it does not learn whether it exists."""
    project = GoldProject.objects.select_for_update(no_key=True).filter(pk=project_id).first()
    if project is None:
        raise NotAllowed("There is no such gold project for you.")
    return project


def require_step(project: GoldProject, step: str) -> str:
    """The status after the step. Raises GoldFrozen, WrongStatus."""
    after = next_status(project.status, step)
    if after is None:
        status = project.get_status_display().lower()
        error = GoldFrozen if project.status == GoldStatus.FROZEN else WrongStatus
        raise error(f"The gold project is {status}: this is not possible now.", status=str(project.status))
    return after


def lock_charts(project: GoldProject) -> list[GoldChart]:
    """All charts of a project, by primary key; the project is locked already."""
    found = list(GoldChart.objects.select_for_update(no_key=True).filter(project=project).order_by("pk"))
    for chart in found:
        chart.project = project
    return found


def lapse(readings: list[GoldReading]) -> None:
    for reading in readings:
        reading.status = GoldReadingStatus.LAPSED
        reading.lease_until = None
        reading.save(update_fields=["status", "lease_until"])


def coded_by_reader(reading: GoldReading) -> bool:
    """Whether its reader signed the encounter or decided on it, before or since the reading began."""
    chart = GoldChart.objects.filter(pk=reading.chart_id)
    return not chart.not_coded_by(reading.reader.user_id).exists()


def lock_reading(actor: Any, reading_id: int) -> GoldReading:
    """The actor's own open reading. Raises NotAllowed (not theirs, a chart they may not open any more, or an encounter
    that they coded), NotYours (it lapsed), WrongStatus (finished)."""
    require(actor, READ_GOLD)
    require(actor, READ_DOCUMENTS)
    reading = (
        GoldReading.objects.select_for_update(of=("self",), no_key=True)
        .select_related("chart__project", "chart__code_set__encounter", "chart__code_set__release", "reader")
        .filter(pk=reading_id, reader__user_id=actor.pk)
        .first()
    )
    if reading is None:
        raise NotAllowed("This reading is not yours.")
    if not reading.chart.code_set.encounter.is_visible_to(actor):
        raise NotAllowed("This encounter is not among those you may open.")
    if reading.status == GoldReadingStatus.LAPSED:
        raise NotYours(
            "This reading is closed: its time ran out, or the chart was taken out or reading ended."
        )
    if reading.status == GoldReadingStatus.FINISHED:
        raise WrongStatus("This reading is finished; it is not changed any more.", status="finished")
    if coded_by_reader(reading):
        raise NotAllowed(CODED)
    return reading
