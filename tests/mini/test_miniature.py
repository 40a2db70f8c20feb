"""The miniature at its smallest, through the real DeepSpeed and the real vLLM.

What it learns in half a minute is the form of an answer; which codes it finds is not what is held here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.models import Release
from modelops.models import ModelVersion
from tests.mini.run import miniature
from tests.mini.scoring import LEVELS
from tests.mini.size import TINY

pytestmark = [
    pytest.mark.deepspeed,
    pytest.mark.vllm,
    pytest.mark.slow,
    pytest.mark.timeout(2400),
    pytest.mark.django_db,
]


def test_from_synthetic_charts_to_the_scores_of_what_was_trained_on_them(
    tmp_path: Path, settings: Any, icd10cm: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The training sets it for its process, and here it goes back to what it was.
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    settings.DATASETS_DIR = tmp_path / "datasets"
    settings.TRAINING_DIR = tmp_path / "training"
    settings.TRAINING_BASE_DIRS = [tmp_path / "models"]
    figures, job = miniature(TINY, tmp_path)

    assert job.status == "done"
    losses = list(job.training_steps.order_by("step").values_list("loss", flat=True))
    assert len(losses) == job.steps > 50
    tenth = len(losses) // 10
    assert sum(losses[-tenth:]) < 0.6 * sum(losses[:tenth])

    dataset, version = job.dataset, ModelVersion.objects.get(job=job)
    assert dataset.manifest["leak_check"]["charts"] == TINY.held_out
    assert dataset.statistics["tokens"]["all"] > 0
    assert version.prompt_version == dataset.manifest["prompt_version"]
    assert version.sha256 == job.result["sha256"] != ""

    assert set(figures) == {"trained"}
    scored = figures["trained"]
    assert (scored["charts"]["total"], scored["response"]["missing"]) == (TINY.held_out, 0)
    # It learned the form of an answer: before that, each runs on until it is cut off.
    assert scored["response"]["errors"] < TINY.held_out
    assert set(LEVELS) <= set(scored["levels"])
