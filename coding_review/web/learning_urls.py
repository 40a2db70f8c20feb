"""Addresses of the learning loop's pages, part of the web namespace."""

from __future__ import annotations

from django.urls import path

from coding_review.web import datasets, synthesis, training, training_start

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
    path("datasets/<int:dataset_id>/export/", datasets.dataset_export, name="dataset-export"),
    path("training/", training.trainings, name="trainings"),
    path("training/new/", training_start.training_new, name="training-new"),
    path("training/<int:training_id>/", training.training, name="training"),
    path("training/<int:training_id>/cancel/", training.training_cancel, name="training-cancel"),
    path("training/<int:training_id>/resume/", training.training_resume, name="training-resume"),
    path("training/<int:training_id>/card/", training.training_card, name="training-card"),
    path("training/<int:training_id>/script/", training.training_script, name="training-script"),
]
