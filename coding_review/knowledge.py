"""General knowledge of a trained version and of its base, asked beside the evaluations where the site has what it
takes: the harness's environment (make knowledge) and files of questions."""

from __future__ import annotations

import logging
from pathlib import Path

from django.conf import settings

from coding_review.actions.store_knowledge import METRIC, store_knowledge
from modelops.evaluation.knowledge.harness import TASKS, Checkpoint, HarnessFailed, measure
from modelops.evaluation.knowledge.kept import AFTER, BEFORE
from modelops.models import ModelVersion

log = logging.getLogger(__name__)

_AGAIN = "the harness was not asked yet, or failed: see the log of the evaluation worker"


def lacking(version: ModelVersion) -> str:
    """Why its general knowledge cannot be measured here, in words; "" where it can."""
    if not _python().is_file():
        return "the harness is not installed (make knowledge)"
    data = Path(settings.KNOWLEDGE_DIR)
    if not any((data / f"{name}.jsonl").is_file() for name in TASKS):
        return "KNOWLEDGE_DIR holds no questions"
    if version.adapter:
        return "an adapter is asked through its server (manage.py general_knowledge --endpoint)"
    if version.job is None or not version.checkpoint:
        return "it was not trained here (manage.py general_knowledge)"
    return ""


def why_not(version: ModelVersion) -> str:
    """Why there is no figure, where there is none."""
    return lacking(version) or _AGAIN


def wants_knowledge(version: ModelVersion) -> bool:
    return bool(_stages(version)) and not lacking(version)


def measure_version(version_id: int) -> int:
    """How many stages this call measured: the base and what was trained, each once. What the harness says goes no
    further than its class, since it may quote questions."""
    version = ModelVersion.objects.select_related("job").filter(pk=version_id).first()
    if version is None or not wants_knowledge(version):
        return 0
    measured = 0
    for stage in _stages(version):
        try:
            found = measure(
                Checkpoint(_folder(version, stage)),
                python=_python(),
                data=Path(settings.KNOWLEDGE_DIR),
                limit=settings.KNOWLEDGE_QUESTIONS or None,
                seconds=settings.EVALUATION_SECONDS / 2,
            )
        except HarnessFailed:
            log.warning("general knowledge of model version %s (%s) could not be measured", version.pk, stage)
            return measured
        store_knowledge(None, version.pk, stage, found)
        measured += 1
    return measured


def _folder(version: ModelVersion, stage: str) -> Path:
    if stage == BEFORE and version.job is not None:
        return Path(version.job.base)
    return Path(settings.TRAINING_DIR) / version.checkpoint


def _stages(version: ModelVersion) -> list[str]:
    """Those that no task was asked in."""
    tasks = (version.metrics.get(METRIC) or {}).get("tasks") or {}
    return [stage for stage in (BEFORE, AFTER) if not any(stage in task for task in tasks.values())]


def _python() -> Path:
    return Path(settings.KNOWLEDGE_VENV) / "bin" / "python"
