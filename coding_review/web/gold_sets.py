"""Frozen sets: their list, manifest and export."""

from __future__ import annotations

import json
from collections import Counter
from tempfile import TemporaryFile

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.gold_exchange import export_gold
from coding_review.auth import require
from coding_review.models import GoldSet
from coding_review.rules.permissions import EXPORT_GOLD, EXPORT_PHI
from coding_review.web import words
from coding_review.web.downloads import CONTENT_TYPES
from coding_review.web.getters import HIDDEN
from coding_review.web.gold_getters import get_set, may_open_sets
from coding_review.web.gold_project_build import set_row
from coding_review.web.gold_project_page import Fact, SetPage, SetsPage, TombstoneRow
from coding_review.web.gold_projects import may


@require_GET
def gold_sets(request: HttpRequest) -> HttpResponse:
    if not may_open_sets(request.user):
        raise Http404(HIDDEN)
    rows = tuple(set_row(one) for one in GoldSet.objects.select_related("project").newest_first())
    page = SetsPage(rows=rows, can_export=may(request.user, EXPORT_GOLD))
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
        can_export=may(request.user, EXPORT_GOLD),
        text_line=_text_line(request, found),
        accepted=statuses["accepted"],
        rejected=statuses["rejected"],
    )
    return render(request, "coding_review/gold/set.html", {"page": page})


def _text_line(request: HttpRequest, found: GoldSet) -> str:
    if found.without_phi:
        return "With text: every document is synthetic or de-identified."
    if may(request.user, EXPORT_PHI):
        return "With text: you may export it. The export is told to the audit log."
    return "Ids and hashes only: text needs the right to export it."


@require_POST
def gold_set_export(request: HttpRequest, gold_set_id: int) -> FileResponse:
    """POST, because it is told to the audit log. The hash is in the header."""
    found = get_set(request.user, gold_set_id)
    require(request.user, EXPORT_GOLD)
    file = TemporaryFile()  # noqa: SIM115 - the response that sends it closes it
    try:
        written = export_gold(
            request.user,
            found.pk,
            out=file,
            with_text=found.without_phi or may(request.user, EXPORT_PHI),
        )
    except BaseException:
        file.close()
        raise
    file.seek(0)
    name = f"gold-set-{found.pk}-v{found.version}.jsonl"
    response = FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPES["jsonl"])
    response["X-Content-SHA256"] = written.sha256
    return response
