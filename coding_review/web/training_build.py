"""From a training's rows and files to what its page shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.urls import reverse
from django.utils import timezone

from coding_review.web import amounts, words
from coding_review.web.plots import Plot, Series, plot
from coding_review.web.training_page import (
    Fact,
    Figure,
    Head,
    JobRow,
    Live,
    Log,
    LogLine,
    Scored,
    Step,
    Trouble,
)
from modelops.choices import TRAINING_AT_WORK, TRAINING_RESUMABLE, TrainingStatus
from modelops.evaluation.report.parts import at, figure, number
from modelops.models import EvaluationRun, ModelVersion, TrainingJob, TrainingStep
from modelops.training.errors import ERRORS

TONES: Mapping[str, str] = {
    TrainingStatus.QUEUED: "calm",
    TrainingStatus.RUNNING: "accent",
    TrainingStatus.SAVING: "accent",
    TrainingStatus.CANCELLING: "warn",
    TrainingStatus.CANCELLED: "calm",
    TrainingStatus.FAILED: "bad",
    TrainingStatus.DONE: "good",
}
# Without a sign of life for so long a page says so; the job is given up by the reconciling, later.
QUIET_AFTER = dt.timedelta(seconds=20)
_GIB = 1024**3
_NEVER_RESUMED = frozenset({"loss_not_finite"})


def job_row(job: TrainingJob, loss: float | None) -> JobRow:
    """`loss`: of the newest step."""
    return JobRow(
        pk=job.pk,
        name=job.name,
        status=job.get_status_display(),
        tone=TONES[job.status],
        dataset=str(job.dataset or ""),
        base=Path(job.base).name,
        method=job.get_method_display(),
        steps=_steps(job),
        percent=min(100, round(100 * job.step / job.steps)) if job.steps else None,
        loss=amounts.loss(loss),
        slot=job.slot,
        asked=words.moment(job.created_at),
        by=person(job.created_by),
        took=amounts.span(_seconds(job)),
    )


def head(job: TrainingJob, *, may_train: bool) -> Head:
    has_begun = job.status in TRAINING_AT_WORK
    return Head(
        pk=job.pk,
        title=f"Job {job.pk}: {job.name}",
        status=job.status,
        status_label=job.get_status_display(),
        tone=TONES[job.status],
        since=_since(job),
        trouble=_trouble(job),
        may_cancel=may_train and job.is_open and job.status != TrainingStatus.CANCELLING,
        may_resume=may_train and job.status in TRAINING_RESUMABLE and job.error_code not in _NEVER_RESUMED,
        cancel_words="Cancel and keep checkpoint" if has_begun else "Cancel",
    )


def live(
    job: TrainingJob,
    curves: Sequence[Mapping[str, Any]],
    newest: Sequence[TrainingStep],
    log: Log,
    version: ModelVersion | None = None,
) -> Live:
    """`curves`: TrainingStep rows for plots; `newest`: the last steps, the newest first; `version`: what came of it."""
    last = newest[0] if newest else None
    is_quiet = _is_quiet(job)
    revision = (
        f"{job.status}.{job.attempt}.{job.step}.{last.step if last else 0}.{len(log.raw)}.{int(is_quiet)}"
    )
    return Live(
        revision=revision,
        polls=job.is_open,
        steps=stations(
            job,
            scored=version is not None and version.evaluation_runs.exists(),
            serving=version is not None and version.active,
        ),
        figures=figures(job, newest),
        plots=plots(job, curves) if curves else (),
        log=log,
        waits=_waits(job),
        quiet=_quiet_words(job) if is_quiet else "",
    )


def stations(job: TrainingJob, *, scored: bool = False, serving: bool = False) -> tuple[Step, ...]:
    dataset = job.dataset
    training = f"Training, step {job.step:,} of {job.steps:,}" if job.step else "Training"
    at_training = {
        TrainingStatus.DONE: "done",
        TrainingStatus.FAILED: "stopped",
        TrainingStatus.CANCELLED: "stopped",
    }.get(TrainingStatus(job.status), "now")
    return (
        Step(
            f"Dataset {dataset} frozen" if dataset else "Dataset",
            "done" if dataset else "later",
            reverse("web:dataset", args=[dataset.pk]) if dataset else "",
        ),
        Step("Plan accepted", "done"),
        Step(training, at_training),
        Step("Evaluation", "done" if scored else _next(at_training)),
        Step("Comparison with serving", "done" if scored else "later"),
        Step("Promotion", "done" if serving else "later"),
    )


def _next(before: str) -> str:
    return "now" if before == "done" else "later"


def figures(job: TrainingJob, newest: Sequence[TrainingStep]) -> tuple[Figure, ...]:
    """The four that matter."""
    last = newest[0] if newest else None
    validation = next((s.validation_loss for s in newest if s.validation_loss is not None), None)
    rate = last.tokens_per_second if last else None
    mfu = last.mfu if last else None
    return (
        Figure(
            "loss",
            amounts.loss(last.loss if last else None),
            f"validation {amounts.loss(validation)}" if validation is not None else "no validation yet",
        ),
        Figure(
            "tokens per second",
            amounts.count(rate),
            f"{amounts.share(mfu)} of the matrix rate (MFU)" if mfu is not None else "MFU: rate not stated",
        ),
        _packs(job, last),
        _memory(job, last),
    )


def _packs(job: TrainingJob, last: TrainingStep | None) -> Figure:
    """As the dataset counted them, or as they come to the trainer where its packs are of another size."""
    packing: Mapping[str, Any] = job.dataset.statistics.get("packing", {}) if job.dataset else {}
    label, size = "useful tokens in packs", int(job.recipe["max_tokens"])
    if packing.get("size") == size:
        return Figure(
            label,
            amounts.share(packing.get("useful")),
            f"{amounts.share(packing.get('useful_unpacked'))} without packing",
        )
    if last is None or not last.tokens:
        return Figure(label, amounts.ABSENT, f"packs of {size:,}: counted while it trains")
    packs_a_step = (
        job.recipe["micro_batch"]
        * job.recipe["accumulation"]
        * job.resources.get("processes", 1)
        * job.resources.get("nodes", 1)
    )
    return Figure(
        label,
        amounts.share(min(1.0, last.tokens / (last.step * packs_a_step * size))),
        f"of packs of {size:,}, as they came",
    )


def _memory(job: TrainingJob, last: TrainingStep | None) -> Figure:
    processes = job.resources.get("processes", 1) * job.resources.get("nodes", 1)
    host = last.host_memory if last else None
    if last is not None and last.gpu_memory is not None:
        of = job.resources.get("memory_gb", 0.0)
        label = f"GPU memory, worst of {processes}" if processes > 1 else "GPU memory"
        stated = f"of {amounts.gib(of * 1e9)}; " if of else ""
        return Figure(label, amounts.gib(last.gpu_memory), f"{stated}host {amounts.gib(host)}")
    of = job.resources.get("host_memory_gb", 0.0)
    return Figure(
        "host memory", amounts.gib(host), f"of {amounts.gib(of * 1e9)}" if of else "no GPU is used or told"
    )


def plots(job: TrainingJob, rows: Sequence[Mapping[str, Any]]) -> tuple[Plot, ...]:
    def column(name: str, scale: float = 1.0) -> list[tuple[int, float | None]]:
        return [(row["at_step"], None if row[name] is None else row[name] / scale) for row in rows]

    validation = [pair for pair in column("validation_loss") if pair[1] is not None]
    losses = [Series("training", column("loss"))]
    if validation:
        losses.append(Series("validation", validation, "second"))
    memory = [Series("host", column("host_memory", _GIB), "second")]
    if any(row["gpu_memory"] is not None for row in rows):
        memory.insert(0, Series("GPU", column("gpu_memory", _GIB)))
    steps = job.steps
    found = (
        plot("loss", "Loss", "", losses, steps=steps, form=_short),
        plot(
            "rate",
            "Learning rate",
            "",
            [Series("learning rate", column("learning_rate"))],
            steps=steps,
            form=amounts.rate,
        ),
        plot(
            "gradient",
            "Gradient norm",
            "",
            [Series("gradient norm", column("grad_norm"))],
            steps=steps,
            form=_short,
        ),
        plot(
            "speed",
            "Tokens per second",
            "tokens/s",
            [Series("tokens/s", column("tokens_per_second"))],
            steps=steps,
            form=amounts.count,
        ),
        plot("mfu", "MFU", "%", [Series("MFU", column("mfu", 0.01))], steps=steps, form=_percent),
        plot("memory", "Memory", "GiB", memory, steps=steps, form=_short),
    )
    # What the trainer cannot tell is not drawn: a rate that nobody stated, the gradient of ZeRO-0 in 32 bits.
    return tuple(one for one in found if one.key not in ("mfu", "gradient") or not one.is_empty)


def log_lines(newest: Sequence[TrainingStep]) -> tuple[LogLine, ...]:
    return tuple(LogLine(f"{timezone.localtime(step.at):%H:%M:%S}", _line(step)) for step in newest)


def facts(job: TrainingJob) -> tuple[Fact, ...]:
    """What is trained on what."""
    dataset, recipe, resources = job.dataset, job.recipe, job.resources
    told = [Fact("Base", Path(job.base).name)]
    if dataset is not None:
        told = [
            Fact(
                "Dataset",
                f"{dataset}, {dataset_words(dataset.statistics)}",
                reverse("web:dataset", args=[dataset.pk]),
            ),
            Fact("Held out", held_out_words(dataset.manifest)),
            *told,
        ]
    told += [
        Fact("Recipe", recipe_words(job.method, recipe)),
        Fact("Where", place_words(resources, job.slot)),
    ]
    if job.attempt > 1:
        told.append(Fact("Begun", f"{job.attempt} times"))
    if job.host:
        told.append(Fact("Supervisor", f"{job.host}, process {job.pid or 'ended'}"))
    sha256 = job.result.get("sha256", "")
    if sha256:
        told.append(Fact("Result's SHA-256", f"{sha256[:16]}…", code=True))
    return tuple(told)


def dataset_words(statistics: Mapping[str, Any]) -> str:
    """ "18,204 examples: 14,094 signed off, 4,110 synthetic"."""
    examples = statistics.get("examples", {})
    total = sum(examples.values())
    sources = ", ".join(
        f"{amounts.count(n)} {kind.replace('_', ' ')}"
        for kind, n in sorted(statistics.get("by_source", {}).items())
    )
    return f"{total:,} examples: {sources}" if sources else f"{total:,} examples"


def held_out_words(manifest: Mapping[str, Any]) -> str:
    check = manifest.get("leak_check", {})
    sets = len(check.get("sets", ()))
    if not sets:
        return "no gold set was there to compare with"
    return (
        f"{words.count(sets, 'gold set')} ({amounts.count(check.get('charts', 0))} charts), disjoint by id, "
        "text and near-duplicate"
    )


def recipe_words(method: str, recipe: Mapping[str, Any]) -> str:
    """ "LoRA r 16, 1e-05, 4 epochs, packs of 8,192, ZeRO-3 with offload, bf16"."""
    lora: Any = recipe.get("lora", {})
    stages: Any = recipe.get("stages", ())
    length = (
        f"stages {', then '.join(stage['name'] for stage in stages)}"
        if stages
        else f"{recipe.get('learning_rate', 0):g}, {recipe.get('epochs', 0):g} epochs"
    )
    offload = " with offload" if recipe.get("offload_optimizer") else ""
    return ", ".join(
        (
            f"LoRA r {lora.get('rank', '?')}" if method == "lora" else "full",
            length,
            f"packs of {recipe.get('max_tokens', 0):,}",
            f"ZeRO-{recipe.get('zero_stage', '?')}{offload}",
            str(recipe.get("precision", "")),
        )
    )


def place_words(resources: Mapping[str, Any], slot: str) -> str:
    processes, nodes = resources.get("processes", 1), resources.get("nodes", 1)
    what = "GPU" if resources.get("device") == "cuda" else "CPU process"
    many = words.count(processes, what, "CPU processes" if what != "GPU" else "GPUs")
    on = f"{words.count(nodes, 'node')} × {many}" if nodes > 1 else many
    return f"{resources.get('place', '')}, {on}, slot {slot}"


def plan_figures(plan: Mapping[str, Any]) -> tuple[Figure, ...]:
    if not plan:
        return ()
    fits = {True: "fits the memory stated", False: "more than the memory stated", None: "memory not stated"}
    seconds = plan.get("seconds")
    stated = f"at {amounts.share(plan.get('stated_mfu'))} MFU"
    return (
        Figure(
            "tokens",
            amounts.short_count(plan["tokens"]),
            f"{amounts.count(plan['examples'])} examples, all epochs",
        ),
        Figure("steps", amounts.count(plan["steps"]), f"{amounts.count(plan['packs'])} packs an epoch"),
        Figure("memory of a device", amounts.gib(plan["device_memory"]), fits[plan.get("fits")]),
        Figure("memory of a host", amounts.gib(plan["host_memory"]), "of each node"),
        Figure(
            "time",
            amounts.span(seconds) if seconds is not None else "not known",
            stated if seconds is not None else "the device's matrix rate is not stated",
        ),
        Figure("disk", amounts.gib(plan["disk"]), "checkpoints and result"),
        Figure(
            "trained parameters",
            amounts.short_count(plan["trained_parameters"]),
            f"of {amounts.short_count(plan['parameters'])}",
        ),
        Figure("work", f"{plan['flops']:.2g}", "floating point operations"),
    )


def scored(version: ModelVersion | None, serving: ModelVersion | None) -> tuple[Scored, ...]:
    """The newest run of each gold set, beside the serving model's newest run on the same set."""
    if version is None:
        return ()
    runs = _newest_by_set(version)
    others = _newest_by_set(serving) if serving is not None and serving.pk != version.pk else {}
    rows = []
    for sha256, run in runs.items():
        other = others.get(sha256)
        mine = at(run.metrics, "levels.L3.micro.f1")
        theirs = at(other.metrics, "levels.L3.micro.f1") if other else None
        here, there = figure(mine), figure(theirs)
        rows.append(
            Scored(
                gold_set=run.gold_set_name,
                url=reverse("web:evaluation", args=[run.pk]),
                exact=number(mine),
                with_evidence=number(at(run.metrics, "levels.L4.micro.f1")),
                serving=number(theirs) if other else amounts.ABSENT,
                difference=amounts.ABSENT if here is None or there is None else f"{here - there:+.3f}",
                compare_url=f"{reverse('web:evaluation-compare')}?a={run.pk}&b={other.pk}" if other else "",
            )
        )
    return tuple(rows)


