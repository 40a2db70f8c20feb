"""Labels for a gold project from a file: looked at first, with what is wrong line by line, then taken in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from coding_review.actions.gold_labels import label_gold_charts, preview_gold_labels
from coding_review.auth import require
from coding_review.errors import InvalidImport, NotAllowed, ReviewError
from coding_review.rules.permissions import MANAGE_GOLD
from coding_review.web.forms import first_error
from coding_review.web.gold_getters import get_project
from coding_review.web.http import is_htmx
from coding_review.web.review import to
from coding_review.web.words import count

MAX_UPLOAD = 20 * 1024 * 1024
PAGE = "coding_review/gold/labels.html"
FOUND = "coding_review/gold/_labels_found.html"


class LabelsForm(forms.Form):
    """`sha256`: of the file that was looked at; without it the file is only looked at."""

    file = forms.FileField(label="File")
    sha256 = forms.CharField(required=False, max_length=64)

    def clean_file(self) -> UploadedFile[Any]:
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_UPLOAD:
            raise forms.ValidationError("over 20 MiB")
        return file


@require_http_methods(["GET", "POST"])
def gold_labels(request: HttpRequest, project_id: int) -> HttpResponse:
    project = get_project(request.user, project_id)
    require(request.user, MANAGE_GOLD)
    context: dict[str, Any] = {"project": project}
    if request.method == "GET":
        return render(request, PAGE, context)
    form = LabelsForm(request.POST, request.FILES)
    status = 200
    try:
        if not form.is_valid():
            raise InvalidImport(first_error(form), errors=[], count=0)
        sha256, lines = form.cleaned_data["sha256"], form.cleaned_data["file"]
        if sha256:
            made = label_gold_charts(request.user, project.pk, lines, sha256=sha256)
            messages.success(request, f"{count(made, 'label')} taken in.")
            return to(request, reverse("web:gold-project", args=[project.pk]))
        context["found"] = preview_gold_labels(request.user, project.pk, lines)
    except NotAllowed:
        raise
    except ReviewError as error:
        context |= {"error": error.message, "errors": error.data.get("errors", ())}
        status = error.status
    return render(request, FOUND if is_htmx(request) else PAGE, context, status=status)
