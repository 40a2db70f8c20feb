"""The miniature at its smallest, through the real DeepSpeed and the real vLLM.

What it learns in a minute is little, and not what is held here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.models import Release
from modelops.models import ModelVersion
from tests.mini.run import miniature
from tests.mini.size import TINY

pytestmark = [
    pytest.mark.deepspeed,
    pytest.mark.vllm,
    pytest.mark.slow,
    pytest.mark.timeout(2400),
    pytest.mark.django_db,
]


def test_from_synthetic_charts_to_the_scores_of_what_was_trained_on_them(
    tmp_path: Path, settings: Any, icd10cm: Release
) -> None:
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
    assert figures["trained"]["charts"] == TINY.held_out
    assert figures["trained"]["response"]["missing"] == 0
    assert all(0 <= figures["trained"]["levels"][level]["micro"]["f1"] <= 1 for level in ("L0", "L3", "L4"))
