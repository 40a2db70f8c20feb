"""How large: what one GPU trains in minutes, and the same way on a processor in seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.mini.size import Size


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSize(Size):
    """`micro_batch`: packs of one pass. `matrix`: rows and columns of the product that the device's rate is measured
    by. `askers`: processes that answer at once. `tflops`: the rate as measured, for the job's own curve."""

    device: str
    precision: str
    attention: str
    micro_batch: int
    matrix: int
    askers: int
    processes: int = 1
    tflops: float = 0.0

    def recipe(self) -> Mapping[str, Any]:
        return {
            # By name: super() without arguments knows the class as it was before its slots were made.
            **Size.recipe(self),
            "precision": self.precision,
            "attention": self.attention,
            "micro_batch": self.micro_batch,
        }

    def resources(self) -> Mapping[str, Any]:
        return {"device": self.device, "processes": self.processes, "peak_tflops": self.tflops}


# 130 million parameters. Chosen by arithmetic, not by trial: no GPU was at hand.
FULL = GpuSize(
    device="cuda",
    precision="bf16",
    attention="auto",
    codes=1200,
    charts=60_000,
    held_out=300,
    untrained=0,
    compared=0,
    epochs=8,
    learning_rate=1e-3,
    vocabulary=4096,
    hidden=1024,
    layers=12,
    head=64,
    wider=1.0,
    words_from=10_000,
    pack_tokens=2048,
    micro_batch=16,
    matrix=8192,
    askers=8,
)
# The same steps on a processor.
TINY = GpuSize(
    device="cpu",
    precision="fp32",
    attention="sdpa",
    codes=20,
    charts=160,
    held_out=3,
    untrained=0,
    compared=0,
    epochs=1,
    vocabulary=1024,
    hidden=64,
    layers=2,
    pack_tokens=512,
    micro_batch=1,
    accumulation=2,
    matrix=512,
    askers=1,
)
# Without a kernel that passes over the pairs of different examples, all pairs of a pass are reckoned: fewer packs at
# once, more passes for a step.
WHOLE_PAIRS = "sdpa"
FEWER = 4


def fitted(size: GpuSize, attention: str, tflops: float) -> GpuSize:
    """With the attention that works here and the rate that was measured."""
    chosen = dataclasses.replace(size, attention=attention, tflops=tflops)
    if attention == WHOLE_PAIRS and size.micro_batch >= FEWER:
        chosen = dataclasses.replace(
            chosen, micro_batch=size.micro_batch // FEWER, accumulation=size.accumulation * FEWER
        )
    return chosen
