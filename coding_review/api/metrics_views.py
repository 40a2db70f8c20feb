"""Figures of predictions for monitoring."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from coding_review.api.base import ReviewView, problems
from coding_review.auth import require
from coding_review.metrics import exposition
from coding_review.rules.permissions import QUEUE


class MetricsView(ReviewView):
    @extend_schema(
        operation_id="metrics_read",
        summary="Figures of predictions",
        tags=["Monitoring"],
        responses={(200, "text/plain"): str} | problems(400, 401, 403, 429),
    )
    def get(self, request: Request) -> HttpResponse:
        """Prometheus' text format: open runs, what waits, what ended in the last hour. Needs the right to queue."""
        require(request.user, QUEUE)
        return HttpResponse(exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
