"""Addresses for drawing pages from hand-made data: every name that review_page.py and worklist_page.py list."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from coding_review.web.urls import urlpatterns as real


def nothing(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse(status=204)


GOLD = {
    "gold-projects": "gold/",
    "gold-new": "gold/new/",
    "gold-sets": "gold/sets/",
    "gold-set": "gold/sets/<int:gold_set_id>/",
    "gold-set-export": "gold/sets/<int:gold_set_id>/export/",
    "gold-project": "gold/<int:project_id>/",
    "gold-agreement": "gold/<int:project_id>/agreement/",
    "gold-reader-add": "gold/<int:project_id>/readers/",
    "gold-sample": "gold/<int:project_id>/charts/",
    "gold-seed": "gold/<int:project_id>/checks/",
    "gold-codebook": "gold/<int:project_id>/codebook/",
    "gold-open": "gold/<int:project_id>/open/",
    "gold-close-reading": "gold/<int:project_id>/close/",
    "gold-freeze": "gold/<int:project_id>/freeze/",
    "gold-withdraw-chart": "gold/charts/<int:chart_id>/withdraw/",
    "gold-next": "gold/<int:project_id>/next/",
    "gold-reading": "gold/reading/<int:reading_id>/",
    "gold-judge": "gold/reading/<int:reading_id>/labels/<int:label_id>/",
    "gold-pick": "gold/reading/<int:reading_id>/pick/",
    "gold-add": "gold/reading/<int:reading_id>/add/",
    "gold-withdraw-addition": "gold/reading/<int:reading_id>/additions/<int:addition_id>/withdraw/",
    "gold-finish": "gold/reading/<int:reading_id>/finish/",
    "gold-adjudicate-next": "gold/<int:project_id>/adjudicate/",
    "gold-adjudication": "gold/<int:project_id>/adjudicate/<int:chart_id>/",
    "gold-rule": "gold/adjudications/<int:adjudication_id>/rule/",
    "gold-rule-undo": "gold/adjudications/<int:adjudication_id>/undo/",
    "gold-close": "gold/adjudications/<int:adjudication_id>/close/",
    "gold-overruled": "gold/<int:project_id>/overruled/",
    "gold-reply": "gold/rulings/<int:ruling_id>/reply/",
}
ROUTES = (
    GOLD
    | {
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
    }
    | {
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
)
_known = {pattern.name for pattern in real}
web = [*real, *(path(route, nothing, name=name) for name, route in ROUTES.items() if name not in _known)]
urlpatterns = [
    path("codes/", include("catalog.web.urls")),
    path("api/", include("coding_review.api.urls")),
    path("", include((web, "web"))),
]
