"""Ask for synthetic charts: the form, and taking it back."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from coding_review.actions.queue_synthesis import (
    MOST_CHARTS,
    MOST_SEED,
    NAME,
    cancel_synthesis,
    queue_synthesis,
)
from coding_review.auth import require
from coding_review.errors import InvalidDecision, WrongStatus
from coding_review.rules.permissions import WRITE_CHARTS
from coding_review.web.form_marks import mark_errors
from coding_review.web.synthesis import get_run_for
from coding_review.web.synthesis_words import DOMAINS, style_words
from modelops.choices import SynthesisKind, SynthesisWriter
from modelops.synthesis.procedures import specialties
from modelops.synthesis.sources import Asked
from modelops.synthesis.tables import styles

_TEMPLATE = "coding_review/synthesis/new.html"
_DIAGNOSES = ("domain", "style", "least", "most")


class SynthesisForm(forms.Form):
    name = forms.CharField(label="Name", max_length=NAME, help_text="Datasets take a run by its name.")
    kind = forms.ChoiceField(
        label="About", choices=SynthesisKind.choices, initial=SynthesisKind.ICD10CM, widget=forms.RadioSelect
    )
    writer = forms.ChoiceField(
        label="Writer",
        choices=SynthesisWriter.choices,
        initial=SynthesisWriter.EMBEDDED,
        widget=forms.RadioSelect,
    )
    count = forms.IntegerField(
        label="Charts",
        min_value=1,
        initial=1000,
        help_text=f"At most {MOST_CHARTS[SynthesisWriter.EMBEDDED]:,} by the embedded writer, "
        f"{MOST_CHARTS[SynthesisWriter.LLM]:,} by a language model.",
    )
    seed = forms.IntegerField(
        label="Seed",
        min_value=0,
        max_value=MOST_SEED - 1,
        initial=1,
        help_text="The embedded writer writes the same charts for the same seed.",
    )
    domain = forms.ChoiceField(
        label="Domain",
        required=False,
        choices=[("", "All codes"), *DOMAINS.items()],
        help_text="Of the seed codes.",
    )
    style = forms.ChoiceField(label="Style", required=False)
    codes = forms.CharField(
        label="Codes",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="These alone, set apart by spaces; or a number: so many common ones. Empty: all that can be written "
        "about.",
    )
    least = forms.IntegerField(label="Fewest codes beside the seed", min_value=0, max_value=20, initial=2)
    most = forms.IntegerField(label="Most codes beside the seed", min_value=0, max_value=20, initial=9)
    retrieve = forms.BooleanField(
        label="Keep what the catalog's lookup finds for each line (slow)", required=False
    )
    specialty = forms.ChoiceField(label="Specialty", required=False)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        named = sorted(((name, style_words(name)) for name in styles()), key=lambda pair: pair[1])
        known = [(name, name.capitalize()) for name in specialties()]
        for field, all_of_them, names in (
            ("style", "All styles", named),
            ("specialty", "All specialties", known),
        ):
            cast(forms.ChoiceField, self.fields[field]).choices = [("", all_of_them), *names]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if values.get("most", 0) < values.get("least", 0):
            self.add_error("most", "Not below the fewest.")
        return values

    def asked(self) -> Asked:
        """After is_valid(). Fields of the other kind count for nothing."""
        values = self.cleaned_data
        common = {name: values[name] for name in ("kind", "writer", "seed", "count")}
        if values["kind"] == SynthesisKind.PROCEDURES:
            return Asked(**common, specialty=values["specialty"])
        return Asked(
            **common,
            domain=values["domain"],
            style=values["style"],
            codes=tuple(values["codes"].replace(",", " ").upper().split()),
            companions=(values["least"], values["most"]),
            retrieve=values["retrieve"],
        )


@require_http_methods(["GET", "POST"])
def synthesis_new(request: HttpRequest) -> HttpResponse:
    require(request.user, WRITE_CHARTS)
    if request.method != "POST":
        return _page(request, SynthesisForm())
    form = SynthesisForm(request.POST)
    if not form.is_valid():
        return _page(request, form, 422)
    try:
        run = queue_synthesis(request.user, form.cleaned_data["name"], form.asked())
    except InvalidDecision as error:
        form.add_error(error.data.get("field"), error.message)
        return _page(request, form, error.status)
    return redirect("web:synthesis", run.pk)


@require_POST
def synthesis_cancel(request: HttpRequest, synthesis_id: int) -> HttpResponse:
    """A run that has ended meanwhile is shown as it ended."""
    run = get_run_for(request.user, synthesis_id, WRITE_CHARTS)
    with suppress(WrongStatus):
        cancel_synthesis(request.user, run.pk)
    return redirect("web:synthesis", run.pk)


def _page(request: HttpRequest, form: SynthesisForm, status: int = 200) -> HttpResponse:
    mark_errors(form)
    context = {"form": form, "diagnoses": [form[name] for name in _DIAGNOSES]}
    return render(request, _TEMPLATE, context, status=status)
