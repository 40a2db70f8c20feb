"""The steps of the miniature in their order, with what each took."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from django.core.management import call_command

from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.queries import latest_release
from modelops.engines.llm.local.server import Server
from modelops.models import DatasetVersion, TrainingJob
from tests.mini import charts, scoring, training
from tests.mini.scoring import Asked
from tests.mini.size import MINI, TINY, Size

T = TypeVar("T")
Figures = Mapping[str, Mapping[str, Any]]
WAYS = (
    Asked("alone"),
    Asked("candidates", grounding="candidates"),
    Asked("candidates, verified", grounding="candidates+verify"),
    Asked("closed schema", grounding="candidates", closed=True),
    Asked("closed, verified", grounding="candidates+verify", closed=True),
    Asked("hybrid", engine="hybrid", grounding="candidates", closed=True),
)
EMBEDDED = Asked("embedded engine", engine="embedded")


def run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="make train-mini")
    parser.add_argument("--tiny", action="store_true", help="the size of the tests")
    parser.add_argument("--charts", type=int, help="to train on")
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--accumulation", type=int)
    parser.add_argument(
        "--seed", type=int, default=charts.HELD_OUT_SEED, help="of the charts that are scored"
    )
    parser.add_argument("--keep", type=Path, help="folder for charts, predictions and figures")
    options = parser.parse_args(arguments)
    size = TINY if options.tiny else MINI
    changed = {
        name: value
        for name in ("charts", "epochs", "learning_rate", "accumulation")
        if (value := getattr(options, name)) is not None
    }
    size = dataclasses.replace(size, **changed)
    call_command("migrate", verbosity=0)
    try:
        latest_release(CodeSystem.ICD10CM)
    except NoRelease:
        call_command("load_catalog", "icd10cm")
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        miniature(size, options.keep.resolve(), options.seed)
        return
    with tempfile.TemporaryDirectory(prefix="miniature-") as folder:
        miniature(size, Path(folder), options.seed)


def miniature(size: Size, folder: Path, seed: int = charts.HELD_OUT_SEED) -> tuple[Figures, TrainingJob]:
    """Figures by what was asked, and the training."""
    begun = time.monotonic()
    say(f"{size.codes} codes, {size.charts:,} charts to train on, {size.held_out} of seed {seed} to score on")
    train, held_out = timed("charts written", lambda: charts.write(size, folder, seed))
    charts.freeze(held_out)
    base = training.bases() / f"miniature-{time.time_ns()}"
    corpus = charts.corpus(size, train, folder / "corpus.txt")
    parameters = timed("base drawn", lambda: training.make_base(size, corpus, base))
    say(f"  {parameters:,} parameters")
    dataset, stages = _dataset_and_untrained(size, folder, train, held_out, base)
    job = timed("trained by DeepSpeed", lambda: training.train(size, dataset, base, Progress()))
    trained = training.checkpoint(job)
    with scoring.starting(trained, folder) as server:
        ask = Ask(folder, server)
        ways: dict[str, Mapping[str, Any]] = {}
        if size.compared:
            some = charts.head(held_out, size.compared, folder / "some.jsonl")
            timed("catalog's lookup made", scoring.make_lookup)
            ways[EMBEDDED.name] = timed(EMBEDDED.name, partial(ask, some, EMBEDDED))
        timed("its server waited for", lambda: scoring.wait(server))
        stages["trained"] = timed(f"{size.held_out} charts asked", lambda: ask(held_out, Asked("trained")))
        if size.compared:
            ways = {asked.name: timed(asked.name, partial(ask, some, asked)) for asked in WAYS} | ways
    _print(size, stages, ways)
    say(f"{(time.monotonic() - begun) / 60:.1f} minutes in all")
    return {**stages, **ways}, job


def _dataset_and_untrained(
    size: Size, folder: Path, train: Path, held_out: Path, base: Path
) -> tuple[DatasetVersion, dict[str, Mapping[str, Any]]]:
    """The dataset is built by one core while the server of the untrained model comes up on the other."""

    def built() -> DatasetVersion:
        dataset, left_out = timed("dataset built", lambda: charts.dataset(size, train, base))
        statistics = dataset.statistics
        say(
            f"  {statistics['examples']['train']:,} examples, {statistics['tokens']['all']:,} tokens, "
            f"{statistics['packing']['packs']:,} packs, {statistics['packing']['useful']:.1%} useful; "
            f"{left_out} charts left out, nearly the same as one scored"
        )
        return dataset

    if not size.untrained:
        return built(), {}
    few = charts.head(held_out, size.untrained, folder / "few.jsonl")
    with scoring.starting(base, folder) as server:
        dataset = built()
        timed("its server waited for", lambda: scoring.wait(server))
        ask = Ask(folder, server)
        figures = timed(f"{size.untrained} charts asked, untrained", lambda: ask(few, Asked("untrained")))
    return dataset, {"untrained": figures}


class Ask:
    """Charts put to one server, and the figures of its answers."""

    def __init__(self, folder: Path, server: Server) -> None:
        self._folder = folder
        self._server = server

    def __call__(self, gold: Path, asked: Asked) -> Mapping[str, Any]:
        name = f"{asked.name}-{gold.stem}".replace(" ", "-").replace(",", "")
        predicted, figures = self._folder / f"{name}.predicted.jsonl", self._folder / f"{name}.figures.json"
        scoring.predict(gold, predicted, asked, self._server if asked.engine != "embedded" else None)
        return scoring.score(gold, predicted, figures)


def _print(size: Size, stages: Figures, ways: Figures) -> None:
    say("")
    say(
        f"{size.held_out} held-out charts of an unseen seed ({size.untrained} of them for the untrained model), written"
    )
    say("by the same generator as those trained on: a check of the pipeline, no figure about clinical text.")
    say(
        "After the paper's Figure 1, micro F1 by level (there, of other data: exact 0.18 before and 0.704 after,"
    )
    say("exact with evidence 0.629):")
    _levels(stages)
    say("After the paper's Figure 2, precision and recall of exact codes, and charts without a valid answer:")
    say(f"  {'':24}{'precision':>10}{'recall':>10}{'invalid':>10}")
    for name, figures in stages.items():
        exact = figures["levels"]["L3"]["micro"]
        invalid = figures["response"]["share"]
        say(f"  {name:24}{exact['precision']:10.3f}{exact['recall']:10.3f}{invalid:10.3f}")
    if ways:
        say(
            f"Ways of asking the trained model, on the first {size.compared} of these charts, micro F1 by level:"
        )
        _levels(ways)
        say(
            "It never saw candidates or questions of a second look while it was trained. These figures are of this"
        )
        say("model of a few million parameters alone and say nothing about one of seventy thousand million.")


def _levels(found: Figures) -> None:
    say(f"  {'':24}" + "".join(f"{level:>8}" for level in scoring.LEVELS))
    for name, figures in found.items():
        say(f"  {name:24}" + "".join(f"{value:8.3f}" for value in scoring.f1(figures)))


class Progress:
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


def timed(what: str, work: Callable[[], T]) -> T:
    begun = time.monotonic()
    result = work()
    say(f"{what}: {time.monotonic() - begun:.0f} s")
    return result


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
