"""Addresses for drawing pages from hand-made data: every name that review_page.py and worklist_page.py list."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from coding_review.web.urls import urlpatterns as real


def nothing(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse(status=204)


ROUTES = {
    "worklist": "",
    "worklist-search": "search/",
    "next": "next/",
    "encounter": "encounters/<int:encounter_id>/",
    "review": "encounters/<int:encounter_id>/<str:claim_type>/",
    "encounter-hold": "encounters/<int:encounter_id>/act/hold/",
    "encounter-resume": "encounters/<int:encounter_id>/act/resume/",
    "encounter-skip": "encounters/<int:encounter_id>/act/skip/",
    "encounter-take": "encounters/<int:encounter_id>/act/take/",
    "entry-decide": "entries/<int:entry_id>/decide/",
    "entry-set": "entries/<int:entry_id>/set/",
    "alert-seen": "alerts/<int:alert_id>/seen/",
    "code-set-export": "code-sets/<int:code_set_id>/export.<str:format>",
} | {
    name: f"code-sets/<int:code_set_id>/{name}/"
    for name in (
        "entry-add",
        "code-pick",
        "code-set-undo",
        "code-set-redo",
        "code-set-dismiss-low",
        "code-set-reveal",
        "code-set-sign-off",
        "code-set-reopen",
        "code-set-exposures",
        "code-set-active",
    )
}
_known = {pattern.name for pattern in real}
web = [*real, *(path(route, nothing, name=name) for name, route in ROUTES.items() if name not in _known)]
urlpatterns = [
    path("codes/", include("catalog.web.urls")),
    path("api/", include("coding_review.api.urls")),
    path("", include((web, "web"))),
]
