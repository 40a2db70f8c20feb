"""What a job may be told, and what is refused with the name of the field."""

import pytest

from modelops.training.config import (
    BadConfig,
    JobFile,
    Lora,
    Recipe,
    Resources,
    Stage,
    from_dict,
    to_dict,
)
from modelops.training.zero import deepspeed_config
from tests.modelops.training.rows import job_file

SLURM = {"place": "slurm", "partition": "gpu", "project_dir": "/srv/app", "venv": "/srv/venv"}
KUBERNETES = {
    "place": "kubernetes", "image": "registry/x:1", "claim": "data", "claim_path": "/data", "project_dir": "/app",
}  # fmt: skip


def test_the_defaults_are_the_papers_recipe():
    recipe = Recipe()
    assert (recipe.epochs, recipe.learning_rate, recipe.weight_decay, recipe.schedule) == (
        4.0,
        1e-5,
        0.1,
        "linear",
    )
    assert (recipe.micro_batch, recipe.max_tokens, recipe.zero_stage) == (4, 8192, 3)
    assert (recipe.offload_optimizer, recipe.optimizer, recipe.precision) == (True, "cpu_adam", "bf16")
    assert recipe.phases == (Stage(name="", epochs=4.0, learning_rate=1e-5),)


def test_a_job_file_comes_back_as_it_was_written(tmp_path):
    stages = (Stage(name="pairs", epochs=1.0, learning_rate=2e-5), Stage(name="notes", epochs=3.0))
    job = job_file(tmp_path, recipe=Recipe(stages=stages, lora=Lora(targets=("q_proj", "v_proj"))))
    assert from_dict(JobFile, to_dict(job)) == job
    assert job.recipe.phases == stages


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        ({"epochs": 0}, "recipe.epochs"),
        ({"epochs": "4"}, "recipe.epochs"),
        ({"epochs": float("nan")}, "recipe.epochs"),
        ({"micro_batch": 0}, "recipe.micro_batch"),
        ({"micro_batch": 1.5}, "recipe.micro_batch"),
        ({"micro_batch": True}, "recipe.micro_batch"),
        ({"keep": 1}, "recipe.keep"),
        ({"schedule": "steep"}, "recipe.schedule"),
        ({"precision": "fp16"}, "recipe.precision"),
        ({"zero_stage": 4}, "recipe.zero_stage"),
        ({"optimiser": "adam"}, "recipe.optimiser"),
        ({"lora": {"rank": 0}}, "recipe.lora.rank"),
        ({"lora": {"targets": ["q_proj; rm"]}}, "recipe.lora.targets"),
        ({"lora": []}, "recipe.lora"),
        ({"stages": [{"name": "a"}, {"name": "a"}]}, "recipe.stages"),
        ({"stages": [{"name": "../a"}]}, "recipe.stages.name"),
        ({"offload_optimizer": False}, "recipe.optimizer"),
        ({"offload_optimizer": True, "zero_stage": 0}, "recipe.offload_optimizer"),
        ({"offload_parameters": True, "zero_stage": 2}, "recipe.offload_parameters"),
    ],
)
def test_a_recipe_that_cannot_be_names_its_field(recipe, field):
    with pytest.raises(BadConfig) as refused:
        from_dict(Recipe, recipe, "recipe.")
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("resources", "field"),
    [
        ({"place": "moon"}, "resources.place"),
        ({"device": "tpu"}, "resources.device"),
        ({"nodes": 2}, "resources.nodes"),
        ({"place": "hostfile", "nodes": 2}, "resources.hostfile"),
        ({"place": "hostfile", "hostfile": "hosts"}, "resources.hostfile"),
        ({"place": "hostfile", "hostfile": "/etc/../hosts"}, "resources.hostfile"),
        ({**SLURM, "partition": ""}, "resources.partition"),
        ({**SLURM, "partition": "gpu\n#SBATCH --uid=0"}, "resources.partition"),
        ({**SLURM, "account": "$(id)"}, "resources.account"),
        ({**SLURM, "time_limit": "soon"}, "resources.time_limit"),
        # Digits, but of another script: sbatch reads its own only.
        ({**SLURM, "time_limit": "٢٤:00:00"}, "resources.time_limit"),
        ({**SLURM, "time_limit": "24:00:00\n"}, "resources.time_limit"),
        ({**SLURM, "partition": "ｇpu"}, "resources.partition"),
        ({**SLURM, "partition": "a" * 64}, "resources.partition"),
        ({**SLURM, "venv": "/srv/`id`"}, "resources.venv"),
        ({**SLURM, "venv": "/srv/${job}"}, "resources.venv"),
        ({**SLURM, "project_dir": "/srv/a b"}, "resources.project_dir"),
        ({**KUBERNETES, "image": "x y"}, "resources.image"),
        ({**KUBERNETES, "namespace": "a: b"}, "resources.namespace"),
        ({**KUBERNETES, "claim": "a}"}, "resources.claim"),
        ({**KUBERNETES, "claim_path": "/data, readOnly: false"}, "resources.claim_path"),
        ({**KUBERNETES, "project_dir": "/app\u2028- evil"}, "resources.project_dir"),
        ({**KUBERNETES, "image": "registry/x:1\n    privileged"}, "resources.image"),
    ],
)
def test_resources_that_cannot_be_name_their_field(resources, field):
    with pytest.raises(BadConfig) as refused:
        from_dict(Resources, resources, "resources.")
    assert refused.value.field == field


def test_a_curriculum_is_not_for_adapters(tmp_path):
    with pytest.raises(BadConfig) as refused:
        job_file(tmp_path, method="lora", recipe=Recipe(stages=(Stage(name="a"),)))
    assert refused.value.field == "recipe.stages"


def test_deepspeed_is_told_of_no_optimizer_and_of_the_whole_batch():
    config = deepspeed_config(Recipe(accumulation=2), Resources(processes=8))
    assert "optimizer" not in config
    assert (config["train_batch_size"], config["train_micro_batch_size_per_gpu"]) == (64, 4)
    assert config["zero_optimization"]["offload_optimizer"] == {"device": "cpu", "pin_memory": True}
    assert config["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"] is True
    assert (config["bf16"], config["zero_force_ds_cpu_optimizer"]) == ({"enabled": True}, True)
    plain = deepspeed_config(
        Recipe(zero_stage=0, offload_optimizer=False, optimizer="adam", precision="fp32"),
        Resources(device="cpu"),
    )
    assert plain["zero_optimization"] == {"stage": 0}
    assert (plain["bf16"], plain["zero_force_ds_cpu_optimizer"]) == ({"enabled": False}, False)
