"""Addresses of the learning loop's pages, part of the web namespace."""

from __future__ import annotations

from django.urls import path

from coding_review.web import datasets, synthesis

urlpatterns = [
    path("synthesis/", synthesis.syntheses, name="syntheses"),
    path("synthesis/<int:synthesis_id>/", synthesis.synthesis, name="synthesis"),
    path(
        "synthesis/<int:synthesis_id>/charts/<int:position>/",
        synthesis.synthetic_chart,
        name="synthetic-chart",
    ),
    path("datasets/", datasets.datasets, name="datasets"),
    path("datasets/<int:dataset_id>/", datasets.dataset, name="dataset"),
]
