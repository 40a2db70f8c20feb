"""Ask for an evaluation from the browser: the form, how far it is, cancel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from coding_review.actions.queue_evaluation import MAX_BYTES, cancel_evaluation, queue_evaluation
from coding_review.auth import RoleBackend, require
from coding_review.choices import GoldSetPurpose
from coding_review.errors import InvalidDecision, InvalidImport
from coding_review.evaluation_predictions import engines_of
from coding_review.models import EvaluationJob, GoldSet
from coding_review.rules.permissions import RUN_EVALUATION, VIEW_EVALUATION
from coding_review.web.form_marks import mark_errors
from coding_review.web.getters import HIDDEN
from coding_review.web.http import is_htmx
from modelops.choices import Band
from modelops.evaluation_catalog import domain_codes

_TEMPLATES = "coding_review/evaluation"
_BANDS = (
    (Band.LOW, "All predictions"),
    (Band.MEDIUM, "High and medium confidence"),
    (Band.HIGH, "High confidence alone"),
)


if TYPE_CHECKING:
    # Generic in the stubs only.
    _SetField = forms.ModelChoiceField[GoldSet]
else:
    _SetField = forms.ModelChoiceField


class _GoldSetField(_SetField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}, version {obj.version} ({obj.get_kind_display().lower()})"


class StartForm(forms.Form):
    gold_set = _GoldSetField(
        queryset=GoldSet.objects.none(),
        label="Gold set",
        empty_label=None,
        help_text="Sets that were frozen for evaluation.",
    )
    engine = forms.ChoiceField(
        required=False,
        label="Predictions of an engine",
        help_text="Its newest stored predictions on the set's charts, from the text as it was frozen.",
    )
    file = forms.FileField(
        required=False,
        label="Or a file of predictions",
        widget=forms.ClearableFileInput(attrs={"accept": ".jsonl"}),
        help_text=f"JSONL, one prediction a line, at most {MAX_BYTES // 1024 // 1024} MiB. "
        "Quotes and rationales in it are not kept.",
    )
    least_band = forms.ChoiceField(choices=_BANDS, initial=Band.LOW, label="Predictions that count")
    domains = forms.MultipleChoiceField(
        required=False, label="Domain filter", widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sets = GoldSet.objects.newest_first().filter(purpose=GoldSetPurpose.EVALUATION)
        cast(_GoldSetField, self.fields["gold_set"]).queryset = sets
        engines = engines_of(sets)
        cast(forms.ChoiceField, self.fields["engine"]).choices = [
            ("", "None: I send a file"),
            *((name, name) for name in engines),
        ]
        self.fields["engine"].initial = engines[0] if engines else ""
        loaded = sorted(domain_codes()[0])
        cast(forms.MultipleChoiceField, self.fields["domains"]).choices = [
            (name, name.replace("_", " ").capitalize().replace("Sdoh", "Social determinants of health"))
            for name in loaded
        ]
        self.fields["domains"].initial = loaded

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        # A file goes before the engine that the form has chosen by itself.
        if values.get("file"):
            values["engine"] = ""
        elif not values.get("engine"):
            self.add_error("file", "Choose an engine, or send a file.")
        return values


@require_http_methods(["GET", "POST"])
def evaluation_new(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    require(user, RUN_EVALUATION)
    if request.method != "POST":
        return _form(request, StartForm())
    form = StartForm(request.POST, request.FILES)
    if not form.is_valid():
        return _form(request, form, status=422)
    file: UploadedFile[Any] | None = form.cleaned_data["file"]
    try:
        job = queue_evaluation(
            user,
            form.cleaned_data["gold_set"].pk,
            engine=form.cleaned_data["engine"],
            upload=cast(Any, file) or None,
            domains=form.cleaned_data["domains"],
            least_band=form.cleaned_data["least_band"],
        )
    except InvalidDecision as error:
        form.add_error(error.data.get("field"), error.message)
        return _form(request, form, status=error.status)
    except InvalidImport as error:
        form.add_error("file", error.message)
        return _form(request, form, errors=error.data["errors"], status=error.status)
    return redirect("web:evaluation-job", job.pk)


def _form(
    request: HttpRequest, form: StartForm, *, errors: list[dict[str, Any]] | None = None, status: int = 200
) -> HttpResponse:
    mark_errors(form)
    return render(request, f"{_TEMPLATES}/new.html", {"form": form, "errors": errors or []}, status=status)


@require_GET
def evaluation_job(request: HttpRequest, job_id: int) -> HttpResponse:
    """The job's page; for its own poll only what changes."""
    require(request.user, VIEW_EVALUATION)
    job = (
        EvaluationJob.objects.select_related("gold_set", "created_by", "run", "model_version")
        .filter(pk=job_id)
        .first()
    )
    if job is None:
        raise Http404(HIDDEN)
    context = {
        "job": job,
        "bands": dict(_BANDS)[Band(job.least_band)],
        "may_cancel": job.is_open and RoleBackend().has_perm(cast(User, request.user), RUN_EVALUATION),
    }
    name = "_job.html" if is_htmx(request) else "job.html"
    return render(request, f"{_TEMPLATES}/{name}", context)


@require_POST
def evaluation_cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """A job that has ended meanwhile is shown as it ended."""
    require(request.user, RUN_EVALUATION)
    job = EvaluationJob.objects.filter(pk=job_id).first()
    if job is None:
        raise Http404(HIDDEN)
    if job.is_open:
        cancel_evaluation(request.user, job.pk)
    return redirect("web:evaluation-job", job_id)
