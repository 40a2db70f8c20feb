"""How often the findings of each code edit are overridden, for leads, auditors and admins."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from catalog.edits.engine import EDITION
from coding_review.auth import require
from coding_review.override_share import OF_AT_LEAST, TOLD_ABOVE, override_shares
from coding_review.rules.permissions import VIEW_CHECKS


@require_GET
def checks(request: HttpRequest) -> HttpResponse:
    require(request.user, VIEW_CHECKS)
    rows = override_shares()
    context = {
        "rows": [(row, round(100 * (row.share or 0))) for row in rows],
        "told": [row for row in rows if row.told],
        "above": round(100 * TOLD_ABOVE),
        "at_least": OF_AT_LEAST,
        "edition": EDITION,
    }
    return render(request, "coding_review/checks.html", context)
