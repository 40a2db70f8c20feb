"""How large a miniature is: what `make train-mini` and the tests differ in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`codes` the charts are about, `charts` to train on, `held_out` of another seed to score on, `untrained` of
    these for the base, which answers at great length. `epochs` and `learning_rate` of the training; 0 epochs: as many
    as `tokens` allow. `companions`: codes of a chart beside its seed code."""

    codes: int
    charts: int
    held_out: int
    untrained: int
    epochs: float
    learning_rate: float = 1.5e-3
    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 4
    companions: str = "0-3"
    pack_tokens: int = 512
    micro_batch: int = 8

    def recipe(self) -> Mapping[str, Any]:
        """What differs from the paper's recipe: a model drawn at random learns at a higher rate, and a CPU without a
        compiler has torch's Adam and 32 bits."""
        return {
            "epochs": self.epochs,
            "learning_rate": self.learning_rate,
            "warmup": 0.05,
            "max_tokens": self.pack_tokens,
            "micro_batch": self.micro_batch,
            "zero_stage": 1,
            "offload_optimizer": False,
            "optimizer": "adam",
            "precision": "fp32",
            "gradient_checkpointing": False,
        }


# Twenty minutes on two cores.
MINI = Size(codes=60, charts=6000, held_out=300, untrained=40, epochs=3)
# Four minutes on two cores.
TINY = Size(codes=20, charts=400, held_out=40, untrained=8, epochs=1, vocabulary=1024, hidden=128, layers=2)
