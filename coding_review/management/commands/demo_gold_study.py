"""manage.py demo_gold_study: a small finished gold study from the demo encounters."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from coding_review.demo.gold_evaluation import ensure_evaluation
from coding_review.demo.gold_study import ENGINE, ensure_gold_study
from coding_review.errors import ReviewError
from coding_review.models import GoldSetChart, GoldSetLabel


class Command(BaseCommand):
    help = (
        "Plays a gold study through the product's own actions: two readers and an adjudicator of the demo read, "
        "settle and freeze seven demo encounters; then the embedded engine is evaluated against the set. Run again, "
        "it changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            gold_set = ensure_gold_study()
        except ReviewError as error:
            # The demo's encounters may have been changed by whoever tries the product: it starts all the same.
            self.stdout.write(f"Left out: {error}")
            return
        if gold_set is None:
            self.stdout.write(
                "Left out: the demo's users or the embedded engine's suggestions are not there."
            )
            return
        charts = GoldSetChart.objects.filter(gold_set=gold_set)
        labels = GoldSetLabel.objects.filter(gold_set_chart__in=charts)
        run = ensure_evaluation(gold_set, ENGINE)
        exact = run.metrics["levels"]["L3"]["micro"]["f1"]
        self.stdout.write(
            f"{gold_set}: {charts.count()} charts, {labels.count()} labels, frozen, sha256 {gold_set.sha256[:12]}; "
            f"{run.engine} engine against it: exact F1 {exact:.2f}"
        )
