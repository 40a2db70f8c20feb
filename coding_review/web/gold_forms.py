"""What the pages of gold projects post, validated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms

from catalog.choices import CodeRole, PresentOnAdmission
from coding_review.actions.gold_adjudication import MOST_CODES
from coding_review.choices import (
    Domain,
    GoldChartPurpose,
    GoldMode,
    GoldPreset,
    GoldSetPurpose,
    GoldVerdict,
    LabelSource,
    Profession,
    Ruling,
)
from coding_review.gold.population import ChartFilters
from coding_review.gold.stances import Placed
from coding_review.models import Codebook
from coding_review.rules.gold_presets import FIXED, MAX_SEEDED_SHARE, PRESETS, Protocol
from coding_review.rules.gold_sampling import STRATA
from coding_review.web.forms import EvidenceForm
from modelops.choices import Setting

# Of a ruling's evidence: what is selected in the text.
SELECTED = "selected"
# Shares are typed as percent: a protocol holds them as 0 to 1.
_PERCENT = ("double_share", "repeat_share", "seeded_share")
_GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Project", "", ("name", "mode", "label_source", "label_origin", "domains")),
    (
        "Readings",
        "Readers work independently. Nobody sees another's reading before adjudication.",
        ("readings_per_chart", "double_share", "mixed_readers", "repeat_share", "repeat_after_days"),
    ),
    (
        "What readers see besides text and labels",
        "Off as a rule: what is shown is agreed with more often.",
        ("show_confidence", "show_rationale", "show_other_reading"),
    ),
    (
        "Checks",
        "Seeded checks are announced in the protocol and disclosed when the study ends.",
        ("seeded_share", "qualification_threshold", "seed"),
    ),
    (
        "Guideline",
        "Choose a codebook, or write the first version of a new one.",
        ("codebook", "codebook_name", "codebook_text"),
    ),
)


def _percent_field(label: str, most: int = 100, help_text: str = "") -> forms.FloatField:
    return forms.FloatField(label=label, min_value=0, max_value=most, required=False, help_text=help_text)


class NewProjectForm(forms.Form):
    name = forms.CharField(max_length=120, label="Name")
    mode = forms.ChoiceField(choices=GoldMode.choices, label="How charts are read")
    label_source = forms.ChoiceField(choices=LabelSource.choices, label="Labels to judge")
    label_origin = forms.CharField(
        max_length=200,
        required=False,
        label="Which labels",
        help_text="The engine whose suggestions they are (empty: any), or the file they came in.",
    )
    domains = forms.MultipleChoiceField(
        choices=Domain.choices,
        required=False,
        label="Domains",
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all codes.",
    )
    readings_per_chart = forms.IntegerField(min_value=1, max_value=3, label="Readings a chart")
    double_share = _percent_field(
        "Charts read by two people, %", help_text="Where a chart is read once otherwise."
    )
    mixed_readers = forms.BooleanField(required=False, label="One coder and one clinician on a chart")
    repeat_share = _percent_field("Charts that come back to their reader, %")
    repeat_after_days = forms.IntegerField(min_value=1, max_value=365, label="Come back after, days")
    show_confidence = forms.BooleanField(required=False, label="Confidence")
    show_rationale = forms.BooleanField(required=False, label="Rationale")
    show_other_reading = forms.BooleanField(required=False, label="The other reading")
    seeded_share = _percent_field(
        "Deliberately wrong labels, %", most=round(100 * MAX_SEEDED_SHARE), help_text="At most 5."
    )
    qualification_threshold = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label="Qualification: F1 at least",
        help_text="Empty: every reader counts.",
    )
    seed = forms.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, label="Seed", help_text="Empty: drawn, and kept."
    )
    codebook = forms.ModelChoiceField(
        queryset=Codebook.objects.order_by("name", "-version"), required=False, label="Codebook"
    )
    codebook_name = forms.CharField(max_length=120, required=False, label="Or a new one, its name")
    codebook_text = forms.CharField(
        required=False, label="Its text", widget=forms.Textarea(attrs={"rows": 6})
    )

    def __init__(self, *args: Any, preset: str, **kwargs: Any) -> None:
        model = PRESETS[preset]
        values = {name: getattr(model, name) for name in Protocol.__dataclass_fields__ if name != "charts"}
        values |= {name: 100 * values[name] for name in _PERCENT} | {"domains": list(model.domains)}
        kwargs["initial"] = values
        super().__init__(*args, **kwargs)
        self.preset = preset
        for name in FIXED[preset]:
            self.fields[name].disabled = True
            self.fields[name].help_text = "Fixed by the preset."

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("codebook") and not (data.get("codebook_name") and data.get("codebook_text")):
            self.add_error("codebook", "Choose a codebook, or give a new one a name and a text.")
        return data

    def protocol(self) -> Protocol:
        data = self.cleaned_data
        return Protocol(
            mode=data["mode"],
            domains=tuple(data["domains"]),
            readings_per_chart=data["readings_per_chart"],
            repeat_after_days=data["repeat_after_days"],
            show_confidence=data["show_confidence"],
            show_rationale=data["show_rationale"],
            show_other_reading=data["show_other_reading"],
            mixed_readers=data["mixed_readers"],
            label_source=data["label_source"],
            qualification_threshold=data["qualification_threshold"],
            double_share=(data["double_share"] or 0) / 100,
            repeat_share=(data["repeat_share"] or 0) / 100,
            seeded_share=(data["seeded_share"] or 0) / 100,
        )

    def groups(self) -> Iterator[tuple[str, str, list[forms.BoundField]]]:
        for title, help_text, names in _GROUPS:
            yield title, help_text, [self[name] for name in names]


PRESET_LINES: dict[str, str] = {
    GoldPreset.PAPER: (
        "100 charts, three domains, one reader, labels shown, approve or reject with a reason, nothing added. "
        "Recall sees only the labeller's codes."
    ),
    GoldPreset.FULL: "Two readers for each chart, missed codes added, a third person adjudicates.",
    GoldPreset.CUSTOM: "Every setting is yours.",
}


class SampleForm(forms.Form):
    """Which charts to draw, and in what proportions."""

    size = forms.IntegerField(min_value=1, max_value=10_000, label="Charts", initial=100)
    purpose = forms.ChoiceField(choices=GoldChartPurpose.choices, label="For")
    stratify_by = forms.MultipleChoiceField(
        choices=[(name, name.capitalize()) for name in STRATA],
        required=False,
        label="In proportion to",
        widget=forms.CheckboxSelectMultiple,
    )
    settings = forms.MultipleChoiceField(
        choices=Setting.choices, required=False, label="Settings", widget=forms.CheckboxSelectMultiple
    )
    domains = forms.MultipleChoiceField(
        choices=Domain.choices,
        required=False,
        label="With a label in",
        widget=forms.CheckboxSelectMultiple,
    )
    min_lines = forms.IntegerField(required=False, min_value=0, label="Lines, at least")
    max_lines = forms.IntegerField(required=False, min_value=1, label="Lines, at most")
    source_ids = forms.CharField(
        required=False,
        max_length=200_000,
        label="Only these encounters",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Ids at their source, one a line or with commas. Empty: any that fit.",
    )
    synthetic_only = forms.BooleanField(required=False, label="Only synthetic or de-identified charts")

    def filters(self) -> ChartFilters:
        data = self.cleaned_data
        return ChartFilters(
            settings=tuple(data["settings"]),
            source_ids=tuple(dict.fromkeys(data["source_ids"].replace(",", " ").split())),
            min_lines=data["min_lines"] or 0,
            max_lines=data["max_lines"],
            synthetic_only=data["synthetic_only"],
            domains=tuple(data["domains"]),
        )


class ReaderForm(forms.Form):
    user = forms.IntegerField(min_value=1, label="Person")
    profession = forms.ChoiceField(choices=Profession.choices, label="Reads as")
    credential = forms.CharField(max_length=40, required=False, label="Credential")


class CodebookForm(forms.Form):
    text = forms.CharField(label="Text")
    change_note = forms.CharField(max_length=300, label="What changed")


class WithdrawForm(forms.Form):
    reason = forms.CharField(max_length=200, label="Why")


class WithdrawFromSetForm(WithdrawForm):
    chart = forms.CharField(max_length=200, label="Chart")


class FreezeForm(forms.Form):
    purpose = forms.ChoiceField(choices=GoldSetPurpose.choices, label="Purpose")


class JudgeForm(forms.Form):
    """`action` is a verdict, or "comment": the verdict that stands, with these words."""

    action = forms.ChoiceField(choices=[*GoldVerdict.choices, ("comment", "comment")], label="Verdict")
    reason = forms.CharField(required=False, max_length=40)
    comment = forms.CharField(required=False, max_length=1000, label="Comment")
    version = forms.IntegerField(required=False, min_value=0)
    document = forms.IntegerField(required=False)


class AddCodeForm(EvidenceForm):
    code = forms.CharField(max_length=30, label="Code")
    comment = forms.CharField(required=False, max_length=1000)

    def coded(self) -> tuple[str, str]:
        """System and code of "system:code"."""
        system, _, code = str(self.cleaned_data["code"]).rpartition(":")
        return system or "icd10cm", code.strip()


class RuleForm(EvidenceForm):
    """`ruling`: keep, out, would query, or "comment": the ruling that stands, with these words.

    `evidence`: whose (gold/stances.py), or "selected": the selection that goes along. `placed`: there where role,
    indicator and place go along; without it they stay as they are.
    """

    ruling = forms.ChoiceField(
        choices=[(r.value, r.label) for r in Ruling if r != Ruling.NONE] + [("comment", "comment")],
        label="Ruling",
    )
    system = forms.CharField(max_length=10)
    code = forms.CharField(max_length=12)
    comment = forms.CharField(required=False, max_length=1000, label="Comment")
    version = forms.IntegerField(required=False, min_value=0)
    evidence = forms.CharField(required=False, max_length=10)
    placed = forms.BooleanField(required=False)
    role = forms.ChoiceField(required=False, choices=[("", ""), *CodeRole.choices], label="Role")
    poa = forms.ChoiceField(
        required=False, choices=[("", ""), *PresentOnAdmission.choices], label="Present on admission"
    )
    sequence = forms.IntegerField(required=False, min_value=1, max_value=MOST_CODES, label="Place")

    def as_placed(self) -> Placed | None:
        """What rule_on_code takes."""
        data = self.cleaned_data
        return Placed(data["role"], data["poa"], data["sequence"]) if data["placed"] else None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("evidence") == SELECTED and not self.selections():
            raise forms.ValidationError("Select words in the text, or choose whose evidence it is.")
        return data

    def chosen(self) -> dict[str, Any]:
        """What rule_on_code takes as its evidence."""
        cites = self.cleaned_data["evidence"]
        return {"selections": self.selections()} if cites == SELECTED else {"cites": cites}


class UndoForm(forms.Form):
    """`version`: the number of the latest ruling that the page showed."""

    version = forms.IntegerField(required=False, min_value=0)
    document = forms.IntegerField(required=False)


class ReplyForm(forms.Form):
    comment = forms.CharField(max_length=1000, label="Answer")
