"""manage.py code_charts IN OUT: the batch interface without the web."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from catalog.choices import CodeSystem
from catalog.management.batch_command import BatchCommand, Written
from catalog.queries import latest_release
from modelops.batch import Bands, predict_lines
from modelops.engines.registry import get_engine
from modelops.errors import UnknownEngine


class Command(BatchCommand):
    help = (
        "Predicts codes for charts (JSONL, one chart a line) and writes one prediction a line. A line that is "
        "not a chart gets an error on its own output line and stops nothing. Gold fields (codes, optional, "
        "traps, domains, note_type) are tolerated and not read. '-' stands for standard input or output."
    )
    unit = "charts"
    source_help = "JSONL file of charts, or - for standard input"
    target_help = "JSONL file of predictions, or - for standard output"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--engine", default="", help="engine by name (default: the setting ENGINE)")

    def prepare(self, options: dict[str, Any]) -> Callable[[Iterable[bytes]], Iterator[Written]]:
        try:
            engine = get_engine(options["engine"] or settings.ENGINE)
        except UnknownEngine as error:
            raise CommandError(str(error)) from error
        latest_release(CodeSystem.ICD10CM)
        bands = Bands(high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM)
        return lambda lines: predict_lines(lines, engine, bands)
