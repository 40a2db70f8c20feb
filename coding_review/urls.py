"""All addresses: pages, encoder, API."""

from django.urls import include, path

urlpatterns = [
    path("codes/", include("catalog.web.urls")),
    path("api/", include("coding_review.api.urls")),
    path("", include("coding_review.web.urls")),
]
