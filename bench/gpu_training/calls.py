"""One call of bench/gpu_train.py: what is absent is made, then trained on until the call's time is over, then scored.

What earlier calls did stands in FOLDER/kept.json; nothing is done twice.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from django.core.management import call_command

from bench.gpu_training.answers import ask
from bench.gpu_training.figures import Step, speed
from bench.gpu_training.options import DEVICE, KEPT, ROOT, begun_otherwise, gold_of, kept_in, parse, size_of
from bench.gpu_training.report import HELD_OUT, Piece, Trained, report, speed_line
from bench.gpu_training.size import GpuSize, fitted
from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.queries import latest_release
from coding_review.actions.training import resume_training
from coding_review.errors import InvalidDecision
from modelops.choices import TrainingStatus
from modelops.errors import ServerUnavailable
from modelops.jobs import dataset_folder
from modelops.models import DatasetVersion, TrainingJob
from modelops.synthesis.release_vocabulary import vocabulary_of
from modelops.training.examples import read_rows
from modelops.training.files import write_json
from tests.mini import charts, scoring, training
from tests.mini.run import say

DONE, FAILED, CANNOT, MORE = 0, 1, 2, 3
# For the checkpoint, and for ending.
RESERVE_SECONDS = 45.0
# Charts of one process that writes them.
_SLICE = 2500
# Charts about anything, from which codes are chosen.
_LOOKED_AT = 6000


class Over(Exception):
    """The call's time is over; another goes on."""


def run(arguments: list[str]) -> None:
    begun = time.monotonic()
    options = parse(arguments)
    until = begun + options.minutes * 60 - RESERVE_SECONDS
    call_command("migrate", verbosity=0)
    try:
        latest_release(CodeSystem.ICD10CM)
    except NoRelease:
        call_command("load_catalog", "icd10cm")
    call = Call(
        options.folder,
        size_of(options),
        json.loads(os.environ[DEVICE]),
        over=lambda: time.monotonic() > until,
        gold=gold_of(options),
    )
    sys.exit(call.take(again=options.again))


