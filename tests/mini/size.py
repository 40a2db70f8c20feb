"""How large a miniature is: what `make train-mini` and the tests differ in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`codes` the charts are about, `charts` to train on, `held_out` of another seed to score on: the first `untrained`
    of them for the base too, the first `compared` for each way of asking the trained model; 0: not at all.
    `companions`: codes of a chart beside its seed code. `augment`: composites as a share of the charts. `processes`:
    each takes one pack at a time, `accumulation` of them for a step: of packs taken together attention would reckon
    every pair. `head`: width of an attention head. `wider`: times the usual spread of the weights that a layer reads
    by, which is meant for states ten times as wide as the miniature's. `words_from`: the first charts, from whose
    words the tokenizer is made."""

    codes: int
    charts: int
    held_out: int
    untrained: int
    compared: int
    epochs: float
    learning_rate: float = 2e-3
    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 4
    head: int = 32
    wider: float = 2.0
    words_from: int = 3000
    companions: str = "0-3"
    pack_tokens: int = 512
    accumulation: int = 1
    processes: int = 2
    augment: float = 0.05

    def recipe(self) -> Mapping[str, Any]:
        """What differs from the paper's recipe: a model drawn at random learns at a higher rate, and a CPU without a
        compiler has torch's Adam and 32 bits."""
        return {
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "warmup": 0.05,
            "max_tokens": self.pack_tokens,
            "micro_batch": 1,
            "accumulation": self.accumulation,
            "zero_stage": 1,
            "offload_optimizer": False,
            "optimizer": "adam",
            "precision": "fp32",
            "gradient_checkpointing": False,
        }

    def resources(self) -> Mapping[str, Any]:
        return {"device": "cpu", "processes": self.processes}


# Some twenty minutes on two cores.
MINI = Size(codes=60, charts=9000, held_out=200, untrained=40, compared=40, epochs=1)
# Two minutes on two cores.
TINY = Size(
    codes=20,
    charts=120,
    held_out=6,
    untrained=0,
    compared=0,
    epochs=3,
    learning_rate=4e-3,
    vocabulary=1024,
    hidden=128,
    layers=2,
    processes=1,
)
