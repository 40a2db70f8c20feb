"""The end of a round: a model trained on with what was signed, and scored before and after on charts frozen before."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from django.conf import settings

from coding_review.actions.training import resume_training
from modelops.choices import TrainingStatus
from modelops.models import DatasetVersion, TrainingJob
from tests.bench.run import say
from tests.mini import scoring, training
from tests.mini.run import Figures, Progress, timed
from tests.mini.scoring import Asked
from tests.mini.size import MINI, Size

# A quarter of the rate that the miniature begins with: what it learned shall stay.
EPOCHS, LEARNING_RATE = 1.0, 5e-4


def before_and_after(
    dataset: DatasetVersion, base: Path, held_out: Path, folder: Path, *, epochs: float, learning_rate: float
) -> Figures:
    settings.TRAINING_DIR, settings.TRAINING_BASE_DIRS = folder / "training", [base.parent]
    size = dataclasses.replace(MINI, epochs=epochs, learning_rate=learning_rate)
    job = timed("trained by DeepSpeed", lambda: _trained(size, dataset, base))
    before, after = folder / "before.predicted.jsonl", folder / "after.predicted.jsonl"
    timed("asked before", lambda: _predicted(base, held_out, before, folder))
    timed("asked after", lambda: _predicted(training.checkpoint(job), held_out, after, folder))
    figures = {
        "before": scoring.score(held_out, before, folder / "before.figures.json"),
        "after": scoring.score(held_out, after, folder / "after.figures.json", against=before),
    }
    say(f"{'':10}" + "".join(f"{name:>10}" for name in (*scoring.LEVELS, "precision", "recall", "invalid")))
    for name, found in figures.items():
        exact = found["levels"]["L3"]["micro"]
        row = [*scoring.f1(found), exact["precision"], exact["recall"], found["response"]["share"]]
        say(f"{name:10}" + "".join(f"{value:10.3f}" for value in row))
    for level in scoring.LEVELS:
        found = figures["after"]["comparison"]["levels"][level]["micro_f1"]
        say(
            f"{level}: after less before {found['difference']:+.3f}, 95% interval {found['low']:+.3f} to "
            f"{found['high']:+.3f} (paired, by patient)"
        )
    for name, found in figures.items():
        say(f"dropped {name}: {found['discarded']['by_reason']}")
    return figures


def _trained(size: Size, dataset: DatasetVersion, base: Path) -> TrainingJob:
    """Of a round that was broken off the job that is there: done, still at work, or to be resumed."""
    job = TrainingJob.objects.filter(dataset=dataset).order_by("-pk").first()
    if job is None:
        return training.train(size, dataset, base, Progress())
    if job.status in (TrainingStatus.FAILED, TrainingStatus.CANCELLED):
        resume_training(training.admin(), job.pk)
        job.refresh_from_db()
    return training.follow(job, Progress())


def _predicted(checkpoint: Path, held_out: Path, target: Path, folder: Path) -> None:
    if target.is_file():
        return
    part = target.with_suffix(".part")
    with scoring.served(checkpoint, folder) as server:
        scoring.predict(held_out, part, Asked(target.stem), server)
    part.rename(target)