class Call:
    def __init__(
        self,
        folder: Path,
        size: GpuSize,
        device: Mapping[str, Any],
        *,
        over: Callable[[], bool],
        gold: Mapping[str, Path] | None = None,
    ) -> None:
        self.folder, self.size, self.device = folder, size, device
        self._over, self._gold = over, dict(gold or {})
        self._kept: dict[str, Any] = kept_in(folder)
        # Each call does something, however short its time is.
        self._has_worked = False

    def take(self, *, again: bool = False) -> int:
        """0 all is done, 3 there is more to do, 1 the training failed, 2 the folder was begun with other numbers."""
        other = begun_otherwise(self._kept["size"], self.size, again=again) if "size" in self._kept else []
        if other:
            say(f"{self.folder} was begun with other numbers ({', '.join(other)}). Name another folder.")
            return CANNOT
        self.folder.mkdir(parents=True, exist_ok=True)
        if again:
            self._forget_training()
        self._keep("size", dataclasses.asdict(self.size))
        try:
            self._charts()
            job = self._train()
            scores = self._score(training.checkpoint(job))
        except Over:
            say("This call's time is over; call it again.")
            return MORE
        except (training.TrainingFailed, InvalidDecision, ServerUnavailable) as error:
            say(f"{error}\nOnce the reason is removed another call goes on; --again trains anew.")
            return FAILED
        lines = report(self.trained(job), scores)
        (self.folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        say("\n".join(lines))
        return DONE

    def _charts(self) -> None:
        folder, size = self.folder, self.size
        train, held_out = folder / "train.jsonl", folder / "held-out.jsonl"
        self._once("charts", "charts written", lambda: write(size, train, held_out))
        self._once("frozen", "held-out charts frozen", lambda: charts.freeze(held_out))
        base = Path(self._once("base", "", lambda: str(training.bases() / f"gpu-{time.time_ns()}")))
        corpus = folder / "corpus.txt"
        self._once(
            "parameters",
            "base drawn",
            lambda: training.make_base(size, charts.corpus(size, train, corpus), base),
        )
        self._once("dataset", "dataset built", lambda: _built(size, train, base))

    def _train(self) -> TrainingJob:
        if self._has_worked and self._over():
            raise Over
        job = self._job()
        if job.status == TrainingStatus.DONE:
            return job
        if job.is_resumable:
            resume_training(training.admin(), job.pk)
            job.refresh_from_db()
        self._has_worked = True
        begun = time.monotonic()
        try:
            training.follow(job, Told(), self._over)
        finally:
            self._keep("rates", {**self._kept.get("rates", {}), str(job.attempt): self.device["tflops"]})
        say(f"trained for {time.monotonic() - begun:.0f} s, step {job.step:,} of {job.steps:,}")
        trained = self.trained(job)
        say(speed_line(trained, trained.pieces[-1]))
        if job.status != TrainingStatus.DONE:
            raise Over
        return job

    def _job(self) -> TrainingJob:
        if "job" in self._kept:
            return TrainingJob.objects.get(pk=self._kept["job"])
        attention = self.size.attention if self.size.attention != "auto" else self.device["attention"]
        size = fitted(self.size, attention, self.device["tflops"])
        dataset = DatasetVersion.objects.get(pk=self._kept["dataset"]["id"])
        job = training.queue(size, dataset, Path(self._kept["base"]))
        self._keep("attention", attention)
        self._keep("job", job.pk)
        return job

    def _score(self, checkpoint: Path) -> dict[str, Mapping[str, Any]]:
        found = {}
        for name, gold in {HELD_OUT: self.folder / "held-out.jsonl", **self._gold}.items():
            answers, figures = self._answers(name), self.folder / f"{name}.figures.json"
            if self._has_worked and self._over():
                raise Over
            begun = time.monotonic()
            if not ask(gold, answers, checkpoint, self.size, self._over):
                raise Over
            say(f"{name} asked: {time.monotonic() - begun:.0f} s")
            found[name] = scoring.score(gold, answers, figures)
        return found

    def trained(self, job: TrainingJob) -> Trained:
        dataset = DatasetVersion.objects.get(pk=self._kept["dataset"]["id"])
        rows = read_rows(dataset_folder(dataset) / "train.jsonl")
        steps = [
            Step(number, attempt, tokens, rate)
            for number, attempt, tokens, rate in job.training_steps.order_by("step").values_list(
                "step", "attempt", "tokens", "tokens_per_second"
            )
            if tokens and rate
        ]
        return Trained(
            device=self.device["name"],
            memory=self.device["memory"],
            size=fitted(self.size, self._kept["attention"], self.device["tflops"]),
            parameters=self._kept["parameters"],
            lengths=[row["tokens"] for row in rows],
            statistics=dataset.statistics,
            left_out=self._kept["dataset"]["left_out"],
            told=job.result.get("told", {}),
            pieces=[
                Piece(int(attempt), tflops, speed(steps, int(attempt)))
                for attempt, tflops in self._kept["rates"].items()
            ],
        )

    def _answers(self, name: str) -> Path:
        return self.folder / f"{name}.answers.jsonl"

    def _forget_training(self) -> None:
        for key in ("job", "rates", "attention"):
            self._kept.pop(key, None)
        for path in self.folder.glob("*.answers.jsonl"):
            path.unlink()

    def _once(self, key: str, what: str, work: Callable[[], Any]) -> Any:
        """What an earlier call kept under the key, else what `work` gives. Raises Over."""
        if key not in self._kept:
            if self._has_worked and self._over():
                raise Over
            begun = time.monotonic()
            self._keep(key, work())
            if what:
                self._has_worked = True
                say(f"{what}: {time.monotonic() - begun:.0f} s")
        return self._kept[key]

    def _keep(self, key: str, value: Any) -> None:
        self._kept[key] = value
        write_json(self.folder / KEPT, self._kept)


class Told:
    """A line every twentieth of the steps."""

    def __init__(self) -> None:
        self._last = -1

    def __call__(self, job: TrainingJob) -> None:
        part = 20 * job.step // job.steps if job.steps else 0
        row = job.training_steps.filter(loss__isnull=False).order_by("-step").first()
        if part > self._last and row is not None:
            self._last = part
            say(
                f"  step {row.step:,} of {job.steps:,}: loss {row.loss:.3f}, {row.tokens_per_second:,.0f} tokens/s"
            )


def write(size: GpuSize, train: Path, held_out: Path) -> None:
    """Charts of one seed are the same however many processes write them."""
    starts = range(0, size.charts, _SLICE)
    parts = [train.with_name(f"part-{first}.jsonl") for first in starts]
    asked = [
        charts.asked(size, part, min(_SLICE, size.charts - first), charts.TRAINING_SEED, first)
        for first, part in zip(starts, parts, strict=True)
    ]
    asked.append(charts.asked(size, held_out, size.held_out, charts.HELD_OUT_SEED))
    about = chosen(size, train.parent)
    asked = [one | {"codes": about} for one in asked]
    if len(parts) == 1:
        for one in asked:
            call_command("synthesize", **one)
    else:
        _together([_command(one) for one in asked])
    with train.open("wb") as whole:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)
            part.unlink()


def chosen(size: GpuSize, folder: Path) -> str:
    """What charts are written about, as the command takes it: a number where so many codes are common; else a file of
    the codes that charts about anything name most, since charts can be drawn about those together."""
    vocabulary = vocabulary_of(latest_release(CodeSystem.ICD10CM))
    if len(vocabulary.common(size.codes)) >= size.codes:
        return str(size.codes)
    anything, file = folder / "anything.jsonl", folder / "codes.txt"
    asked = charts.asked(size, anything, _LOOKED_AT, charts.TRAINING_SEED)
    call_command("synthesize", **(asked | {"codes": ""}))
    with anything.open(encoding="utf-8") as lines:
        file.write_text("\n".join(most_named(lines, size.codes)) + "\n", encoding="utf-8")
    anything.unlink()
    return str(file)


def most_named(lines: Iterable[str], count: int) -> list[str]:
    """Of charts in gold form; of codes that are named as often those that come first by letter."""
    named = Counter(row["code"] for line in lines for row in json.loads(line)["codes"])
    return sorted(named, key=lambda code: (-named[code], code))[:count]


def _command(asked: Mapping[str, Any]) -> list[str]:
    options = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    return [sys.executable, str(ROOT / "manage.py"), "synthesize", *options]


def _together(commands: list[list[str]]) -> None:
    """As many at once as there are processors. Raises CalledProcessError."""
    waiting, running = list(commands), []
    try:
        while waiting or running:
            while waiting and len(running) < (os.cpu_count() or 1):
                running.append(subprocess.Popen(waiting.pop(0), cwd=ROOT))  # noqa: S603  our own command
            one = running[0]
            if one.wait():
                raise subprocess.CalledProcessError(one.returncode, one.args)
            running.remove(one)
    finally:
        for one in running:
            one.kill()
            one.wait()


def _built(size: GpuSize, train: Path, base: Path) -> dict[str, int]:
    dataset, left_out = charts.dataset(size, train, base)
    return {"id": dataset.pk, "left_out": left_out}
