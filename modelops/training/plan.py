"""What a job will cost, before it is asked for: tokens, steps, memory, time, disk. Pure arithmetic.

Memory of model states by DeepSpeed's own formulas (runtime/zero/stage3.py and stage_1_and_2.py); activations by the
layers' inputs alone where they are recomputed. Both are estimates and shown as such.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modelops.training.base import Shape
from modelops.training.config import Recipe, Resources

# Of a checkpoint: weights, and for each trained parameter a master copy and Adam's two moments in 32 bits.
_STATE_BYTES = 12
# What DeepSpeed adds for its buffers.
_BUFFERS = 1.5
# Share of a device's rate that time is reckoned with where nobody stated one.
STATED_MFU = 0.35


@dataclass(frozen=True, slots=True)
class DatasetSize:
    """Of the examples that fit; `examples` and `tokens` of all stages together, or by stage."""

    examples: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Bytes, seconds, floating point operations. `seconds` None where the device's rate is not known. `fits`: whether
    the device's memory was stated and suffices; None: not stated."""

    parameters: int
    trained_parameters: int
    examples: int
    tokens: int
    packs: int
    steps: int
    device_memory: int
    host_memory: int
    activations: int
    flops: float
    stated_mfu: float
    seconds: float | None
    disk: int
    fits: bool | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(
    shape: Shape,
    sizes: Mapping[str, DatasetSize],
    recipe: Recipe,
    resources: Resources,
    method: str,
    *,
    packing: float = 0.97,
    mfu: float = STATED_MFU,
) -> Plan:
    """`sizes` by stage, "" for a dataset without stages. `packing`: the share of a pack that examples fill."""
    trained = lora_parameters(shape, recipe) if method == "lora" else shape.parameters
    batch = recipe.micro_batch * recipe.accumulation * resources.world_size
    packs = steps = 0
    tokens = examples = 0.0
    for phase in recipe.phases:
        size = sizes[phase.name]
        of_phase = packs_of(size, recipe.max_tokens, packing)
        of_steps = math.ceil(math.ceil(of_phase / batch) * phase.epochs)
        share = min(1.0, recipe.max_steps / of_steps) if recipe.max_steps and of_steps else 1.0
        packs += of_phase
        steps += round(of_steps * share)
        tokens += size.tokens * phase.epochs * share
        examples += size.examples * phase.epochs * share
    mean_length = tokens / examples if examples else 0.0
    flops = tokens * flops_per_token(shape, mean_length, trained=trained)
    states, host = model_states(shape, trained, recipe, resources)
    activations = activation_bytes(shape, recipe)
    device = states + activations
    rate = resources.peak_tflops * 1e12 * resources.world_size * mfu
    # Activations that are not kept are reckoned a second time, which MFU does not count.
    work = flops * (4 / 3 if recipe.gradient_checkpointing else 1)
    return Plan(
        parameters=shape.parameters,
        trained_parameters=trained,
        examples=int(examples),
        tokens=int(tokens),
        packs=packs,
        steps=steps,
        device_memory=device,
        host_memory=host,
        activations=activations,
        flops=flops,
        stated_mfu=mfu,
        seconds=work / rate if rate else None,
        disk=disk_bytes(shape, trained, recipe, method),
        fits=device <= resources.memory_gb * 1e9 if resources.memory_gb else None,
    )


def packs_of(size: DatasetSize, max_tokens: int, packing: float) -> int:
    return max(1, math.ceil(size.tokens / (max_tokens * packing))) if size.examples else 0


def flops_per_token(shape: Shape, mean_length: float, *, trained: int) -> float:
    """Forward and backward of one token: 2 operations a parameter forward, 2 for the activations' gradient and 2 for
    the weights' where they are trained; attention within examples of this mean length, causal. Tokens are looked up
    in the embedding, which costs nothing; one that is the last layer too is multiplied with there."""
    matrix = shape.parameters - (0 if shape.tied else shape.vocabulary * shape.hidden)
    attention = 2 * 2 * shape.layers * shape.heads * shape.head_size * mean_length / 2
    return 4 * matrix + 2 * min(trained, matrix) + 3 * attention


