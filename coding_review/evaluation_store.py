"""From the files of manage.py evaluate to a report and a stored run: what the command adds to the figures."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from catalog.jsonl import filled
from coding_review.actions.store_evaluation import store_evaluation
from coding_review.models import GoldSet
from modelops.evaluation.charts import PredictedChart
from modelops.evaluation.per_chart import chart_view
from modelops.evaluation.report.page import report_page
from modelops.evaluation.report.parts import Metrics, Section
from modelops.evaluation.report.sections import sections, warnings
from modelops.evaluation.runs import ChartRow, NewRun, chart_row, sha256_of
from modelops.evaluation_files import Lines, gold_charts, predicted_charts
from modelops.models import EvaluationRun, ModelVersion


@dataclass(frozen=True, slots=True)
class Evaluated:
    """`gold_set`: the frozen set that the file came from, None for a file of its own. `settings`: what was chosen
    beside the figures' own options, by its name."""

    gold: Path
    predicted: Path
    metrics: Metrics
    gold_set: GoldSet | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Maker:
    """Who predicted, as the file itself says; what differs between its lines is joined."""

    engine: str
    model_version: str
    release: str


def report(evaluated: Evaluated) -> str:
    """The self-contained page."""
    maker = maker_of(evaluated.predicted)
    version = _version(maker)
    shown = sections(evaluated.metrics, version.metrics.get("general_knowledge") if version else None)
    facts = (
        ("Gold set", _gold_name(evaluated)),
        ("Gold set SHA-256", _gold_hash(evaluated)),
        ("Engine", " ".join((maker.engine, maker.model_version)).strip()),
        ("Catalog release", maker.release),
        ("Predictions SHA-256", sha256_of(evaluated.predicted)),
        ("Code revision", code_revision()),
    )
    return report_page(
        "Evaluation report",
        [(term, value) for term, value in facts if value],
        warnings(evaluated.metrics, _kind(evaluated)),
        shown,
        _drawings(shown),
    )


def store(evaluated: Evaluated, actor: Any = None) -> EvaluationRun:
    maker = maker_of(evaluated.predicted)
    version = _version(maker)
    shown = sections(evaluated.metrics, version.metrics.get("general_knowledge") if version else None)
    new = NewRun(
        engine=maker.engine[:80] or "not named",
        gold_set_name=_gold_name(evaluated)[:200],
        gold_set_sha256=_gold_hash(evaluated),
        metrics=evaluated.metrics,
        charts=_charts(evaluated),
        predictions=evaluated.predicted,
        catalog_release=maker.release[:200],
        settings={
            **({"gold_kind": _kind(evaluated)} if _kind(evaluated) else {}),
            **evaluated.settings,
            **({"model_version": maker.model_version} if maker.model_version else {}),
            **{
                name: value
                for name, value in (evaluated.metrics.get("options") or {}).items()
                if isinstance(value, int | float | str)
            },
        },
        code_revision=code_revision(),
        drawings=_drawings(shown),
        model_version_id=version.pk if version else None,
    )
    return store_evaluation(actor, new)


def _drawings(shown: tuple[Section, ...]) -> dict[str, str]:
    # Here and not above: matplotlib takes memory in every process that imports it, and tasks.py leads here from
    # the web server too, which never draws.
    from modelops.evaluation.report.drawing import draw_all

    return draw_all(shown)


def maker_of(predicted: Path) -> Maker:
    """Reads the whole file: lines of several engines may stand in one. A line that is no object is passed over."""
    found: dict[str, dict[str, None]] = {"engine": {}, "model_version": {}, "catalog_release": {}}
    with predicted.open("rb") as lines:
        for raw in filled(lines):
            try:
                row = json.loads(raw)
            except ValueError:
                continue
            for name, values in found.items():
                if isinstance(row, dict) and isinstance(row.get(name), str) and row[name]:
                    values[row[name]] = None
    return Maker(*(", ".join(values) for values in found.values()))


def code_revision() -> str:
    """The commit of a checkout; empty for an installation without one."""
    git = shutil.which("git")
    if git is None or not (settings.BASE_DIR / ".git").exists():
        return ""
    told = subprocess.run(  # noqa: S603 - fixed arguments
        [git, "-C", str(settings.BASE_DIR), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() if told.returncode == 0 else ""


def _charts(evaluated: Evaluated) -> Iterator[ChartRow]:
    """A second pass over both files, so that the figures of many charts need no text or lists kept beside them."""
    with evaluated.predicted.open("rb") as lines:
        answers: Mapping[str, PredictedChart] = {
            chart.id: chart for chart in predicted_charts(lines, Lines(evaluated.predicted.name))
        }
    with evaluated.gold.open("rb") as lines:
        for chart in gold_charts(lines, Lines(evaluated.gold.name)):
            yield chart_row(chart.id, chart_view(chart, answers.get(chart.id)))


def _version(maker: Maker) -> ModelVersion | None:
    """The one that the predictions name; versions are written as "name version" or as the version alone."""
    for version in ModelVersion.objects.filter(engine=maker.engine).order_by("-pk"):
        if maker.model_version in (str(version), version.version):
            return version
    return None


def _gold_name(evaluated: Evaluated) -> str:
    return str(evaluated.gold_set) if evaluated.gold_set else evaluated.gold.name


def _gold_hash(evaluated: Evaluated) -> str:
    return evaluated.gold_set.sha256 if evaluated.gold_set else sha256_of(evaluated.gold)


def _kind(evaluated: Evaluated) -> str:
    return str(evaluated.gold_set.kind) if evaluated.gold_set else ""
