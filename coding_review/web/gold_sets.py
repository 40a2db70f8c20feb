"""Frozen sets: their list, manifest and export."""

from __future__ import annotations

import json
from collections import Counter
from tempfile import TemporaryFile

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.gold_exchange import export_gold
from coding_review.actions.gold_freeze import withdraw_gold_set_chart
from coding_review.auth import require
from coding_review.errors import InvalidDecision
from coding_review.models import GoldSet
from coding_review.rules.permissions import EXPORT_GOLD, EXPORT_PHI, MANAGE_GOLD
from coding_review.web import words
from coding_review.web.downloads import CONTENT_TYPES
from coding_review.web.forms import given
from coding_review.web.getters import HIDDEN
from coding_review.web.gold_forms import WithdrawFromSetForm
from coding_review.web.gold_getters import get_set, may_open_sets
from coding_review.web.gold_project_build import set_row
from coding_review.web.gold_project_page import Fact, SetPage, SetsPage, TombstoneRow
from coding_review.web.gold_projects import may

# Ids that the field of a withdrawal offers; any other can be typed.
OFFERED = 500


@require_GET
def gold_sets(request: HttpRequest) -> HttpResponse:
    if not may_open_sets(request.user):
        raise Http404(HIDDEN)
    rows = tuple(set_row(one) for one in GoldSet.objects.select_related("project").newest_first())
    page = SetsPage(
        rows=rows, can_export=may(request.user, EXPORT_GOLD), can_import=may(request.user, MANAGE_GOLD)
    )
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
        withdraw_from=tuple(found.charts.standing().values_list("chart_key", flat=True)[:OFFERED])
        if may(request.user, MANAGE_GOLD) and found.project_id is None
        else (),
        project_id=found.project_id if may(request.user, MANAGE_GOLD) else None,
        can_export=may(request.user, EXPORT_GOLD),
        text_line=_text_line(request, found),
        accepted=statuses["accepted"],
        rejected=statuses["rejected"],
    )
    return render(request, "coding_review/gold/set.html", {"page": page})


@require_POST
def gold_set_withdraw(request: HttpRequest, gold_set_id: int) -> HttpResponse:
    """A chart of an outside set, by its id there; one of a project's set is withdrawn on the project's page."""
    found = get_set(request.user, gold_set_id)
    require(request.user, MANAGE_GOLD)
    data = given(WithdrawFromSetForm(request.POST))
    chart = found.charts.filter(chart_key=data["chart"]).first()
    if chart is None:
        raise InvalidDecision("No chart of this set has this id.", field="chart")
    withdraw_gold_set_chart(request.user, chart.pk, reason=data["reason"])
    messages.success(request, f"Chart {chart.chart_key} is withdrawn. A tombstone stays in its place.")
    return redirect("web:gold-set", found.pk)


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
