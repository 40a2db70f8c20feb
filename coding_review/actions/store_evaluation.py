"""Keep an evaluation: the run with its figures, each chart's code sets, the file of predictions by its hash."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from coding_review import audit
from coding_review.auth import require
from coding_review.rules.permissions import RUN_EVALUATION
from modelops.evaluation.runs import NewRun, keep_predictions
from modelops.models import EvaluationChart, EvaluationRun

_ROWS_AT_ONCE = 2_000


@transaction.atomic
def store_evaluation(actor: Any, new: NewRun) -> EvaluationRun:
    """`actor` None is the operator at the server's command line. Raises NotAllowed, OSError.

    Where the transaction fails the file of predictions stays: it lies under its hash and the next run finds it.
    """
    if actor is not None:
        require(actor, RUN_EVALUATION)
    path, sha256 = keep_predictions(new.predictions, Path(settings.EVALUATION_DIR))
    run = EvaluationRun.objects.create(
        model_version_id=new.model_version_id,
        engine=new.engine,
        gold_set_name=new.gold_set_name,
        gold_set_sha256=new.gold_set_sha256,
        catalog_release=new.catalog_release,
        settings=dict(new.settings),
        code_revision=new.code_revision,
        metrics=dict(new.metrics),
        drawings=dict(new.drawings),
        charts_count=(new.metrics.get("charts") or {}).get("total") or 0,
        predictions_path=path,
        predictions_sha256=sha256,
        created_by=actor,
    )
    kept, charts = 0, iter(new.charts)
    while rows := list(islice(charts, _ROWS_AT_ONCE)):
        EvaluationChart.objects.bulk_create(
            EvaluationChart(
                run=run,
                chart=row.chart,
                position=position,
                view=row.view,
                met=row.met,
                unsupported=row.unsupported,
                missed=row.missed,
                f1=row.f1,
            )
            for position, row in enumerate(rows, start=kept + 1)
        )
        kept += len(rows)
    audit.record(
        "evaluation.stored",
        actor=actor,
        data={
            "run_id": run.pk,
            "engine": run.engine,
            "model_version_id": run.model_version_id,
            "gold_set_sha256": run.gold_set_sha256,
            "predictions_sha256": sha256,
            "catalog_release": run.catalog_release,
            "charts": kept,
        },
    )
    return run
