"""What is printed and kept: lines of Markdown, each figure with what it is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.gpu_training.figures import Multiplied, Speed, mfu, useful_flops
from bench.gpu_training.size import GpuSize
from modelops.datasets.packing import Packs, pack
from tests.mini.scoring import LEVELS, f1

LABEL = "pipeline check, same generator"
PAPER = "The paper's, of other data and a 70B model: L3 0.704, L4 0.629."


@dataclass(frozen=True, slots=True)
class Piece:
    """What one call trained. `tflops`: of the device, as that call measured it."""

    attempt: int
    tflops: float
    speed: Speed | None


@dataclass(frozen=True, slots=True)
class Trained:
    device: str
    memory: int
    size: GpuSize
    parameters: int
    # Of the training examples, in tokens.
    lengths: Sequence[int]
    statistics: Mapping[str, Any]
    left_out: int
    told: Mapping[str, Any]
    pieces: Sequence[Piece]

    @property
    def model(self) -> Multiplied:
        return Multiplied(self.parameters, self.size.layers, self.size.hidden)


def report(trained: Trained, scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """`scores` by what was scored; the held-out charts first, under the name "held-out"."""
    size = trained.size
    lines = [
        "# A training on one device",
        "",
        f"- device: {trained.device}, {trained.memory / 1e9:.0f} GB",
        f"- model: {trained.parameters:,} parameters, {size.layers} layers, width {size.hidden}, vocabulary "
        f"{size.vocabulary:,}; {size.precision}, {size.attention}",
        f"- data: {size.charts:,} synthetic charts, {trained.statistics['codes']['distinct']:,} codes, "
        f"{len(trained.lengths):,} training examples, {sum(trained.lengths):,} tokens; {trained.left_out} left out, "
        "nearly the same as one that is scored",
        *_told(trained.told),
        f"- packing: {packing(pack(trained.lengths, size.pack_tokens))}",
        *(speed_line(trained, piece) for piece in trained.pieces),
    ]
    if scores:
        lines += ["", *_levels(size, scores)]
    return lines


def _told(told: Mapping[str, Any]) -> list[str]:
    if not told:
        return []
    loss, validation = told.get("loss"), told.get("validation_loss")
    return [
        f"- training: {told['steps']:,} steps, {told['packs']:,} packs by the trainer's own count, loss "
        f"{_figure(loss)}, validation {_figure(validation)}"
    ]


def packing(packs: Packs) -> str:
    return (
        f"{len(packs.packs):,} packs of {packs.size:,} tokens, {packs.useful:.1%} useful; unpacked, rows of "
        f"{packs.size:,} {packs.useful_unpacked:.1%}, rows as long as the longest {packs.useful_padded_to_longest:.1%}"
    )


def speed_line(trained: Trained, piece: Piece) -> str:
    """MFU: six operations a token and parameter and the attention within examples, over the measured matrix rate."""
    measured = f"matrix product {piece.tflops:,.4g} TFLOP/s"
    if piece.speed is None:
        return f"- piece {piece.attempt}: {measured}; too few steps to tell a speed"
    each = useful_flops(trained.model, trained.lengths) / sum(trained.lengths)
    shares = [mfu(each, rate, piece.tflops * 1e12) for rate in (piece.speed.mean, piece.speed.median)]
    return (
        f"- piece {piece.attempt}: {measured}; {piece.speed.mean:,.0f} tokens/s over {piece.speed.steps:,} steps with "
        f"checkpoints and validation, {piece.speed.median:,.0f} in the median step; {each / 1e9:.4g} GFLOP a token; "
        f"MFU {shares[0]:.1%} (median step {shares[1]:.1%})"
    )


def _levels(size: GpuSize, scores: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [
        f"Micro F1 by level. The held-out charts ({size.held_out:,}, of an unseen seed) are of the generator that "
        f"wrote those trained on: {LABEL}. {PAPER}",
        "",
        "| charts | " + " | ".join(LEVELS) + " | without a valid answer |",
        "|" + "---|" * (len(LEVELS) + 2),
    ]
    for name, figures in scores.items():
        what = f"held-out ({LABEL})" if name == HELD_OUT else name
        found = " | ".join(f"{value:.3f}" for value in f1(figures))
        rows.append(f"| {what} | {found} | {figures['response']['share']:.1%} |")
    return rows


HELD_OUT = "held-out"


def _figure(value: Any) -> str:
    return "unknown" if value is None else f"{value:.3f}"
