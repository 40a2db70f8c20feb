"""What a job costs, against figures worked out by hand."""

import math
from dataclasses import replace

import pytest

from modelops.training.base import Shape
from modelops.training.config import Lora, Recipe, Resources, Stage
from modelops.training.plan import DatasetSize, lora_parameters, plan, zero3_states

# Llama 3.3 70B by its config.json.
LLAMA = Shape(
    parameters=70_553_706_496,
    largest_layer=128_256 * 8192,
    layers=80,
    hidden=8192,
    intermediate=28_672,
    heads=64,
    head_size=128,
    vocabulary=128_256,
    positions=131_072,
)
NODE = Resources(processes=8, peak_tflops=989.0, memory_gb=141.0)
SIZE = {"": DatasetSize(examples=10_000, tokens=20_000_000)}


def test_steps_are_packs_over_the_batch_times_epochs():
    made = plan(LLAMA, SIZE, Recipe(), NODE, "full")
    packs = math.ceil(20_000_000 / (8192 * 0.97))
    assert packs == 2517
    assert (made.packs, made.steps) == (packs, math.ceil(packs / 32) * 4)
    assert (made.tokens, made.examples) == (80_000_000, 40_000)
    assert made.trained_parameters == made.parameters == LLAMA.parameters


def test_a_limit_of_steps_limits_the_tokens_too():
    made = plan(LLAMA, SIZE, Recipe(max_steps=79), NODE, "full")
    assert (made.steps, made.tokens) == (79, 80_000_000 * 79 // 316)


def test_stages_add_up():
    recipe = Recipe(stages=(Stage(name="pairs", epochs=1.0), Stage(name="notes", epochs=2.0)))
    sizes = {"pairs": DatasetSize(1000, 100_000), "notes": DatasetSize(500, 1_000_000)}
    made = plan(LLAMA, sizes, recipe, NODE, "full", packing=1.0)
    assert made.packs == math.ceil(100_000 / 8192) + math.ceil(1_000_000 / 8192) == 13 + 123
    assert (made.steps, made.tokens) == (1 + 4 * 2, 2_100_000)


@pytest.mark.parametrize(
    ("offload", "parameters", "device", "host"),
    [
        (False, False, 4 * 10 + int(18 * 1000 / 16), int(10 * 4 * 8 * 1.5)),
        (True, False, 4 * 10 + int(2 * 1000 / 16), int(1000 * 16 / 2 * 1.5)),
        (True, True, 4 * 10, int(1000 * 18 / 2 * 1.5)),
    ],
)
def test_model_states_by_deepspeeds_formula(offload, parameters, device, host):
    two_nodes = Resources(place="hostfile", hostfile="/h", processes=8, nodes=2)
    found = zero3_states(1000, 10, two_nodes, offload_optimizer=offload, offload_parameters=parameters)
    assert found == (device, host)


def test_a_70b_model_with_its_optimizer_offloaded_fits_eight_h200():
    made = plan(LLAMA, SIZE, Recipe(), NODE, "full")
    states = 4 * LLAMA.largest_layer + int(2 * LLAMA.parameters / 8)
    assert made.device_memory == states + made.activations
    assert made.host_memory == int(LLAMA.parameters * 16 * 1.5)
    assert made.fits is True
    kept = plan(LLAMA, SIZE, Recipe(offload_optimizer=False, optimizer="adam"), NODE, "full")
    assert kept.fits is False
    assert plan(LLAMA, SIZE, Recipe(), Resources(processes=8), "full").fits is None


def test_time_is_work_over_the_stated_share_of_the_rate():
    made = plan(LLAMA, SIZE, Recipe(), NODE, "full", mfu=0.4)
    matrix = LLAMA.parameters - LLAMA.vocabulary * LLAMA.hidden
    attention = 3 * 2 * 2 * 80 * 8192 * 2000 / 2
    assert made.flops == pytest.approx(80_000_000 * (6 * matrix + attention))
    assert made.seconds == pytest.approx(made.flops * 4 / 3 / (8 * 989e12 * 0.4))
    kept = plan(LLAMA, SIZE, Recipe(gradient_checkpointing=False), NODE, "full", mfu=0.4)
    assert kept.seconds == pytest.approx(made.flops / (8 * 989e12 * 0.4))
    assert plan(LLAMA, SIZE, Recipe(), Resources(), "full").seconds is None


def test_an_embedding_that_is_the_last_layer_too_is_reckoned_with():
    made, tied = (plan(shape, SIZE, Recipe(), NODE, "full") for shape in (LLAMA, replace(LLAMA, tied=True)))
    assert tied.flops - made.flops == pytest.approx(80_000_000 * 6 * LLAMA.vocabulary * LLAMA.hidden)


def test_an_adapter_trains_its_own_parameters_only():
    recipe = Recipe(lora=Lora(rank=8, targets=("q_proj", "v_proj")))
    assert lora_parameters(LLAMA, recipe) == 80 * 8 * 2 * (8192 + 8192)
    made, full = (plan(LLAMA, SIZE, recipe, NODE, method) for method in ("lora", "full"))
    assert made.trained_parameters == 20_971_520
    assert made.disk < full.disk
    assert made.flops < full.flops


def test_disk_holds_the_checkpoints_kept_one_more_and_the_result():
    made = plan(LLAMA, SIZE, Recipe(keep=3), NODE, "full")
    assert made.disk == 4 * 14 * LLAMA.parameters + 2 * LLAMA.parameters
