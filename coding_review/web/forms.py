"""What the review page posts, validated; each form says what it takes and nothing else gets through."""

from __future__ import annotations

from typing import Any

from django import forms

from catalog.choices import CodeSystem
from coding_review.actions.add_code import Selection
from coding_review.choices import HoldReason, ReopenReason, SkipReason
from coding_review.errors import InvalidDecision


def first_error(form: forms.Form) -> str:
    """The first complaint in words, with its field."""
    for name, messages in form.errors.items():
        label = form.fields[name].label or name if name in form.fields else ""
        return f"{label}: {messages[0]}" if label else str(messages[0])
    return ""


def given(form: forms.Form) -> dict[str, Any]:
    """What a valid form holds. Raises InvalidDecision with the first complaint."""
    if not form.is_valid():
        raise InvalidDecision(first_error(form))
    return form.cleaned_data


class ActForm(forms.Form):
    """Common to every act on an entry: what the page had seen, and what it shows."""

    version = forms.IntegerField(required=False, min_value=0)
    document = forms.IntegerField(required=False)
    panel = forms.CharField(required=False, max_length=20)


class DecideForm(ActForm):
    action = forms.ChoiceField(
        choices=[(a, a) for a in ("accept", "reject", "modify", "dismiss", "hold", "withdraw")],
        label="Action",
    )
    reason = forms.CharField(required=False, max_length=40)
    comment = forms.CharField(required=False, max_length=1000, label="Comment")
    code = forms.CharField(required=False, max_length=30, label="Code")
    poa = forms.CharField(required=False, max_length=1)

    def clean_code(self) -> str:
        """ "system:code" or a bare code; only diagnoses replace diagnoses."""
        return str(self.cleaned_data["code"]).rpartition(":")[2].strip()


class SetForm(ActForm):
    role = forms.CharField(required=False, max_length=20)
    poa = forms.CharField(required=False, max_length=1)
    move = forms.ChoiceField(choices=[("", ""), ("up", "up"), ("down", "down")], required=False)
    modifiers = forms.CharField(required=False, max_length=40, label="Modifiers")
    units = forms.IntegerField(required=False, min_value=1, max_value=9999, label="Units")
    service_date = forms.DateField(required=False, label="Service date")
    pointers = forms.CharField(required=False, max_length=60, label="Pointers")
    provider = forms.CharField(required=False, max_length=120, label="Provider")

    def clean_modifiers(self) -> tuple[str, ...]:
        return tuple(str(self.cleaned_data["modifiers"]).replace(",", " ").split())

    def clean_pointers(self) -> tuple[int, ...]:
        parts = str(self.cleaned_data["pointers"]).replace(",", " ").split()
        if not all(part.isdecimal() for part in parts):
            raise forms.ValidationError("numbers of diagnosis lines, with spaces between them")
        return tuple(int(part) for part in parts)


class EvidenceForm(forms.Form):
    """A selection in the text: columns in UTF-16 units with the words, or whole lines."""

    document = forms.IntegerField(required=False)
    line_start = forms.IntegerField(required=False, min_value=1, label="Lines")
    line_end = forms.IntegerField(required=False, min_value=1, label="Lines")
    col_start = forms.IntegerField(required=False, min_value=0)
    col_end = forms.IntegerField(required=False, min_value=0)
    quote = forms.CharField(required=False, strip=False)

    def selections(self) -> tuple[Selection, ...]:
        data = self.cleaned_data
        if not data.get("document") or not data.get("line_start"):
            return ()
        whole = data.get("col_start") is None or data.get("col_end") is None
        return (
            Selection(
                document_version_id=data["document"],
                line_start=data["line_start"],
                line_end=data.get("line_end") or data["line_start"],
                utf16_start=0 if whole else data["col_start"],
                utf16_end=0 if whole else data["col_end"],
                selected="" if whole else data["quote"],
            ),
        )


class SetEvidenceForm(EvidenceForm):
    version = forms.IntegerField(required=False, min_value=0)
    remove = forms.IntegerField(required=False, min_value=1)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("remove") and not self.selections():
            raise forms.ValidationError("Select words in the text, or give its lines.")
        return data


class AddForm(EvidenceForm):
    panel = forms.CharField(required=False, max_length=20)
    system = forms.ChoiceField(choices=[("", ""), *CodeSystem.choices], required=False)
    code = forms.CharField(max_length=30, label="Code")
    comment = forms.CharField(required=False, max_length=1000)
    modifiers = forms.CharField(required=False, max_length=40, label="Modifiers")
    units = forms.IntegerField(required=False, min_value=1, max_value=9999, label="Units")
    service_date = forms.DateField(required=False, label="Service date")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        system, _, code = str(data.get("code", "")).rpartition(":")
        data["code"] = code.strip()
        data["system"] = data.get("system") or system or CodeSystem.ICD10CM
        if data["system"] not in CodeSystem.values:
            raise forms.ValidationError("Unknown code system.")
        return data


class PickForm(EvidenceForm):
    """`refine`: an unfinished code of the list shown, searched for in place of the words."""

    purpose = forms.ChoiceField(choices=[("modify", "modify"), ("add", "add")])
    entry = forms.IntegerField(required=False)
    q = forms.CharField(required=False, max_length=200)
    refine = forms.CharField(required=False, max_length=16)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["q"] = data.get("refine") or data.get("q", "")
        return data


class HoldForm(forms.Form):
    reason = forms.ChoiceField(choices=HoldReason.choices, label="Reason")
    comment = forms.CharField(required=False, max_length=1000, label="Comment")
    expected_on = forms.DateField(required=False, label="Expected on")


class SkipForm(forms.Form):
    reason = forms.ChoiceField(choices=SkipReason.choices, label="Reason")
    comment = forms.CharField(required=False, max_length=1000, label="Comment")


class ReopenForm(forms.Form):
    reason = forms.ChoiceField(choices=ReopenReason.choices, label="Reason")
    comment = forms.CharField(required=False, max_length=1000, label="Comment")


class ReassignForm(forms.Form):
    user = forms.IntegerField(min_value=1, label="Coder")
    comment = forms.CharField(required=False, max_length=1000, label="Comment")
