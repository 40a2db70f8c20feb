"""The trainer's process, run by the Python of the training environment: `python -m modelops.training.entrypoint RUN`.

Reads run.json, trains with TRL and DeepSpeed, writes progress, checkpoints, the result and its own last word. It goes
on from the newest whole checkpoint when there is one. Weights are read and written as safetensors, and no code of a
checkpoint is ever run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

from modelops.training.base import Shape, check_base
from modelops.training.card import MANIFEST, finish, is_whole
from modelops.training.checkpoints import newest_complete, remove_incomplete, world_size_of
from modelops.training.config import JobFile, Stage
from modelops.training.errors import ERRORS, Stopped, code_of
from modelops.training.examples import Tokenized, read_rows, tokenize
from modelops.training.files import RunFolder, State, read_json
from modelops.training.heartbeat import beating
from modelops.training.plan import flops_per_token, lora_parameters
from modelops.training.zero import deepspeed_config

# Given back when the disk is full, so that the last word can still be written.
_RESERVE = "reserve"
_RESERVE_BYTES = 64 * 1024


def main(arguments: list[str]) -> int:
    folder = RunFolder(Path(arguments[0]).resolve())
    attempt = 0
    try:
        job = folder.read_run()
        attempt = job.attempt
        if _rank() == 0:
            _reserve(folder)
        # A scheduler starts the trainer without a supervisor beside it.
        alone = _rank() == 0 and not job.resources.is_started_here
        with beating(folder, attempt) if alone else contextlib.nullcontext():
            state = _train(folder, job)
    except BaseException as error:
        # The process ends here whatever it was: the reason becomes the run's last word, the words go to the log.
        traceback.print_exc()
        if isinstance(error, KeyboardInterrupt | SystemExit) or attempt == 0:
            raise
        code = code_of(error)
        words = str(error) if isinstance(error, Stopped) else ERRORS[code].message
        _last_word(folder, attempt, code, words)
        sys.stdout.flush()
        sys.stderr.flush()
        # Other processes may wait for this one for ever: no clean ending with them.
        os._exit(1)
    if _rank() == 0:
        folder.write_state(state)
    return 0


def _train(folder: RunFolder, job: JobFile) -> State:
    # What is soon seen is seen before anything slow is loaded.
    check_base(Path(job.base))
    _prepare_environment(job)
    from modelops.training.watching import Before

    before, base = Before(), Path(job.base)
    phases = job.recipe.phases
    told: dict[str, Any] = {}
    for position, phase in enumerate(phases):
        is_last = position == len(phases) - 1
        target = folder.output if is_last else folder.path / "stages" / phase.name
        if not is_whole(target):
            cancelled = _phase(folder, job, phase, base, target, before)
            if cancelled is not None:
                return cancelled
        told = (read_json(target / MANIFEST) or {}).get("told", {})
        before, base = Before(told.get("steps", 0), told.get("tokens", 0)), target
    result = {
        "checkpoint": folder.output.name,
        "sha256": (read_json(folder.output / MANIFEST) or {}).get("sha256", ""),
        "told": told,
    }
    return State(
        job.attempt,
        "done",
        step=before.steps,
        steps=before.steps,
        stage=phases[-1].name,
        at=_now(),
        result=result,
    )


def _phase(
    folder: RunFolder, job: JobFile, phase: Stage, base: Path, target: Path, before: Any
) -> State | None:
    """One stage to its result in `target`; the state to end with where it was cancelled."""
    from trl import SFTTrainer

    from modelops.training.watching import Watcher

    shape = check_base(base)
    checkpoints = folder.checkpoints / (phase.name or "all")
    resume = _checkpoint(checkpoints, job)
    arguments = _arguments(job, phase, checkpoints)
    tokenizer = _tokenizer(base)
    train, validation = _examples(job, phase, tokenizer)
    watcher = Watcher(
        folder,
        job.attempt,
        stage=phase.name,
        before=before,
        flops_per_token=_flops(shape, job, train),
        peak_flops=job.resources.peak_tflops * 1e12 * job.resources.world_size,
        checkpoints=checkpoints,
    )
    trainer = SFTTrainer(
        model=_model(base, job),
        args=arguments,
        train_dataset=_dataset(train),
        eval_dataset=_dataset(validation) if validation else None,
        processing_class=tokenizer,
        peft_config=_lora(job),
        callbacks=[watcher],
    )
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    step = before.steps + int(trainer.state.global_step)
    if watcher.cancelled:
        steps = before.steps + int(trainer.state.max_steps)
        return State(job.attempt, "cancelled", step=step, steps=steps, stage=phase.name, at=_now())
    if _rank() == 0:
        folder.write_state(State(job.attempt, "saving", step=step, steps=step, stage=phase.name, at=_now()))
    shutil.rmtree(target, ignore_errors=True)
    trainer.save_model(str(target))
    if _rank() == 0:
        tokenizer.save_pretrained(str(target))
        told = {
            "steps": step,
            "tokens": before.tokens + int(trainer.state.num_input_tokens_seen),
            "packs": len(trainer.train_dataset),
            "train": train.counts(),
            "validation": validation.counts() if validation else {},
            "loss": _last(trainer.state.log_history, "loss"),
            "validation_loss": _last(trainer.state.log_history, "eval_loss"),
        }
        finish(target, job, told, base_name=Path(job.base).name)
    if arguments.world_size > 1:
        import torch

        torch.distributed.barrier()
    return None


def _prepare_environment(job: JobFile) -> None:
    """Before anything is imported that reads it."""
    os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    if job.resources.device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    import datasets
    import deepspeed
    import transformers

    datasets.disable_caching()
    datasets.disable_progress_bars()
    transformers.logging.set_verbosity_warning()
    if job.resources.device == "cpu":
        # What processes of one machine share memory by would be compiled now, by a compiler that may not be there;
        # they do without.
        builder = deepspeed.accelerator.get_accelerator().create_op_builder("ShareMemCommBuilder")
        if builder is not None:
            deepspeed.ops.__compatible_ops__[builder.NAME] = False


def _arguments(job: JobFile, phase: Stage, checkpoints: Path) -> Any:
    import torch
    from accelerate import PartialState
    from trl import SFTConfig

    recipe, resources = job.recipe, job.resources
    on_cpu = resources.device == "cpu"
    extra: dict[str, Any] = {}
    if on_cpu and resources.world_size > 1:
        os.environ["ACCELERATE_USE_DEEPSPEED"] = "true"
        PartialState(backend="gloo")
        extra["accelerator_config"] = {"use_configured_state": True}
    if on_cpu and resources.world_size == 1:
        extra["use_cpu"] = True
    if not on_cpu and not torch.cuda.is_available():
        raise Stopped("environment_missing", "The job asks for GPUs, and the training environment sees none.")
    return SFTConfig(
        output_dir=str(checkpoints),
        deepspeed=deepspeed_config(recipe, resources),
        per_device_train_batch_size=recipe.micro_batch,
        per_device_eval_batch_size=recipe.micro_batch,
        gradient_accumulation_steps=recipe.accumulation,
        num_train_epochs=phase.epochs,
        max_steps=recipe.max_steps or -1,
        learning_rate=phase.learning_rate,
        weight_decay=recipe.weight_decay,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,
        max_grad_norm=recipe.max_grad_norm,
        optim="adamw_torch",
        bf16=recipe.precision == "bf16",
        gradient_checkpointing=recipe.gradient_checkpointing,
        max_length=recipe.max_tokens,
        packing=True,
        packing_strategy="bfd",
        eval_packing=True,
        completion_only_loss=True,
        eval_strategy="epoch" if job.validation and recipe.validate else "no",
        save_strategy="steps" if recipe.save_steps else "epoch",
        save_steps=recipe.save_steps or 1,
        save_total_limit=recipe.keep,
        logging_steps=1,
        logging_nan_inf_filter=False,
        include_num_input_tokens_seen="all",
        dataset_num_proc=None,
        dataloader_num_workers=0,
        report_to=[],
        disable_tqdm=True,
        seed=recipe.seed,
        data_seed=recipe.seed,
        **extra,
    )


def _checkpoint(checkpoints: Path, job: JobFile) -> Path | None:
    """The one to go on from. Half-written ones are removed, since their numbers come again."""
    if _rank() == 0:
        for name in remove_incomplete(checkpoints):
            print(f"{name} was not whole and is left out.", flush=True)  # noqa: T201  the log
    newest = newest_complete(checkpoints)
    if newest is not None and world_size_of(newest) != job.resources.world_size:
        raise Stopped("world_size_changed")
    if newest is not None:
        print(f"Going on from {newest.name}.", flush=True)  # noqa: T201  the log
    return newest


def _tokenizer(base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(base), local_files_only=True, trust_remote_code=False)


def _model(base: Path, job: JobFile) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(
        str(base),
        dtype=torch.bfloat16 if job.recipe.precision == "bf16" else torch.float32,
        attn_implementation=job.recipe.attention,
        use_safetensors=True,
        local_files_only=True,
        trust_remote_code=False,
    )


def _lora(job: JobFile) -> Any:
    if job.method != "lora":
        return None
    from peft import LoraConfig

    lora = job.recipe.lora
    return LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=list(lora.targets) or "all-linear",
        task_type="CAUSAL_LM",
        bias="none",
    )


def _examples(job: JobFile, phase: Stage, tokenizer: Any) -> tuple[Tokenized, Tokenized | None]:
    longest = job.recipe.max_tokens
    train = tokenize(read_rows(Path(job.train), phase.name), tokenizer, longest)
    if not job.validation or not job.recipe.validate:
        return train, None
    rows = read_rows(Path(job.validation), phase.name)
    validation = tokenize(rows, tokenizer, longest, may_be_empty=True)
    return train, validation if validation.input_ids else None


def _dataset(examples: Tokenized) -> Any:
    from datasets import Dataset

    return Dataset.from_dict({"input_ids": examples.input_ids, "labels": examples.labels})


def _flops(shape: Shape, job: JobFile, examples: Tokenized) -> float:
    trained = lora_parameters(shape, job.recipe) if job.method == "lora" else shape.parameters
    return flops_per_token(shape, examples.tokens / len(examples.input_ids), trained=trained)


def _reserve(folder: RunFolder) -> None:
    (folder.path / _RESERVE).write_bytes(b"\0" * _RESERVE_BYTES)


def _last_word(folder: RunFolder, attempt: int, code: str, words: str) -> None:
    """Of whichever process speaks first. Silent where even that cannot be written: the supervisor speaks then."""
    (folder.path / _RESERVE).unlink(missing_ok=True)
    told = folder.read_state()
    if told is not None and told.attempt == attempt and told.is_end:
        return
    before = told if told is not None else State(attempt, "failed")
    last = dataclasses.replace(
        before, attempt=attempt, status="failed", error_code=code, error=words[:300], at=_now()
    )
    with contextlib.suppress(OSError):
        folder.write_state(last)


def _last(history: list[dict[str, Any]], name: str) -> float | None:
    found = [row[name] for row in history if name in row]
    return float(found[-1]) if found else None


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
