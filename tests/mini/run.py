"""The steps of the miniature in their order, with what each took."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from django.core.management import call_command

from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.queries import latest_release
from modelops.models import TrainingJob
from tests.mini import charts, scoring, training
from tests.mini.scoring import Asked
from tests.mini.size import MINI, TINY, Size

T = TypeVar("T")
GROUNDINGS = ("candidates", "candidates+verify")


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make train-mini")
    parser.add_argument("--tiny", action="store_true", help="the size of the tests")
    parser.add_argument("--charts", type=int, help="to train on")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--keep", type=Path, help="folder for charts, predictions and figures")
    options = parser.parse_args(arguments)
    size = TINY if options.tiny else MINI
    changed = {name: value for name in ("charts", "epochs") if (value := getattr(options, name)) is not None}
    size = dataclasses.replace(size, **changed)
    call_command("migrate", verbosity=0)
    try:
        latest_release(CodeSystem.ICD10CM)
    except NoRelease:
        call_command("load_catalog", "icd10cm")
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        miniature(size, options.keep.resolve())
        return
    with tempfile.TemporaryDirectory(prefix="miniature-") as folder:
        miniature(size, Path(folder))


def miniature(size: Size, folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """Figures by what was asked, before and after the training."""
    begun = time.monotonic()
    say(f"{size.codes} codes, {size.charts:,} charts to train on, {size.held_out} of another seed to score on")
    train, held_out = _timed("charts written", lambda: charts.write(size, folder))
    charts.freeze(held_out)
    base = training.bases() / f"miniature-{time.time_ns()}"
    corpus = charts.corpus(train, folder / "corpus.txt")
    parameters = _timed("base drawn", lambda: training.make_base(size, corpus, base))
    dataset, left_out = _timed("dataset built", lambda: charts.dataset(size, train, base))
    statistics = dataset.statistics
    say(
        f"  {parameters:,} parameters; {statistics['examples']['train']:,} examples, "
        f"{statistics['tokens']['all']:,} tokens, {statistics['packing']['packs']:,} packs, "
        f"{statistics['packing']['useful']:.1%} useful; {left_out} charts left out, nearly the same as one scored"
    )
    job = _timed("trained", lambda: training.train(size, dataset, base, _Progress()))
    return _before_and_after(size, folder, held_out, base, training.checkpoint(job), begun)


def _before_and_after(
    size: Size, folder: Path, held_out: Path, base: Path, trained: Path, begun: float
) -> Mapping[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}

    def ask(name: str, gold: Path, asked: Asked, server: Any) -> None:
        place = folder / name.replace(" ", "-")
        scoring.predict(gold, place.with_suffix(".predicted.jsonl"), asked, server)
        found[name] = scoring.score(
            gold, place.with_suffix(".predicted.jsonl"), place.with_suffix(".figures.json")
        )

    few = charts.head(held_out, size.untrained, folder / "few.jsonl")
    with scoring.served(base, folder) as server:
        _timed(f"untrained, {size.untrained} charts", lambda: ask("untrained", few, Asked("vllm"), server))
    with scoring.served(trained, folder) as server:
        _timed("trained", lambda: ask("trained", held_out, Asked("vllm"), server))
        for grounding in GROUNDINGS:
            asked = Asked("vllm", grounding=grounding)
            _timed(f"trained, {grounding}", lambda: ask(f"trained, {grounding}", held_out, asked, server))  # noqa: B023  called at once
    asked = Asked("embedded", engine="embedded")
    _timed("embedded engine", lambda: ask("embedded engine", held_out, asked, None))
    _print(found)
    say(f"{(time.monotonic() - begun) / 60:.1f} minutes in all")
    return found


def _print(found: Mapping[str, Mapping[str, Any]]) -> None:
    say("")
    say("Held-out charts of an unseen seed, same writer: a check of the pipeline, no figure about clinical text.")
    say("As the paper's Figure 1, micro F1 by level (its own, other data: exact 0.18 before, 0.704 after; L4 0.629):")
    say(f"  {'':28}" + "".join(f"{level:>8}" for level in scoring.LEVELS))
    for name, figures in found.items():
        say(f"  {name:28}" + "".join(f"{value:8.3f}" for value in scoring.f1(figures)))
    say("As the paper's Figure 2, precision and recall of exact codes, and charts without a valid answer:")
    for name, figures in found.items():
        exact = figures["levels"]["L3"]["micro"]
        say(f"  {name:28}{exact['precision']:8.3f}{exact['recall']:8.3f}")
    say("These figures are of this miniature alone and say nothing about a large model.")


class _Progress:
    """A line every tenth of the steps."""

    def __init__(self) -> None:
        self._told = -1

    def __call__(self, job: TrainingJob) -> None:
        if not job.steps:
            return
        tenth = 10 * job.step // job.steps
        last = job.training_steps.order_by("-step").first()
        if tenth > self._told and last is not None and last.loss is not None:
            self._told = tenth
            speed = f", {last.tokens_per_second:,.0f} tokens/s" if last.tokens_per_second else ""
            say(f"  step {job.step:,} of {job.steps:,}: loss {last.loss:.3f}{speed}")


def _timed(what: str, work: Callable[[], T]) -> T:
    begun = time.monotonic()
    result = work()
    say(f"{what}: {time.monotonic() - begun:.0f} s")
    return result


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
