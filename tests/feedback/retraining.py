"""The end of a round: a model trained on with what was signed, and scored before and after on charts frozen before."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from modelops.models import DatasetVersion
from tests.bench.run import say
from tests.mini import scoring, training
from tests.mini.run import Figures, Progress, timed
from tests.mini.scoring import Asked
from tests.mini.size import MINI

# A quarter of the rate that the miniature begins with: what it learned shall stay.
EPOCHS, LEARNING_RATE = 2.0, 5e-4


def before_and_after(
    dataset: DatasetVersion, base: Path, held_out: Path, folder: Path, *, epochs: float, learning_rate: float
) -> Figures:
    settings.TRAINING_DIR, settings.TRAINING_BASE_DIRS = folder / "training", [base.parent]
    size = dataclasses.replace(MINI, epochs=epochs, learning_rate=learning_rate)
    job = timed("trained by DeepSpeed", lambda: training.train(size, dataset, base, Progress()))
    figures = {
        "before": timed("asked before", lambda: _scored("before", base, held_out, folder)),
        "after": timed("asked after", lambda: _scored("after", training.checkpoint(job), held_out, folder)),
    }
    say(f"{'':10}" + "".join(f"{name:>10}" for name in (*scoring.LEVELS, "precision", "recall", "invalid")))
    for name, found in figures.items():
        exact = found["levels"]["L3"]["micro"]
        row = [*scoring.f1(found), exact["precision"], exact["recall"], found["response"]["share"]]
        say(f"{name:10}" + "".join(f"{value:10.3f}" for value in row))
    for name, found in figures.items():
        say(f"dropped {name}: {found['discarded']['by_reason']}")
    return figures


def _scored(name: str, checkpoint: Path, held_out: Path, folder: Path) -> Mapping[str, Any]:
    predicted = folder / f"{name}.predicted.jsonl"
    with scoring.served(checkpoint, folder) as server:
        scoring.predict(held_out, predicted, Asked(name), server)
    return scoring.score(held_out, predicted, folder / f"{name}.figures.json")
