"""The form of a new training, and how its fields become a recipe and resources."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from django import forms

from coding_review.actions.training import NAME
from coding_review.rules.names import fault_of_name
from coding_review.web.training_presets import PRESETS
from modelops.choices import TrainingMethod
from modelops.models import DatasetVersion
from modelops.training.config import (
    DEVICES,
    NEEDED,
    OPTIMIZERS,
    PLACES,
    PRECISIONS,
    SCHEDULES,
    BadConfig,
    Fault,
    Recipe,
    Resources,
    from_dict,
)

if TYPE_CHECKING:
    # Generic in the stubs only.
    _DatasetField = forms.ModelChoiceField[DatasetVersion]
else:
    _DatasetField = forms.ModelChoiceField

_RECIPE, _RESOURCES = Recipe(), Resources()
_PLACES = {
    "local": "This machine",
    "hostfile": "Several nodes, by a hostfile",
    "slurm": "Slurm: a script for review",
    "kubernetes": "Kubernetes: a Job for review",
}
_DEVICES = {"cuda": "GPU", "cpu": "Processors"}
_OPTIMIZERS = {"adam": "Adam (torch)", "cpu_adam": "Adam (DeepSpeed, host)"}
RECIPE_FIELDS = (
    "epochs",
    "learning_rate",
    "weight_decay",
    "schedule",
    "warmup",
    "micro_batch",
    "accumulation",
    "max_tokens",
    "max_steps",
    "save_steps",
    "zero_stage",
    "offload_optimizer",
    "offload_parameters",
    "optimizer",
    "precision",
    "gradient_checkpointing",
    "seed",
)
RESOURCE_FIELDS = (
    "place",
    "device",
    "processes",
    "nodes",
    "peak_tflops",
    "memory_gb",
    "host_memory_gb",
    "hostfile",
    "partition",
    "account",
    "time_limit",
    "namespace",
    "image",
    "claim",
    "claim_path",
    "project_dir",
    "venv",
)
# Fields of a place, beside those that every place has.
PLACE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "hostfile": ("hostfile",),
    "slurm": ("partition", "account", "time_limit", "project_dir", "venv"),
    "kubernetes": ("namespace", "image", "claim", "claim_path", "project_dir"),
}


class _Datasets(_DatasetField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj}, {sum(obj.statistics.get('examples', {}).values()):,} examples"


def _number(label: str, initial: float, help_text: str = "", **more: Any) -> forms.FloatField:
    return forms.FloatField(
        label=label, initial=initial, help_text=help_text, widget=forms.NumberInput({"step": "any"}), **more
    )


def _count(label: str, initial: int, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, initial=initial, help_text=help_text, min_value=0)


def _text(label: str, initial: str = "", help_text: str = "") -> forms.CharField:
    return forms.CharField(
        label=label, initial=initial, help_text=help_text, required=False, max_length=400, strip=True
    )


class TrainingForm(forms.Form):
    """`preset`: which of PRESETS it begins with. Fields that the place does not need stay empty."""

    name = forms.CharField(label="Name", max_length=NAME)
    dataset = _Datasets(queryset=DatasetVersion.objects.none(), label="Dataset", empty_label=None)
    base = forms.ChoiceField(
        label="Base", help_text="A checkpoint of safetensors below the folders that bases are taken from."
    )
    method = forms.ChoiceField(
        label="Method", choices=TrainingMethod.choices, widget=forms.RadioSelect, initial=TrainingMethod.FULL
    )
    epochs = _number("Epochs", _RECIPE.epochs)
    learning_rate = _number("Learning rate", _RECIPE.learning_rate)
    weight_decay = _number("Weight decay", _RECIPE.weight_decay)
    schedule = forms.ChoiceField(
        label="Schedule", choices=[(s, s.replace("_", " ")) for s in SCHEDULES], initial=_RECIPE.schedule
    )
    warmup = _number("Warm-up", _RECIPE.warmup, "Share of the steps, from 0 to 0.5.")
    micro_batch = _count("Micro-batch", _RECIPE.micro_batch, "Packs that a device takes at once.")
    accumulation = _count("Accumulation", _RECIPE.accumulation, "Micro-batches for one step.")
    max_tokens = _count("Tokens of a pack", _RECIPE.max_tokens, "Longer examples are left out and counted.")
    max_steps = _count("Most steps", _RECIPE.max_steps, "0: as the epochs say.")
    save_steps = _count("Steps between checkpoints", _RECIPE.save_steps, "0: one at the end of each epoch.")
    zero_stage = forms.TypedChoiceField(
        label="ZeRO stage", choices=[(n, str(n)) for n in range(4)], coerce=int, initial=_RECIPE.zero_stage
    )
    offload_optimizer = forms.BooleanField(
        label="Offload the optimizer to the host", required=False, initial=_RECIPE.offload_optimizer
    )
    offload_parameters = forms.BooleanField(
        label="Offload the weights too", required=False, initial=_RECIPE.offload_parameters
    )
    optimizer = forms.ChoiceField(
        label="Optimizer", choices=[(o, _OPTIMIZERS[o]) for o in OPTIMIZERS], initial=_RECIPE.optimizer
    )
    precision = forms.ChoiceField(
        label="Precision", choices=[(p, p) for p in PRECISIONS], initial=_RECIPE.precision
    )
    gradient_checkpointing = forms.BooleanField(
        label="Recompute activations", required=False, initial=_RECIPE.gradient_checkpointing
    )
    seed = _count("Seed", _RECIPE.seed)
    lora_rank = _count("Rank", _RECIPE.lora.rank, "Of an adapter; not used by full fine-tuning.")
    lora_alpha = _count("Alpha", _RECIPE.lora.alpha)
    place = forms.ChoiceField(label="Place", choices=[(p, _PLACES[p]) for p in PLACES], initial="local")
    device = forms.ChoiceField(label="Device", choices=[(d, _DEVICES[d]) for d in DEVICES], initial="cuda")
    processes = _count("Devices of a node", _RESOURCES.processes)
    nodes = _count("Nodes", _RESOURCES.nodes)
    slot = _text(
        "Slot", "local", "One job at a time has it: a machine, or a group of GPUs. Not used by a cluster."
    )
    peak_tflops = _number(
        "Matrix rate of a device", _RESOURCES.peak_tflops, "TFLOP/s, for time and MFU; 0: not known."
    )
    memory_gb = _number("Memory of a device", _RESOURCES.memory_gb, "GB; 0: not stated.")
    host_memory_gb = _number("Memory of a host", _RESOURCES.host_memory_gb, "GB; 0: not stated.")
    hostfile = _text("Hostfile", help_text="A file below TRAINING_HOSTFILES_DIR, by its whole path.")
    partition = _text("Partition")
    account = _text("Account")
    time_limit = _text("Time limit", _RESOURCES.time_limit, "Hours, minutes, seconds: 24:00:00.")
    namespace = _text("Namespace", _RESOURCES.namespace)
    image = _text("Image")
    claim = _text("Volume claim")
    claim_path = _text("Mounted at")
    project_dir = _text("Folder of the application there")
    venv = _text("Training environment there")

    def __init__(self, data: Any = None, *, preset: str, bases: list[tuple[str, str]]) -> None:
        chosen = PRESETS[preset]
        super().__init__(data, initial=dict(chosen.values))
        for position, stage in enumerate(chosen.stages):
            # The first stage says what codes mean: once is enough where the notes follow.
            self.fields[f"stage_{stage}"] = _number(
                f"Epochs of the {stage}", 1.0 if position < len(chosen.stages) - 1 else _RECIPE.epochs
            )
        self.stages = chosen.stages
        cast(_DatasetField, self.fields["dataset"]).queryset = DatasetVersion.objects.newest_first()
        cast(forms.ChoiceField, self.fields["base"]).choices = bases

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if wrong := fault_of_name(name, NAME):
            raise forms.ValidationError(wrong)
        return name

    def clean(self) -> dict[str, Any]:
        """All that is wrong is told at once: what the place lacks, and what the recipe and resources refuse of the
        fields that can be read."""
        values = super().clean() or self.cleaned_data
        for name in NEEDED.get(values.get("place", ""), ()):
            if values.get(name) == "":
                self.add_error(name, "It is needed for this place.")
        wrong = [
            *_faults(Recipe, self.recipe(), "recipe."),
            *_faults(Resources, self.resources(), "resources."),
        ]
        for fault in wrong:
            if self._field(fault.field) not in self.errors:
                self.name_error(fault.field, fault.message)
        return values

    def stage_fields(self) -> list[forms.BoundField]:
        return [self[f"stage_{stage}"] for stage in self.stages]

    def place_fields(self) -> list[tuple[str, list[forms.BoundField]]]:
        """By place, what it needs; a field that two places share stands with the first."""
        seen: set[str] = set()
        groups = []
        for place, names in PLACE_FIELDS.items():
            groups.append((_PLACES[place].split(":")[0], [self[n] for n in names if n not in seen]))
            seen.update(names)
        return groups

    def recipe(self) -> dict[str, Any]:
        """Of the fields that are right: all of them after is_valid()."""
        values = self.cleaned_data
        recipe = {name: values[name] for name in RECIPE_FIELDS if name in values}
        lora = {"rank": "lora_rank", "alpha": "lora_alpha"}
        recipe["lora"] = {name: values[field] for name, field in lora.items() if field in values}
        stage = {"learning_rate": values["learning_rate"]} if "learning_rate" in values else {}
        recipe["stages"] = [
            {"name": s, "epochs": values[f"stage_{s}"], **stage}
            for s in self.stages
            if f"stage_{s}" in values
        ]
        return recipe

    def resources(self) -> dict[str, Any]:
        """The same; what belongs to another place is left at its default."""
        values = self.cleaned_data
        others = {n for names in PLACE_FIELDS.values() for n in names}
        others -= set(PLACE_FIELDS.get(values.get("place", ""), ()))
        return {
            name: values[name]
            for name in RESOURCE_FIELDS
            if name not in others and values.get(name, "") != ""
        }

    def mark(self) -> str:
        """Of everything that a plan was made from: a plan that was looked at is for these fields alone."""
        values = {name: value for name, value in self.cleaned_data.items() if name not in ("name", "slot")}
        values["dataset"] = values["dataset"].pk
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]

    def name_error(self, field: str, message: str) -> None:
        """What the action refused stands at its field, whose label says of what it speaks."""
        name = self._field(field)
        if name not in self.fields:
            self.add_error(None, message)
        else:
            self.add_error(
                name, f"It{message.removeprefix(field)}" if message.startswith(f"{field} ") else message
            )

    def _field(self, told: str) -> str:
        """The form's name for a field of recipe or resources."""
        *where, name = told.split(".")
        if name == "epochs" and len(where) == 3:
            return f"stage_{where[2]}"
        return f"lora_{name}" if where[-1:] == ["lora"] else name


def _faults(kind: type[Recipe | Resources], told: Mapping[str, Any], where: str) -> tuple[Fault, ...]:
    try:
        from_dict(kind, told, where)
    except BadConfig as error:
        return error.faults
    return ()


def bases_below(found: list[Path], roots: list[Path]) -> list[tuple[str, str]]:
    """Value and label of each folder; the label says where it lies below its root."""
    choices = []
    for path in found:
        root = next((r for r in roots if path.is_relative_to(r)), path.parent)
        choices.append((str(path), f"{path.relative_to(root)}"))
    return choices
