"""manage.py code_charts IN OUT: the batch interface without the web."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog.errors import NoRelease
from modelops.batch import Bands, predict_lines
from modelops.engines.registry import get_engine
from modelops.errors import UnknownEngine

_SAY_EVERY = 2.0


class Command(BaseCommand):
    help = (
        "Predicts codes for charts (JSONL, one chart a line) and writes one prediction a line. A line that is "
        "not a chart gets an error on its own output line and stops nothing. Gold fields (codes, optional, "
        "traps, domains, note_type) are tolerated and not read. '-' stands for standard input or output."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="IN", help="JSONL file of charts, or - for standard input")
        parser.add_argument(
            "target", metavar="OUT", help="JSONL file of predictions, or - for standard output"
        )
        parser.add_argument("--engine", default="", help="engine by name (default: the setting ENGINE)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            engine = get_engine(options["engine"] or settings.ENGINE)
        except UnknownEngine as error:
            raise CommandError(str(error)) from error
        source, target = options["source"], options["target"]
        if source != "-" and target != "-" and Path(source).resolve() == Path(target).resolve():
            raise CommandError("IN and OUT are the same file.")
        bands = Bands(high=settings.BAND_HIGH, medium=settings.BAND_MEDIUM)
        done = failed = 0
        started = said = time.monotonic()
        with ExitStack() as stack:
            try:
                lines = sys.stdin.buffer if source == "-" else stack.enter_context(Path(source).open("rb"))
                out = _output(target, stack)
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}") from error
            try:
                for outcome in predict_lines(lines, engine, bands):
                    out.write(outcome.as_line().encode("utf-8", "replace") + b"\n")
                    done += 1
                    failed += outcome.failed
                    if time.monotonic() - said >= _SAY_EVERY:
                        said = time.monotonic()
                        self.stderr.write(f"{done:,} charts, {failed:,} with an error")
            except NoRelease as error:
                raise CommandError(
                    "No ICD-10-CM release is loaded. manage.py load_catalog icd10cm loads the built-in one."
                ) from error
        seconds = time.monotonic() - started
        self.stderr.write(f"{done:,} charts in {seconds:.1f} s, {failed:,} with an error.")


def _output(target: str, stack: ExitStack) -> IO[bytes]:
    if target == "-":
        return sys.stdout.buffer
    return stack.enter_context(Path(target).open("wb"))
