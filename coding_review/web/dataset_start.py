"""Ask for a dataset: the form, what it would have, the build, and taking it back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coding_review.actions.queue_dataset import cancel_dataset, queue_dataset
from coding_review.auth import RoleBackend, require
from coding_review.dataset_asked import from_json
from coding_review.errors import InvalidDecision, WrongStatus
from coding_review.models import DatasetBuild, TrainingAuthority
from coding_review.rules.permissions import BUILD_DATASET, VIEW_TRAINING
from coding_review.web.dataset_build_page import build_page
from coding_review.web.dataset_form import DatasetForm, initial_of
from coding_review.web.form_marks import mark_errors
from coding_review.web.http import is_htmx
from coding_review.web.kept_pages import one_for

_TEMPLATES = "coding_review/datasets"


def get_build_for(user: Any, pk: int, permission: str = VIEW_TRAINING) -> DatasetBuild:
    """Raises NotAllowed, Http404."""
    return one_for(user, DatasetBuild.objects.select_related("created_by", "dataset"), permission, pk=pk)


@require_http_methods(["GET", "POST"])
def dataset_new(request: HttpRequest) -> HttpResponse:
    """`like`: a build whose fields the form begins with. A POST looks at what the dataset would have, first of all."""
    require(request.user, BUILD_DATASET)
    if request.method != "POST":
        return _page(request, DatasetForm(initial=_like(request)))
    form = DatasetForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    try:
        build = queue_dataset(request.user, form.cleaned_data["name"], form.asked(), only_looks=True)
    except InvalidDecision as error:
        field = {"augment": "composites"}.get(error.data["field"], error.data["field"])
        form.add_error(field, error.message)
        return _page(request, form, error.status)
    return redirect("web:dataset-build", build.pk)


@require_GET
def dataset_build(request: HttpRequest, build_id: int) -> HttpResponse:
    """For its own poll only what changes."""
    build = get_build_for(request.user, build_id)
    context = {
        "page": build_page(build),
        "may_act": RoleBackend().has_perm(request.user, BUILD_DATASET),
    }
    return render(request, f"{_TEMPLATES}/{'_build' if is_htmx(request) else 'build'}.html", context)


@require_POST
def dataset_build_go(request: HttpRequest, build_id: int) -> HttpResponse:
    """Builds what was looked at; after a refusal without the charts that it named.

    Raises NotAllowed, Http404, InvalidDecision, WrongStatus.
    """
    before = get_build_for(request.user, build_id, BUILD_DATASET)
    if before.is_open:
        raise WrongStatus("It has not ended yet.", status=before.status)
    asked = from_json(before.asked)
    leaks = before.found.get("leaks")
    if leaks:
        asked = asked.without(tuple(leaks["examples"]))
    build = queue_dataset(request.user, before.name, asked, only_looks=False)
    return redirect("web:dataset-build", build.pk)


@require_POST
def dataset_build_cancel(request: HttpRequest, build_id: int) -> HttpResponse:
    """A build that has ended meanwhile is shown as it ended."""
    build = get_build_for(request.user, build_id, BUILD_DATASET)
    with suppress(WrongStatus):
        cancel_dataset(request.user, build.pk)
    return redirect("web:dataset-build", build.pk)


def _like(request: HttpRequest) -> dict[str, Any]:
    asked = request.GET.get("like", "")
    build = (
        DatasetBuild.objects.filter(pk=int(asked)).first() if asked.isdecimal() and len(asked) < 19 else None
    )
    return initial_of(build.name, build.asked) if build else {}


def _page(request: HttpRequest, form: DatasetForm, status: int = 200) -> HttpResponse:
    mark_errors(form)
    authorities = TrainingAuthority.objects.in_force(timezone.localdate())
    context = {
        "form": form,
        "bases": bool(cast(forms.ChoiceField, form.fields["tokenizer"]).choices),
        "authorities": authorities.values("encounter").distinct().count(),
    }
    return render(request, f"{_TEMPLATES}/new.html", context, status=status)
