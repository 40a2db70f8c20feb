"""An outside gold set from a file: looked at first, with what is wrong line by line, then taken in whole."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from coding_review.actions.gold_exchange import import_gold, preview_gold
from coding_review.auth import require
from coding_review.choices import GoldSetKind, GoldSetPurpose
from coding_review.errors import InvalidImport, NotAllowed, ReviewError
from coding_review.rules.permissions import MANAGE_GOLD
from coding_review.web.forms import first_error
from coding_review.web.gold_labels import LabelsForm
from coding_review.web.http import is_htmx
from coding_review.web.review import to
from coding_review.web.words import count

PAGE = "coding_review/gold/import.html"
FOUND = "coding_review/gold/_import_found.html"


class GoldImportForm(LabelsForm):
    """`sha256`: of the file that was looked at; without it the file is only looked at."""

    name = forms.CharField(max_length=120, label="Name", help_text="Of a known name the next version comes.")
    purpose = forms.ChoiceField(
        choices=GoldSetPurpose.choices,
        initial=GoldSetPurpose.EVALUATION,
        label="Purpose",
        help_text="Cannot be changed afterwards.",
    )
    kind = forms.ChoiceField(
        choices=GoldSetKind.choices,
        initial=GoldSetKind.SINGLE_READ,
        label="How it was read",
        help_text="As its makers say: only what two people read and a third settled is called gold.",
    )
    without_phi = forms.BooleanField(
        required=False,
        label="Every document is synthetic or de-identified",
        help_text="Its text may then be exported without the right to export patient data.",
    )
    field_order = ("name", "purpose", "kind", "without_phi", "file", "sha256")

    def about(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("name", "purpose", "kind")}


@require_http_methods(["GET", "POST"])
def gold_import(request: HttpRequest) -> HttpResponse:
    require(request.user, MANAGE_GOLD)
    if request.method == "GET":
        return render(request, PAGE, {"form": GoldImportForm()})
    form = GoldImportForm(request.POST, request.FILES)
    context: dict[str, Any] = {"form": form}
    status = 200
    try:
        if not form.is_valid():
            raise InvalidImport(first_error(form), errors=[], count=0)
        data, lines = form.cleaned_data, form.cleaned_data["file"]
        if data["sha256"]:
            made = import_gold(
                request.user,
                lines,
                sha256=data["sha256"],
                without_phi=data["without_phi"],
                **form.about(),
            )
            messages.success(
                request, f"{made} is frozen: {count(made.manifest['counts']['charts'], 'chart')}."
            )
            return to(request, reverse("web:gold-set", args=[made.pk]))
        context["found"] = preview_gold(request.user, lines, **form.about())
    except NotAllowed:
        raise
    except ReviewError as error:
        context |= {"error": error.message, "errors": error.data.get("errors", ())}
        status = error.status
    return render(request, FOUND if is_htmx(request) else PAGE, context, status=status)