def model_states(shape: Shape, trained: int, recipe: Recipe, resources: Resources) -> tuple[int, int]:
    """Bytes of one device and of one node's host for weights, gradients and optimizer."""
    if trained < shape.parameters:
        return _adapter_states(shape, trained, recipe, resources)
    if recipe.zero_stage == 3:
        return zero3_states(
            shape.parameters,
            shape.largest_layer,
            resources,
            offload_optimizer=recipe.offload_optimizer,
            offload_parameters=recipe.offload_parameters,
        )
    return zero2_states(shape.parameters, recipe, resources)


def zero3_states(
    total: int, largest: int, resources: Resources, *, offload_optimizer: bool, offload_parameters: bool
) -> tuple[int, int]:
    """DeepSpeed's estimate_zero3_model_states_mem_needs, with weights that are created in parts (zero.Init)."""
    gathered = 4 * largest
    node_share = 1 / resources.nodes
    if offload_optimizer and offload_parameters:
        return gathered, int(total * 18 * node_share * _BUFFERS)
    if offload_optimizer:
        return gathered + int(2 * total / resources.world_size), int(total * 16 * node_share * _BUFFERS)
    host = int(largest * 4 * resources.processes * _BUFFERS)
    return gathered + int(18 * total / resources.world_size), host


def zero2_states(total: int, recipe: Recipe, resources: Resources) -> tuple[int, int]:
    """Stages 0 to 2: weights whole on each device. Stage 2, and whatever is offloaded, as DeepSpeed's
    estimate_zero2_model_states_mem_needs; gradients whole with stage 1, optimizer too with stage 0."""
    if recipe.offload_optimizer:
        return 2 * total, int(total * max(4 * resources.world_size, 16) * _BUFFERS)
    whole, in_parts = {0: (18, 0), 1: (6, 12), 2: (4, 16)}[recipe.zero_stage]
    host = int(total * 4 * resources.processes * _BUFFERS)
    return whole * total + int(in_parts * total / resources.world_size), host


def _adapter_states(shape: Shape, trained: int, recipe: Recipe, resources: Resources) -> tuple[int, int]:
    """The base without gradients, the adapter with gradients and optimizer."""
    weight = 2 if recipe.precision == "bf16" else 4
    parts = resources.world_size if recipe.zero_stage == 3 else 1
    gathered = 4 * shape.largest_layer if recipe.zero_stage == 3 else 0
    on_device = weight * shape.parameters / parts + gathered + 18 * trained / parts
    return int(on_device), int(weight * shape.parameters * resources.processes * _BUFFERS)


def lora_parameters(shape: Shape, recipe: Recipe) -> int:
    """Of an adapter on every linear layer but the last, or on as many of these seven as are named."""
    attention = shape.heads * shape.head_size
    inputs_and_outputs = {
        "q_proj": shape.hidden + attention,
        "k_proj": shape.hidden + attention,
        "v_proj": shape.hidden + attention,
        "o_proj": attention + shape.hidden,
        "gate_proj": shape.hidden + shape.intermediate,
        "up_proj": shape.hidden + shape.intermediate,
        "down_proj": shape.intermediate + shape.hidden,
    }
    named = recipe.lora.targets or tuple(inputs_and_outputs)
    return shape.layers * recipe.lora.rank * sum(inputs_and_outputs.get(name, 0) for name in named)


def activation_bytes(shape: Shape, recipe: Recipe) -> int:
    """Of one micro-batch: the inputs of all layers and one layer's own where they are recomputed, else about 34 bytes
    a token, layer and hidden unit (attention as one kernel); and the largest piece of logits."""
    tokens = recipe.micro_batch * recipe.max_tokens
    unit = 2 if recipe.precision == "bf16" else 4
    layer = 17 * unit * tokens * shape.hidden
    kept = unit * tokens * shape.hidden * shape.layers + layer
    logits = 8 * min(tokens, 4096) * shape.vocabulary
    return (kept if recipe.gradient_checkpointing else layer * shape.layers) + logits


def disk_bytes(shape: Shape, trained: int, recipe: Recipe, method: str) -> int:
    """Checkpoints that are kept, one more while it is written, and the result."""
    unit = 2 if recipe.precision == "bf16" else 4
    weights = unit * (trained if method == "lora" else shape.parameters)
    checkpoint = weights + (unit * shape.parameters if method == "lora" else 0) + _STATE_BYTES * trained
    return (recipe.keep + 1) * checkpoint + weights * max(1, len(recipe.phases))