def _newest_by_set(version: ModelVersion) -> dict[str, EvaluationRun]:
    found: dict[str, EvaluationRun] = {}
    for run in version.evaluation_runs.defer("drawings", "settings").order_by("-pk")[:50]:
        found.setdefault(run.gold_set_sha256, run)
    return found


def person(user: Any) -> str:
    return (user.get_full_name() or user.get_username()) if user else "operator of the server"


def _trouble(job: TrainingJob) -> Trouble | None:
    if job.status != TrainingStatus.FAILED:
        return None
    known = ERRORS.get(job.error_code, ERRORS["crashed"])
    message = job.error.removesuffix(known.advice).strip() or known.message
    return Trouble(job.error_code or "crashed", message, known.advice)


def _since(job: TrainingJob) -> str:
    who = f"asked for by {person(job.created_by)} {words.moment(job.created_at)}"
    seconds = _seconds(job)
    if seconds is None:
        return who
    if job.ended_at is not None:
        return f"{who}, took {amounts.span(seconds)}"
    planned = _planned_seconds(job, seconds)
    return f"{who}, {amounts.span(seconds)}" + (f" of about {amounts.span(planned)}" if planned else "")


def _planned_seconds(job: TrainingJob, gone: float) -> float | None:
    """By the steps that are done; before there are some, as the plan said."""
    if job.step >= 3 and job.steps and job.attempt <= 1:
        return gone * job.steps / job.step
    planned = job.plan.get("seconds")
    return float(planned) if planned else None


