"""The arithmetic: operations that count, the share of the device's rate, how full packs are. Plain numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

# The first steps of a piece compile kernels and fill caches.
WARM_UP = 5


@dataclass(frozen=True, slots=True)
class Multiplied:
    """What one token is multiplied by. `parameters`: of all matrices, that of the answer's tokens among them, which is
    the embedding too. `width`: heads times the width of one."""

    parameters: int
    layers: int
    width: int


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the job's progress: tokens seen since the beginning, and the rate since the step before."""

    number: int
    attempt: int
    tokens: int
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Speed:
    """`mean` over all of the time, checkpoints and validation with it; `median` of the steps."""

    steps: int
    tokens: int
    seconds: float
    mean: float
    median: float


def useful_flops(model: Multiplied, lengths: Sequence[int]) -> int:
    """Forward and backward of examples of these lengths: six operations a token and parameter, and twelve a layer,
    unit of width and pair of tokens that see each other. A token sees itself and what stands before it in its own
    example; pairs of different examples, padding and whatever is reckoned twice do not count."""
    tokens = sum(lengths)
    pairs = sum(length * (length + 1) // 2 for length in lengths)
    return 6 * model.parameters * tokens + 12 * model.layers * model.width * pairs


def mfu(flops_per_token: float, tokens_per_second: float, rate: float) -> float:
    """Share of the device's rate, in operations a second; 0 where it is not known."""
    return flops_per_token * tokens_per_second / rate if rate else 0.0


def speed(steps: Sequence[Step], attempt: int) -> Speed | None:
    """Of one attempt after its first steps; None where it took no more than those."""
    own = sorted((step for step in steps if step.attempt == attempt), key=lambda step: step.number)
    counted = [
        (step.tokens - before.tokens, step.tokens_per_second)
        for before, step in itertools.pairwise(own)
        if step.tokens_per_second > 0
    ][WARM_UP - 1 :]
    tokens = sum(count for count, _ in counted)
    seconds = sum(count / rate for count, rate in counted)
    if not seconds:
        return None
    rates = sorted(rate for _, rate in counted)
    middle = len(rates) // 2
    median = rates[middle] if len(rates) % 2 else (rates[middle - 1] + rates[middle]) / 2
    return Speed(len(counted), tokens, seconds, tokens / seconds, median)
