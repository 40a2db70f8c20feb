"""Model versions: the list, one with its gate and comparison, promote, go back, canary, shadow, evaluate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.evaluate_version import evaluate_baseline, evaluate_version
from coding_review.actions.promotion import promote, rollback, set_canary, set_shadow, trained_by
from coding_review.auth import RoleBackend, require
from coding_review.errors import InvalidDecision
from coding_review.promotion import gate_of
from coding_review.rules.permissions import OVERRIDE_GATE, PROMOTE_MODEL, RUN_EVALUATION, VIEW_EVALUATION
from coding_review.web import model_page as page
from coding_review.web.getters import HIDDEN
from coding_review.web.http import is_htmx
from modelops.models import ModelVersion, Promotion

VERSIONS_A_PAGE, ACTS_SHOWN = 50, 20
_TEMPLATES = "coding_review/models"
# What an emergency leaves no time to write.
_BACK = "Back to the version before."


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=1000, label="Reason", help_text="Kept with the act. No words of a record."
    )


class GateForm(ReasonForm):
    """`compared`: the runs that the page showed, as "12-7,13-8"; `serving`: what served then; `against`: the engine
    that the version was held against where none did."""

    serving = forms.IntegerField(required=False, widget=forms.HiddenInput)
    against = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    compared = forms.RegexField(
        r"^(\d{1,18}-\d{1,18}(,\d{1,18}-\d{1,18})*)?$", required=False, widget=forms.HiddenInput
    )
    seen = forms.BooleanField(label="I have looked at the comparison")
    override = forms.BooleanField(required=False, label="Although the gate does not pass")

    def pairs(self) -> list[tuple[int, int]]:
        told = self.cleaned_data["compared"]
        pairs = (pair.split("-") for pair in told.split(",") if pair)
        return [(int(a), int(b)) for a, b in pairs]


class CanaryForm(GateForm):
    percent = forms.FloatField(
        min_value=0, max_value=100, label="Share of charts, in percent", help_text="0 ends the canary."
    )
    field_order = ("percent",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Ending one needs no comparison.
        self.fields["seen"].required = False

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("percent") and not values.get("seen"):
            self.add_error("seen", "Look at the comparison first.")
        return values


class ShadowForm(ReasonForm):
    on = forms.TypedChoiceField(
        choices=(("1", "On"), ("0", "Off")), coerce=lambda value: value == "1", label="Ask in shadow"
    )
    field_order = ("on",)


def get_version_for(user: Any, pk: int) -> ModelVersion:
    """Raises NotAllowed, Http404. A version holds no text of records: the right alone decides."""
    require(user, VIEW_EVALUATION)
    versions = ModelVersion.objects.select_related("dataset", "job", "trained_by")
    version = versions.filter(pk=pk).first()
    if version is None:
        raise Http404(HIDDEN)
    return version


@require_GET
def models(request: HttpRequest) -> HttpResponse:
    require(request.user, VIEW_EVALUATION)
    versions = ModelVersion.objects.newest_first().select_related("dataset", "trained_by")
    found = Paginator(versions, VERSIONS_A_PAGE).get_page(request.GET.get("page"))
    acts = Promotion.objects.newest_first().select_related("model_version", "replaced", "by")
    context = {
        "rows": [page.version_row(version) for version in found],
        "found": found,
        "acts": [page.done(row) for row in acts[:ACTS_SHOWN]],
    }
    return render(request, f"{_TEMPLATES}/list.html", context)


@require_GET
def model_version(request: HttpRequest, version_id: int) -> HttpResponse:
    """For its own poll nothing (204) while a worker has its files to compare, then what is known of the version."""
    version = get_version_for(request.user, version_id)
    if is_htmx(request):
        if page.being_compared(version):
            return HttpResponse(status=204)
        return render(
            request, f"{_TEMPLATES}/_terms.html", {"version": version, "facts": page.facts(version)}
        )
    against = request.GET.get("against", "")
    return _page(request, version, against=against if against in settings.ENGINES else "")


def _page(
    request: HttpRequest,
    version: ModelVersion,
    *,
    status: int = 200,
    against: str = "",
    **given: forms.Form,
) -> HttpResponse:
    user = cast(User, request.user)
    may = RoleBackend().has_perm
    gate = gate_of(version, against)
    shown = {
        "serving": gate.serving.pk if gate.serving else None,
        "against": gate.baseline,
        "compared": ",".join(f"{a}-{b}" for a, b in gate.pairs),
    }
    acts = Promotion.objects.about(version).newest_first().select_related("model_version", "replaced", "by")
    context = {
        "version": version,
        "facts": page.facts(version),
        "polls": page.being_compared(version),
        "serving": gate.serving,
        "baseline": gate.baseline,
        "baselines": sorted(settings.ENGINES),
        "lacking": gate.baseline and page.not_measured(gate),
        "passes": gate.passes,
        "gate": page.gate_lines(gate.rows),
        "compared": page.compared_lines(gate),
        "shadow": page.shadow_figures(version),
        "acts": [page.done(row) for row in acts[:ACTS_SHOWN]],
        "jobs": page.under_way(version, gate),
        "not_done": page.not_done(version, gate),
        "own": trained_by(user, version),
        "may_promote": may(user, PROMOTE_MODEL),
        "may_override": may(user, OVERRIDE_GATE),
        "may_evaluate": may(user, RUN_EVALUATION),
        "may_go_back": version.active and bool(Promotion.objects.versions_before(version.engine)),
        "promote_form": given.get("promote") or GateForm(initial=shown, prefix="promote"),
        "rollback_form": given.get("rollback") or ReasonForm(initial={"reason": _BACK}, prefix="rollback"),
        "canary_form": given.get("canary")
        or CanaryForm(initial=shown | {"percent": 100 * version.canary_share}, prefix="canary"),
        "shadow_form": given.get("shadow")
        or ShadowForm(initial={"on": "1" if version.shadow else "0"}, prefix="shadow"),
    }
    return render(request, f"{_TEMPLATES}/version.html", context, status=status)


@require_POST
def model_promote(request: HttpRequest, version_id: int) -> HttpResponse:
    form = GateForm(request.POST, prefix="promote")
    return _act(
        request,
        version_id,
        "promote",
        form,
        lambda: promote(
            request.user,
            version_id,
            serving_id=form.cleaned_data["serving"],
            compared=form.pairs(),
            reason=form.cleaned_data["reason"],
            override=form.cleaned_data["override"],
            against=form.cleaned_data["against"],
        ),
    )


@require_POST
def model_rollback(request: HttpRequest, version_id: int) -> HttpResponse:
    """`version_id`: the one that serves and goes."""
    form = ReasonForm(request.POST, prefix="rollback")
    version = _may_promote(request, version_id)
    return _act(
        request,
        version_id,
        "rollback",
        form,
        lambda: rollback(
            request.user, version.engine, serving_id=version_id, reason=form.cleaned_data["reason"]
        ),
    )


@require_POST
def model_canary(request: HttpRequest, version_id: int) -> HttpResponse:
    form = CanaryForm(request.POST, prefix="canary")
    return _act(
        request,
        version_id,
        "canary",
        form,
        lambda: set_canary(
            request.user,
            version_id,
            share=form.cleaned_data["percent"] / 100,
            compared=form.pairs(),
            reason=form.cleaned_data["reason"],
            override=form.cleaned_data["override"],
            against=form.cleaned_data["against"],
        ),
    )


@require_POST
def model_shadow(request: HttpRequest, version_id: int) -> HttpResponse:
    form = ShadowForm(request.POST, prefix="shadow")
    return _act(
        request,
        version_id,
        "shadow",
        form,
        lambda: set_shadow(
            request.user, version_id, on=form.cleaned_data["on"], reason=form.cleaned_data["reason"]
        ),
    )


@require_POST
def model_evaluate(request: HttpRequest, version_id: int) -> HttpResponse:
    require(request.user, RUN_EVALUATION)
    version = get_version_for(request.user, version_id)
    baseline = request.POST.get("baseline", "")
    if baseline:
        evaluate_baseline(request.user, version.pk, baseline)
        address = reverse("web:model-version", args=[version.pk])
        return redirect(f"{address}?{urlencode({'against': baseline})}")
    evaluate_version(request.user, version.pk)
    return redirect("web:model-version", version.pk)


def _may_promote(request: HttpRequest, version_id: int) -> ModelVersion:
    require(request.user, PROMOTE_MODEL)
    return get_version_for(request.user, version_id)


def _act(
    request: HttpRequest, version_id: int, name: str, form: forms.Form, act: Callable[[], Promotion]
) -> HttpResponse:
    version = _may_promote(request, version_id)
    if not form.is_valid():
        return _page(request, version, status=422, against=_against(form), **{name: form})
    try:
        act()
    except InvalidDecision as error:
        field = error.data.get("field")
        form.add_error(field if field in form.fields else None, error.message)
        return _page(request, version, status=error.status, against=_against(form), **{name: form})
    return redirect("web:model-version", version_id)


def _against(form: forms.Form) -> str:
    told = form.data.get(form.add_prefix("against"), "")
    return told if told in settings.ENGINES else ""