def _seconds(job: TrainingJob) -> float | None:
    if job.started_at is None:
        return None
    return ((job.ended_at or timezone.now()) - job.started_at).total_seconds()


def _steps(job: TrainingJob) -> str:
    return f"{job.step:,} of {job.steps:,}" if job.steps else amounts.ABSENT


def _waits(job: TrainingJob) -> str:
    if job.status == TrainingStatus.QUEUED:
        if job.written_at is not None:
            return "The job's files are written. It begins when somebody has reviewed and submitted them."
        return f"Waits until the slot {job.slot} is free and a worker takes it."
    if job.status in TRAINING_AT_WORK and not job.step:
        return "The trainer is starting: it loads the base and packs the examples. Figures follow the first step."
    return ""


def _is_quiet(job: TrainingJob) -> bool:
    return (
        job.status in TRAINING_AT_WORK
        and job.heartbeat_at is not None
        and timezone.now() - job.heartbeat_at > QUIET_AFTER
    )


def _quiet_words(job: TrainingJob) -> str:
    return (
        f"No sign of life since {timezone.localtime(job.heartbeat_at):%H:%M:%S}." if job.heartbeat_at else ""
    )


def _line(step: TrainingStep) -> str:
    if step.loss is None and step.validation_loss is not None:
        return f"step {step.step:,} validation {amounts.loss(step.validation_loss)}"
    told = f"step {step.step:,} loss {amounts.loss(step.loss)} lr {amounts.rate(step.learning_rate)}"
    norm = "" if step.grad_norm is None else f" grad {step.grad_norm:.2f}"
    checked = "" if step.validation_loss is None else f" validation {amounts.loss(step.validation_loss)}"
    return f"{told}{norm}{checked}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _percent(value: float) -> str:
    return f"{value:.3g}%"
