"""Dataset versions: the list, and one with its manifest."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from coding_review.auth import require
from coding_review.rules.permissions import VIEW_TRAINING
from coding_review.web.datasets_page import dataset_page, dataset_row
from coding_review.web.getters import HIDDEN
from modelops.models import DatasetVersion

_A_PAGE = 50
_TEMPLATES = "coding_review/datasets"


def get_dataset_for(user: Any, pk: int) -> DatasetVersion:
    """Raises NotAllowed, Http404. The row holds figures, ids and codes, no text: the right alone decides."""
    require(user, VIEW_TRAINING)
    dataset = DatasetVersion.objects.select_related("created_by").filter(pk=pk).first()
    if dataset is None:
        raise Http404(HIDDEN)
    return dataset


@require_GET
def datasets(request: HttpRequest) -> HttpResponse:
    require(request.user, VIEW_TRAINING)
    versions = DatasetVersion.objects.newest_first().select_related("created_by")
    found = Paginator(versions, _A_PAGE).get_page(request.GET.get("page"))
    context = {"rows": [dataset_row(version) for version in found], "found": found}
    return render(request, f"{_TEMPLATES}/list.html", context)


@require_GET
def dataset(request: HttpRequest, dataset_id: int) -> HttpResponse:
    version = get_dataset_for(request.user, dataset_id)
    return render(request, f"{_TEMPLATES}/dataset.html", {"page": dataset_page(version)})
