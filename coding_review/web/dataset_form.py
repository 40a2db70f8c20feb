"""The form of a new dataset, and how its fields become what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms

from catalog.choices import ClaimType
from coding_review.actions.build_dataset import check_name
from coding_review.actions.queue_dataset import MOST_PACK
from coding_review.choices import GoldSetPurpose
from coding_review.dataset_asked import AskedDataset
from coding_review.errors import InvalidDecision
from coding_review.feedback import Chosen
from coding_review.models import Facility, GoldSet
from coding_review.web.training_form import bases_below
from modelops.choices import SynthesisKind, WorkStatus
from modelops.datasets.augment import SHARE
from modelops.datasets.build import LEFT_OUT, SETTLED, Options
from modelops.datasets.packing import PACK_TOKENS
from modelops.engines.llm.code_prompts import CODE_PROMPTS, CODES
from modelops.jobs import base_roots
from modelops.models import SynthesisRun
from modelops.training.base import found_below

_PROMPTS = {"icd10cm-1": "Full (icd10cm-1)", "icd10cm-short-1": "Short, for small models (icd10cm-short-1)"}
_UNLABELLED = (
    (SETTLED, "Tell the model that they are settled, so that their absence teaches nothing"),
    (LEFT_OUT, "Leave their charts out"),
)
# The newest are offered; older ones are the command's.
_RUNS = 40


def _many(label: str, help_text: str = "") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, required=False, widget=forms.CheckboxSelectMultiple, help_text=help_text
    )


def _day(label: str) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput({"type": "date"}))


class DatasetForm(forms.Form):
    name = forms.CharField(
        label="Name",
        max_length=60,
        help_text="Small letters, digits and hyphens. A name that is there gets its next version.",
    )
    signed_off = forms.BooleanField(label="Signed-off charts", required=False)
    since = _day("Signed from")
    until = _day("Signed until")
    claim_types = _many("Claim types")
    facilities = _many("Facilities")
    gold_sets = _many("Gold sets frozen for training")
    runs = _many("Runs of synthetic charts", "Runs about diagnoses that ended well, the newest first.")
    tokenizer = forms.ChoiceField(
        label="Tokens as counted by",
        help_text="The base that is to be trained: its tokenizer and chat template.",
    )
    prompt = forms.ChoiceField(
        label="Prompt", choices=[(name, _PROMPTS.get(name, name)) for name in CODE_PROMPTS], initial=CODES
    )
    pack_tokens = forms.IntegerField(
        label="Tokens of a pack",
        min_value=1,
        max_value=MOST_PACK,
        initial=PACK_TOKENS,
        help_text="Longer examples are left out.",
    )
    composites = forms.IntegerField(
        label="Composites",
        min_value=0,
        max_value=100,
        initial=round(100 * SHARE),
        help_text="Rows made of two charts of one sex, age band and claim type, as % of the training examples.",
    )
    unlabelled = forms.ChoiceField(
        label="Codes that nobody decided about",
        choices=_UNLABELLED,
        initial=SETTLED,
        widget=forms.RadioSelect,
    )

    def __init__(self, data: Any = None, *, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial=dict(initial or {}))
        roots = base_roots()
        choices: Mapping[str, list[tuple[str, str]]] = {
            "claim_types": [(str(value), str(label)) for value, label in ClaimType.choices],
            "facilities": [(str(f.pk), f.name) for f in Facility.objects.order_by("name")],
            "gold_sets": [
                (str(one.pk), f"{one.name}, version {one.version} ({one.get_kind_display().lower()})")
                for one in GoldSet.objects.newest_first().filter(purpose=GoldSetPurpose.TRAIN)
                # Of some domains only: nobody said what else their charts have.
                if not one.manifest.get("protocol", {}).get("domains")
            ],
            "runs": [
                (str(run.pk), f"{run.name}, {run.counts.get('kept', 0):,} charts, seed {run.seed}")
                for run in SynthesisRun.objects.newest_first().filter(
                    status=WorkStatus.DONE, kind=SynthesisKind.ICD10CM
                )[:_RUNS]
            ],
            "tokenizer": bases_below(found_below(roots), roots),
        }
        for name, values in choices.items():
            cast(forms.ChoiceField, self.fields[name]).choices = values

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        try:
            check_name(name)
        except InvalidDecision as error:
            raise forms.ValidationError(error.message) from error
        return name

    def clean(self) -> dict[str, Any]:
        """All that is wrong is told at once; the action asks again."""
        values = super().clean() or self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if values.get("signed_off") and since and until and until < since:
            self.add_error("until", "The last day is before the first.")
        if not (values.get("signed_off") or values.get("gold_sets") or values.get("runs")):
            self.add_error(None, "Choose what it is built from: at least one source.")
        return values

    def asked(self) -> AskedDataset:
        """After is_valid()."""
        values = self.cleaned_data
        return AskedDataset(
            tokenizer=values["tokenizer"],
            signed_off=values["signed_off"],
            chosen=Chosen(
                values["since"],
                values["until"],
                tuple(int(pk) for pk in values["facilities"]),
                tuple(values["claim_types"]),
            )
            if values["signed_off"]
            else Chosen(),
            gold_sets=tuple(int(pk) for pk in values["gold_sets"]),
            runs=tuple(int(pk) for pk in values["runs"]),
            options=Options(
                prompt=values["prompt"],
                pack_tokens=values["pack_tokens"],
                augment=values["composites"] / 100,
                unlabelled=values["unlabelled"],
            ),
        )


def initial_of(name: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """The form's fields for what was asked before."""
    same = ("signed_off", "since", "until", "claim_types", "tokenizer", "prompt", "pack_tokens", "unlabelled")
    return {
        "name": name,
        **{field: told[field] for field in same},
        **{field: [str(pk) for pk in told[field]] for field in ("facilities", "gold_sets", "runs")},
        "composites": round(100 * told["augment"]),
    }
