"""DeepSpeed's configuration from a recipe. There is no "optimizer" block: with one DeepSpeed would put norms and biases
under weight decay too; without one the trainer makes the groups, and offloaded states still go to DeepSpeed's Adam."""

from __future__ import annotations

from typing import Any

from modelops.training.config import Recipe, Resources


def deepspeed_config(recipe: Recipe, resources: Resources) -> dict[str, Any]:
    zero: dict[str, Any] = {"stage": recipe.zero_stage}
    if recipe.zero_stage:
        zero |= {"contiguous_gradients": True, "overlap_comm": resources.device == "cuda"}
    if recipe.offload_optimizer:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": resources.device == "cuda"}
    if recipe.zero_stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
        if recipe.offload_parameters:
            zero["offload_param"] = {"device": "cpu", "pin_memory": resources.device == "cuda"}
    return {
        "train_micro_batch_size_per_gpu": recipe.micro_batch,
        "gradient_accumulation_steps": recipe.accumulation,
        "train_batch_size": recipe.micro_batch * recipe.accumulation * resources.world_size,
        "gradient_clipping": recipe.max_grad_norm,
        "bf16": {"enabled": recipe.precision == "bf16"},
        "zero_optimization": zero,
        "zero_force_ds_cpu_optimizer": recipe.optimizer == "cpu_adam",
        "steps_per_print": 2_000_000_000,
        "wall_clock_breakdown": False,
    }
