"""All addresses: pages, encoder, API."""

from django.urls import include, path

handler500 = "coding_review.web.http.server_failed"

urlpatterns = [
    path("codes/", include("catalog.web.urls")),
    path("api/", include("coding_review.api.urls")),
    path("", include("coding_review.web.urls")),
]
