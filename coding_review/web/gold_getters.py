"""What a user may open of gold projects: who may not see a thing learns nothing of it (404)."""

from __future__ import annotations

from typing import Any

from django.http import Http404

from coding_review.choices import GoldReadingStatus, GoldStatus
from coding_review.errors import NotAllowed
from coding_review.gold.locks import CODED, coded_by_reader
from coding_review.gold.queries import chart_to_adjudicate, project_for, reading_for
from coding_review.models import Adjudication, GoldChart, GoldProject, GoldReading, GoldRuling, GoldSet
from coding_review.rules.permissions import (
    EXPORT_GOLD,
    FREEZE_GOLD,
    MANAGE_GOLD,
    RUN_EVALUATION,
    VIEW_EVALUATION,
)
from coding_review.web.getters import HIDDEN
from coding_review.web.gold_projects import may

# Any of these opens frozen sets: ids, hashes and figures, no text.
_SETS = (EXPORT_GOLD, FREEZE_GOLD, MANAGE_GOLD, RUN_EVALUATION, VIEW_EVALUATION)


def get_project(user: Any, project_id: int) -> GoldProject:
    project = project_for(user, project_id)
    if project is None:
        raise Http404(HIDDEN)
    return project


def get_chart(user: Any, chart_id: int) -> GoldChart:
    """A chart of a project that the user may open; its text is not for them by that."""
    chart = GoldChart.objects.select_related("project").filter(pk=chart_id).first()
    if chart is None:
        raise Http404(HIDDEN)
    get_project(user, chart.project_id)
    return chart


def get_reading(user: Any, reading_id: int) -> GoldReading:
    """The user's own. Raises NotAllowed where it is open and the user has coded the encounter since."""
    reading = reading_for(user, reading_id)
    if reading is None:
        raise Http404(HIDDEN)
    if reading.status == GoldReadingStatus.OPEN and coded_by_reader(reading):
        raise NotAllowed(CODED)
    return reading


def get_adjudication(user: Any, adjudication_id: int) -> Adjudication:
    """The user's own, with its chart as chart_to_adjudicate gives it."""
    adjudication = Adjudication.objects.filter(pk=adjudication_id, adjudicator_id=user.pk).first()
    chart = chart_to_adjudicate(user, adjudication.chart_id) if adjudication is not None else None
    if adjudication is None or chart is None:
        raise Http404(HIDDEN)
    adjudication.chart = chart
    return adjudication


def get_ruling(user: Any, ruling_id: int) -> GoldRuling:
    """A ruling on a chart that the user read, once adjudication may be seen."""
    ruling = (
        GoldRuling.objects.select_related("adjudication__chart__project")
        .filter(
            pk=ruling_id,
            adjudication__chart__readings__reader__user_id=user.pk,
            adjudication__chart__project__status__in=(GoldStatus.ADJUDICATING, GoldStatus.FROZEN),
        )
        .first()
    )
    if ruling is None:
        raise Http404(HIDDEN)
    return ruling


def may_open_sets(user: Any) -> bool:
    return any(may(user, permission) for permission in _SETS)


def get_set(user: Any, gold_set_id: int) -> GoldSet:
    found = GoldSet.objects.select_related("project", "frozen_by").filter(pk=gold_set_id).first()
    if found is None or not may_open_sets(user):
        raise Http404(HIDDEN)
    return found
