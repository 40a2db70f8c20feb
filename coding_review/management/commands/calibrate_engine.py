"""manage.py calibrate_engine GOLD PRED: what an engine's confidences are worth, fitted on a calibration split."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from coding_review.actions.store_calibration import NewCalibration, store_calibration
from coding_review.choices import GoldSetPurpose
from coding_review.models import GoldSet
from modelops.evaluation.isotonic import fit, pairs_of
from modelops.evaluation.runs import sha256_of
from modelops.evaluation_files import Lines
from modelops.evaluation_packing import read_gold, read_predictions


@dataclass(frozen=True, slots=True)
class _Split:
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class _Maker:
    engine: str
    model_version: str
    configuration: str


class Command(BaseCommand):
    help = (
        "Fits an engine's confidences to the share that was right (isotonic regression) and puts the curve in force "
        "for that engine, model version and configuration. GOLD is a calibration split and nothing else: a frozen "
        "gold set of that purpose (--gold-set), or a file of your own that neither trained nor evaluates the model "
        "(--split). PRED is what `code_charts --raw-confidence` wrote for its charts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("gold", metavar="GOLD", type=Path, help="JSONL file of gold charts")
        parser.add_argument("predicted", metavar="PRED", type=Path, help="JSONL file of predictions")
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument(
            "--gold-set", metavar="NUMBER", type=int, help="the frozen gold set that GOLD was exported from"
        )
        source.add_argument("--split", metavar="NAME", help="name of a split from elsewhere")
        parser.add_argument("--dry-run", action="store_true", help="print the curve and store nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        gold_path, predicted_path = options["gold"], options["predicted"]
        for path in (gold_path, predicted_path):
            if not path.is_file():
                raise CommandError(f"{path}: no such file.")
        told = [Lines(gold_path.name), Lines(predicted_path.name)]
        gold = read_gold(gold_path, told[0])
        split = self._split(options, gold.charts.names)
        maker = _maker(predicted_path)
        predictions = read_predictions(gold, predicted_path, told[1])
        for lines in told:
            for error in lines.errors:
                self.stderr.write(str(error))
        try:
            found = fit(pairs_of(gold, predictions))
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{maker.engine} {maker.model_version}: {found.codes:,} codes of {found.charts:,} charts; expected "
            f"calibration error {found.error_before:.4f}, of charts held out under the curve {found.error_after:.4f}"
        )
        for given, right in found.points:
            self.stdout.write(f"  {given:.3f} -> {right:.3f}")
        if options["dry_run"]:
            return
        stored = store_calibration(
            None,
            NewCalibration(
                engine=maker.engine,
                model_version=maker.model_version,
                configuration=maker.configuration,
                split=split.name,
                split_sha256=split.sha256,
                predictions_sha256=sha256_of(predicted_path),
                fit=found,
            ),
        )
        self.stdout.write(f"Stored as {stored}; in force from now on.")

    def _split(self, options: dict[str, Any], charts: list[str]) -> _Split:
        if not charts:
            raise CommandError(f"{options['gold']}: no gold chart.")
        if options["gold_set"] is None:
            return _Split(options["split"], sha256_of(options["gold"]))
        found = GoldSet.objects.filter(pk=options["gold_set"]).first()
        if found is None:
            raise CommandError(f"There is no gold set {options['gold_set']}.")
        if found.purpose != GoldSetPurpose.CALIBRATION:
            raise CommandError(f"The gold set {found} was frozen for {found.get_purpose_display().lower()}.")
        own = set(found.charts.values_list("chart_key", flat=True))
        if strange := [name for name in charts if name not in own]:
            raise CommandError(
                f"{len(strange):,} charts of {options['gold']} are not of the gold set {found}."
            )
        return _Split(str(found), found.sha256)


def _maker(path: Path) -> _Maker:
    """The one engine, model version and configuration that the predictions are of. Raises CommandError."""
    makers: set[_Maker] = set()
    for row in _rows(path):
        if row.get("calibration"):
            raise CommandError(
                f"{path}: made with calibration {row['calibration']}; a curve is fitted on confidences as the engine "
                "gives them (code_charts --raw-confidence)."
            )
        if not row.get("error"):
            makers.add(_Maker(*(_word(row, name) for name in ("engine", "model_version", "configuration"))))
    if len(makers) != 1:
        raise CommandError(
            f"{path}: predictions of {len(makers)} engines, model versions or configurations; one is needed."
        )
    maker = makers.pop()
    if not maker.engine or not maker.model_version:
        raise CommandError(f"{path}: the predictions do not say which engine and model version made them.")
    return maker


def _word(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of the file; lines that are none are told by the reader of predictions."""
    with path.open("rb") as lines:
        for raw in lines:
            try:
                row = json.loads(raw)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict):
                yield row
