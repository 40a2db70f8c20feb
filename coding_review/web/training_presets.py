"""Recipes that the form begins with: what is filled in, and why one would choose it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Preset:
    """`values`: what differs from the paper's recipe, by the form's fields. `stages`: of a curriculum."""

    label: str
    help: str
    values: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[str, ...] = ()


PRESETS: Mapping[str, Preset] = {
    "paper": Preset(
        "Paper, full",
        "ZeRO-3 with an offloaded optimizer, Adam 1e-5, weight decay 0.1, linear, 4 epochs, packs of 8,192.",
    ),
    "lora": Preset(
        "LoRA adapter",
        "An adapter of rank 16 on every linear layer: a tenth of the memory, loaded beside the model that serves.",
        {"method": "lora", "learning_rate": 1e-4, "offload_optimizer": False, "optimizer": "adam"},
    ),
    "curriculum": Preset(
        "Two stages, then notes",
        "All code–description pairs first, then variations, then notes (after Hou et al.). The dataset needs examples "
        "of each stage.",
        stages=("pairs", "variations", "notes"),
    ),
    "small": Preset(
        "Small, on processors",
        "For a model of a few million parameters on this machine's processors: torch's Adam, fp32, packs of 512.",
        {
            "learning_rate": 1e-3,
            "max_tokens": 512,
            # With stage 0 DeepSpeed tells no gradient norm in 32 bits.
            "zero_stage": 1,
            "offload_optimizer": False,
            "optimizer": "adam",
            "precision": "fp32",
            "gradient_checkpointing": False,
            "device": "cpu",
        },
    ),
}
DEFAULT = "paper"
