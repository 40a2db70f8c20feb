"""Frozen sets: their list, manifest and export."""

from __future__ import annotations

import json
from collections import Counter

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from coding_review.models import GoldSet
from coding_review.web import words
from coding_review.web.getters import HIDDEN
from coding_review.web.gold_getters import get_set, may_open_sets
from coding_review.web.gold_project_build import set_row
from coding_review.web.gold_project_page import Fact, SetPage, SetsPage, TombstoneRow


@require_GET
def gold_sets(request: HttpRequest) -> HttpResponse:
    if not may_open_sets(request.user):
        raise Http404(HIDDEN)
    rows = tuple(set_row(one) for one in GoldSet.objects.select_related("project").newest_first())
    page = SetsPage(rows=rows)
    return render(request, "coding_review/gold/sets.html", {"page": page})


@require_GET
def gold_set(request: HttpRequest, gold_set_id: int) -> HttpResponse:
    found = get_set(request.user, gold_set_id)
    statuses = Counter(found.charts.standing().values_list("labels__status", flat=True))
    signer = found.frozen_by
    facts = (
        Fact("Purpose", found.get_purpose_display()),
        Fact("Project", found.project.name if found.project else "from outside"),
        Fact("Frozen", words.moment(found.frozen_at)),
        Fact("Signed by", (signer.get_full_name() or signer.get_username()) if signer else "import"),
    )
    page = SetPage(
        row=set_row(found),
        facts=facts,
        manifest=json.dumps(found.manifest, indent=2, ensure_ascii=False, sort_keys=True),
        tombstones=tuple(
            TombstoneRow(chart.chart_key, words.day(chart.tombstone.at, year=True), chart.tombstone.reason)
            for chart in found.charts.filter(tombstone__isnull=False).select_related("tombstone")
        ),
        accepted=statuses["accepted"],
        rejected=statuses["rejected"],
    )
    return render(request, "coding_review/gold/set.html", {"page": page})
