"""Addresses of the learning loop's pages, part of the web namespace."""

from __future__ import annotations

from django.urls import path

from coding_review.web import dataset_start, datasets, synthesis, synthesis_start, training, training_start

urlpatterns = [
    path("synthesis/", synthesis.syntheses, name="syntheses"),
    path("synthesis/new/", synthesis_start.synthesis_new, name="synthesis-new"),
    path("synthesis/<int:synthesis_id>/cancel/", synthesis_start.synthesis_cancel, name="synthesis-cancel"),
    path("synthesis/<int:synthesis_id>/", synthesis.synthesis, name="synthesis"),
    path(
        "synthesis/<int:synthesis_id>/charts/<int:position>/",
        synthesis.synthetic_chart,
        name="synthetic-chart",
    ),
    path("datasets/", datasets.datasets, name="datasets"),
    path("datasets/new/", dataset_start.dataset_new, name="dataset-new"),
    path("datasets/builds/<int:build_id>/", dataset_start.dataset_build, name="dataset-build"),
    path("datasets/builds/<int:build_id>/go/", dataset_start.dataset_build_go, name="dataset-build-go"),
    path(
        "datasets/builds/<int:build_id>/cancel/",
        dataset_start.dataset_build_cancel,
        name="dataset-build-cancel",
    ),
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
