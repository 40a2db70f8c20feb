"""manage.py evaluate GOLD PRED: predictions against a gold set, as docs/evaluation.md says."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from django.core.management.base import BaseCommand, CommandError

from coding_review.evaluation_store import Evaluated, report, store
from coding_review.models import GoldSet
from modelops.evaluation.charts import Options
from modelops.evaluation.columns import Gold, Predictions
from modelops.evaluation.figures import Json
from modelops.evaluation.metrics import evaluate_packed
from modelops.evaluation_catalog import by_own_release, domain_codes, places_of_latest
from modelops.evaluation_files import Lines, training_cases
from modelops.evaluation_packing import read_gold, read_predictions
from modelops.interchange import BadChart

T = TypeVar("T")


class Command(BaseCommand):
    help = (
        "Compares predictions with a gold set (JSONL, the batch interface's charts and predictions) and writes the "
        "figures. A bad line is told with its number and stops nothing. Exit code 0 also with bad lines; they are "
        "in the figures' 'input'."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("gold", metavar="GOLD", type=Path, help="JSONL file of gold charts")
        parser.add_argument("predicted", metavar="PRED", type=Path, help="JSONL file of predictions")
        parser.add_argument("--json", metavar="OUT", help="where the figures go; - for standard output")
        parser.add_argument("--against", metavar="PRED2", type=Path, help="predictions to compare with")
        parser.add_argument(
            "--domains", metavar="NAME", nargs="+", default=[], help="value sets of the domain filter"
        )
        parser.add_argument(
            "--train-categories",
            metavar="FILE",
            type=Path,
            help="codes or categories with their cases in training: CSV (code,count) or a JSON object",
        )
        parser.add_argument("--html", metavar="OUT", type=Path, help="where the report goes")
        parser.add_argument("--store", action="store_true", help="keep the run: figures, charts, predictions")
        parser.add_argument(
            "--gold-set",
            metavar="NUMBER",
            type=int,
            help="the frozen gold set that GOLD was exported from: its name, hash and kind stand in report and run",
        )
        parser.add_argument("--resamples", type=int, default=Options().resamples, help="of the bootstrap")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen, gold_set = self._options(options), self._gold_set(options["gold_set"])
        gold_lines = Lines(options["gold"].name)
        gold = self._gold(options["gold"], gold_lines)
        prediction_lines = Lines(options["predicted"].name)
        predictions = self._predictions(gold, options["predicted"], prediction_lines)
        told = [gold_lines, prediction_lines]
        against = None
        if options["against"] is not None:
            told.append(Lines(options["against"].name))
            against = self._predictions(gold, options["against"], told[-1])
        figures = evaluate_packed(gold, predictions, by_own_release(chosen, gold.day), against)
        figures["input"] = _input(told)
        self._tell(told)
        if options["json"]:
            _write(options["json"], _as_json(figures))
        if options["json"] != "-":
            self.stdout.write(summary(figures))
        evaluated = Evaluated(options["gold"], options["predicted"], figures, gold_set)
        if options["html"] is not None:
            _write(str(options["html"]), report(evaluated))
        if options["store"]:
            self.stderr.write(f"Stored as {store(evaluated)}.")

    def _gold_set(self, number: int | None) -> GoldSet | None:
        if number is None:
            return None
        found = GoldSet.objects.filter(pk=number).first()
        if found is None:
            raise CommandError(f"There is no gold set {number}.")
        return found

    def _options(self, options: dict[str, Any]) -> Options:
        places = places_of_latest()
        domains, absent = domain_codes(options["domains"])
        if absent and options["domains"]:
            raise CommandError(
                f"No value set is loaded for {', '.join(absent)} (manage.py load_catalog value_set)."
            )
        for name in absent:
            self.stderr.write(f"No value set {name} is loaded: left out of the domain filter.")
        if not places.of:
            self.stderr.write("No ICD-10-CM release is loaded: no figures by chapter and block.")
        training = None
        if options["train_categories"] is not None:
            try:
                training = training_cases(options["train_categories"])
            except (BadChart, OSError, UnicodeDecodeError) as error:
                raise CommandError(f"{options['train_categories']}: {error}") from error
        if options["resamples"] < 0:
            raise CommandError("--resamples is a number from 0 on.")
        return Options(
            domains=domains,
            places=places.of,
            titles=places.titles,
            training=training,
            release=places.release,
            resamples=options["resamples"],
        )

    def _gold(self, path: Path, told: Lines) -> Gold:
        gold = _read(lambda: read_gold(path, told))
        if not len(gold.charts):
            self._tell([told])
            raise CommandError(f"{path}: no gold chart.")
        return gold

    def _predictions(self, gold: Gold, path: Path, told: Lines) -> Predictions:
        return _read(lambda: read_predictions(gold, path, told))

    def _tell(self, told: list[Lines]) -> None:
        for lines in told:
            for error in lines.errors:
                self.stderr.write(str(error))
            if lines.error_count > len(lines.errors):
                self.stderr.write(f"{lines.file}: {lines.error_count:,} bad lines in all")


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error


def _input(told: list[Lines]) -> Json:
    errors = [error for lines in told for error in lines.errors]
    return {
        "gold_lines": told[0].count,
        "prediction_lines": told[1].count,
        "error_count": sum(lines.error_count for lines in told),
        "errors": [{"file": error.file, "line": error.line, "message": error.message} for error in errors],
    }


def _as_json(figures: Json) -> str:
    return json.dumps(figures, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _write(target: str, text: str) -> None:
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}") from error


def summary(figures: Json) -> str:
    """A few lines for the terminal."""
    charts = figures["charts"]
    said = [
        f"{charts['total']:,} charts, {charts['gold_codes']:,} gold codes, {charts['predicted_codes']:,} predicted; "
        f"{figures['response']['without_valid_prediction']:,} charts without a valid prediction",
        f"{'level':<14}{'precision':>10}{'recall':>10}{'F1':>10}   macro F1 ± se",
    ]
    for name, level in figures["levels"].items():
        micro, macro = level["micro"], level["macro"]
        error = "" if macro["f1_se"] is None else f" ± {macro['f1_se']:.4f}"
        said.append(
            f"{name:<14}{micro['precision']:>10.4f}{micro['recall']:>10.4f}{micro['f1']:>10.4f}"
            f"   {macro['f1']:.4f}{error}"
        )
    cited = figures["evidence"]["lines_cited"]
    if cited["mean"] is not None:
        said.append(f"Lines cited per code: {cited['mean']:.2f} (median {cited['median']:.0f})")
    return "\n".join(said)
