"""Model versions, gold sets and their runs for tests of promotion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from coding_review.actions.promotion import promote
from coding_review.actions.store_evaluation import store_evaluation
from coding_review.models import GoldSet
from coding_review.promotion import gate_of
from modelops.evaluation.runs import NewRun, chart_row
from modelops.models import EvaluationRun, ModelVersion, Promotion
from tests.coding_review.evaluation_rows import row, view

KNOWS = {"tasks": {"medqa": {"before": {"accuracy": 0.5}, "after": {"accuracy": 0.5}}}}
CODES = tuple(f"E11.{number}" for number in range(20, 40))


def version(number: str, *, by: User | None = None, **more: Any) -> ModelVersion:
    return ModelVersion.objects.create(
        engine="vllm",
        name="coder",
        version=number,
        trained_by=by,
        metrics={"general_knowledge": KNOWS},
        **more,
    )


def gold_set(
    name: str = "Frailty", *, kind: str = "gold", purpose: str = "evaluation", number: int = 1
) -> GoldSet:
    sha256 = f"{name}{number}".encode().hex().ljust(64, "0")[:64]
    return GoldSet.objects.create(
        name=name, version=number, kind=kind, purpose=purpose, manifest={}, sha256=sha256
    )


def run_of(
    folder: Path,
    of: ModelVersion | None,
    gold: GoldSet,
    *,
    right: int = 20,
    unsupported: int = 0,
    domain_f1: float = 0.6,
    engine: str = "vllm",
    **settings: str,
) -> EvaluationRun:
    """Ten charts of two gold codes; `right` of the twenty codes were met, `unsupported` codes stand beside them."""
    charts = {}
    for place in range(10):
        pair = range(2 * place, 2 * place + 2)
        charts[f"c-{place}"] = view(
            1.0,
            met=[row(CODES[at], [1], [1]) for at in pair if at < right],
            missed=[row(CODES[at], [1], None) for at in pair if at >= right],
            unsupported=[row("J18.9", None, [2])] if place < unsupported else [],
        )
    predictions = folder / "predictions.jsonl"
    predictions.write_text(f'{{"id": "{of}"}}\n', encoding="utf-8")
    domains = [{"key": "frailty", "gold": 20, "levels": {"L3": {"f1": domain_f1}}}]
    return store_evaluation(
        None,
        NewRun(
            engine=engine,
            gold_set_name=str(gold),
            gold_set_sha256=gold.sha256,
            metrics={"charts": {"total": 10}, "by": {"domain": domains}},
            charts=(chart_row(chart, found) for chart, found in charts.items()),
            predictions=predictions,
            settings=settings,
            model_version_id=of.pk if of else None,
        ),
    )


@pytest.fixture
def gold(settings: Any, tmp_path: Path) -> GoldSet:
    settings.EVALUATION_DIR = tmp_path / "kept"
    return gold_set()


@pytest.fixture
def serving(gold: GoldSet, tmp_path: Path) -> ModelVersion:
    found = version("1", active=True)
    run_of(tmp_path, found, gold, right=15)
    return found


@pytest.fixture
def candidate(gold: GoldSet, serving: ModelVersion, lead: User, tmp_path: Path) -> ModelVersion:
    """As good as what serves on every row; trained by the lead."""
    found = version("2", by=lead)
    run_of(tmp_path, found, gold, right=15)
    return found


def promoted(actor: User, candidate: ModelVersion, serving: ModelVersion, **more: Any) -> Promotion:
    said = {"serving_id": serving.pk, "compared": gate_of(candidate).pairs, "reason": "As good, cheaper."}
    return promote(actor, candidate.pk, **said | more)
