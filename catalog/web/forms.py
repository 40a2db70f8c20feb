"""What the encoder pages are asked, and which release that means."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms

from catalog import queries
from catalog.choices import CodeSystem, NodeKind
from catalog.errors import NoRelease
from catalog.models import Release

MAX_QUERY = 200


class ReleaseForm(forms.Form):
    """The release by its number, else the one valid on a day, else the one valid today."""

    release = forms.ModelChoiceField(Release.objects.for_status(), required=False)
    on = forms.DateField(required=False, label="Valid on", widget=forms.DateInput(attrs={"type": "date"}))
    q = forms.CharField(required=False, max_length=MAX_QUERY)
    kind = forms.ChoiceField(choices=[("", ""), *NodeKind.choices], required=False)
    # Of the search page; the page of a code has its system in its address.
    system = forms.ChoiceField(choices=CodeSystem.choices, required=False)

    def chosen(self, system: str) -> Release:
        """Raises NoRelease where a day was named that no loaded release of the system covers.

        Nobody is coded by these pages, so without a named release or day the newest one stands in where
        today has none; the page says so (`stands_in`).
        """
        release: Release | None = self.cleaned_data.get("release")
        if release is not None:
            if release.system != system:
                raise NoRelease(system, None)
            return release
        on: dt.date | None = self.cleaned_data.get("on")
        if on is not None:
            return queries.release_for(system, on)
        return queries.release_today_or_latest(system)


class IndexForm(ReleaseForm):
    """A place in an index: a letter, or words of its lines."""

    letter = forms.CharField(required=False, max_length=1)
    words = forms.CharField(required=False, max_length=MAX_QUERY, label="Words of the index")


class HitsForm(forms.Form):
    """A search from any page. `near`: the code that a reviewer is about to replace. `pick`: the hits
    are buttons named "code" of the form round them instead of links."""

    q = forms.CharField(required=False, max_length=MAX_QUERY)
    system = forms.ChoiceField(choices=CodeSystem.choices, required=False)
    release = forms.ModelChoiceField(Release.objects.for_status(), required=False)
    on = forms.DateField(required=False)
    near = forms.CharField(required=False, max_length=16)
    pick = forms.BooleanField(required=False)

    def clean_system(self) -> str:
        return self.cleaned_data["system"] or CodeSystem.ICD10CM.value

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        release = self.cleaned_data.get("release")
        if release is not None:
            self.cleaned_data["system"] = release.system
        return data

    def chosen(self) -> Release:
        """Raises NoRelease."""
        data = self.cleaned_data
        if data["release"] is not None:
            release: Release = data["release"]
            return release
        if data["on"] is not None:
            return queries.release_for(data["system"], data["on"])
        return queries.release_today_or_latest(data["system"])
