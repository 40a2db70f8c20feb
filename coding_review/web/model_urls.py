from django.urls import URLPattern, path

from coding_review.web import drift, models

urlpatterns: list[URLPattern] = [
    path("models/", models.models, name="models"),
    path("models/drift/", drift.drift, name="drift"),
    path("models/<int:version_id>/", models.model_version, name="model-version"),
    path("models/<int:version_id>/evaluate/", models.model_evaluate, name="model-evaluate"),
    path("models/<int:version_id>/promote/", models.model_promote, name="model-promote"),
    path("models/<int:version_id>/rollback/", models.model_rollback, name="model-rollback"),
    path("models/<int:version_id>/canary/", models.model_canary, name="model-canary"),
    path("models/<int:version_id>/shadow/", models.model_shadow, name="model-shadow"),
]
