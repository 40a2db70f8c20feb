"""The embedded engine against the demo's gold set: both as files of the batch interface, through manage.py evaluate."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import call_command

from coding_review.evaluation_predictions import engine_lines
from coding_review.exports.gold import write_gold
from coding_review.models import GoldSet
from modelops.models import EvaluationRun


def ensure_evaluation(gold_set: GoldSet, engine: str) -> EvaluationRun:
    """The stored run of the engine on the set; made now if there is none."""
    found = EvaluationRun.objects.filter(gold_set_sha256=gold_set.sha256).order_by("pk").first()
    if found is not None:
        return found
    with TemporaryDirectory() as folder:
        gold, predicted = Path(folder) / "gold.jsonl", Path(folder) / "predicted.jsonl"
        with gold.open("wb") as out:
            write_gold(out, gold_set, with_text=False)
        with predicted.open("wb") as out:
            out.writelines(engine_lines(gold_set, engine))
        quiet = {"stdout": StringIO(), "stderr": StringIO()}
        call_command("evaluate", str(gold), str(predicted), store=True, gold_set=gold_set.pk, **quiet)
    return EvaluationRun.objects.filter(gold_set_sha256=gold_set.sha256).latest("pk")
