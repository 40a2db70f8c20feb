"""Figures to read: evaluation runs, and the agreement of a gold project's readers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from coding_review.api.base import ReviewView, reads
from coding_review.api.evaluation_serializers import (
    AgreementSerializer,
    EvaluationChartPageSerializer,
    EvaluationPageSerializer,
    EvaluationSerializer,
)
from coding_review.api.paging import ByPosition, NewestFirst
from coding_review.auth import require
from coding_review.errors import NotAllowed
from coding_review.gold.queries import may_see_figures
from coding_review.rules.permissions import VIEW_EVALUATION
from coding_review.web.evaluation import get_run_for
from coding_review.web.gold_figures import kept_figures
from coding_review.web.gold_getters import get_project
from modelops.evaluation.agreement import summary
from modelops.models import EvaluationRun

_PAGES = [
    OpenApiParameter("cursor", str, description="From `next` or `previous` of a page"),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1}, description="Rows a page"),
]


class EvaluationsView(ReviewView):
    @extend_schema(
        operation_id="evaluations_list",
        summary="List evaluation runs, newest first",
        tags=["Evaluation"],
        parameters=_PAGES,
        responses=reads(EvaluationPageSerializer),
    )
    def get(self, request: Request) -> Response:
        """What was scored against what, with the headline figures. Needs the right to see evaluations."""
        require(request.user, VIEW_EVALUATION)
        runs = EvaluationRun.objects.select_related("model_version").defer("drawings")
        return self.show(EvaluationPageSerializer, _page(NewestFirst(), runs, request, self))


class EvaluationView(ReviewView):
    @extend_schema(
        operation_id="evaluations_read",
        summary="Read an evaluation run",
        tags=["Evaluation"],
        responses=reads(EvaluationSerializer),
    )
    def get(self, request: Request, run_id: int) -> Response:
        """With all its figures; their keys are those of docs/evaluation.md."""
        return self.show(EvaluationSerializer, get_run_for(request.user, run_id))


class EvaluationChartsView(ReviewView):
    @extend_schema(
        operation_id="evaluations_charts",
        summary="List the charts of an evaluation run",
        tags=["Evaluation"],
        parameters=_PAGES,
        responses=reads(EvaluationChartPageSerializer),
    )
    def get(self, request: Request, run_id: int) -> Response:
        """In the order of the gold set: the codes that are met, unsupported, missed or optional, without text."""
        run = get_run_for(request.user, run_id)
        return self.show(EvaluationChartPageSerializer, _page(ByPosition(), run.charts.all(), request, self))


class AgreementView(ReviewView):
    @extend_schema(
        operation_id="gold_agreement_read",
        summary="Read the agreement of a gold project's readers",
        tags=["Evaluation"],
        responses=reads(AgreementSerializer),
    )
    def get(self, request: Request, project_id: int) -> Response:
        """For who may see the project's figures: no reader before adjudication. Keys: docs/agreement.md.

        Readers stand by pseudonym; the rows of single codes are left out.
        """
        project = get_project(request.user, project_id)
        if not may_see_figures(request.user, project):
            raise NotAllowed("The figures of this project are not yet for you.")
        return self.show(
            AgreementSerializer, {"project": project.pk, "figures": summary(kept_figures(project))}
        )


def _page(pages: Any, rows: Any, request: Request, view: ReviewView) -> dict[str, Any]:
    return {
        "results": pages.paginate_queryset(rows, request, view=view),
        "next": pages.get_next_link(),
        "previous": pages.get_previous_link(),
    }
