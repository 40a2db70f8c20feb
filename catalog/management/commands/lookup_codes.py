"""manage.py lookup_codes IN OUT: descriptions to ICD-10-CM codes, without the web."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.lookup.batch import look_up_lines
from catalog.lookup.service import lookup_for
from catalog.queries import latest_release


class Command(BaseCommand):
    help = (
        'Finds billable ICD-10-CM codes for descriptions (JSONL, {"id", "text"} a line) in the latest loaded '
        "release. A line that is no query gets an error on its own output line and stops nothing. '-' stands for "
        "standard input or output."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source", metavar="IN", help="JSONL file of descriptions, or - for standard input"
        )
        parser.add_argument("target", metavar="OUT", help="JSONL file of codes, or - for standard output")
        parser.add_argument("--top", type=int, default=10, help="codes a description (default: 10)")
        parser.add_argument(
            "--multiple", action="store_true", help="one code for each condition that the text names"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["top"] <= 100:
            raise CommandError("--top is from 1 to 100.")
        source, target = options["source"], options["target"]
        if source != "-" and target != "-" and Path(source).resolve() == Path(target).resolve():
            raise CommandError("IN and OUT are the same file.")
        try:
            lookup = lookup_for(latest_release(CodeSystem.ICD10CM))
        except NoRelease as error:
            raise CommandError(
                "No ICD-10-CM release is loaded. manage.py load_catalog icd10cm loads the built-in one."
            ) from error
        done = failed = 0
        with ExitStack() as stack:
            try:
                lines = sys.stdin.buffer if source == "-" else stack.enter_context(Path(source).open("rb"))
                out = _output(target, stack)
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}") from error
            started = time.monotonic()
            for outcome in look_up_lines(lines, lookup, options["top"], options["multiple"]):
                out.write(outcome.as_line().encode("utf-8", "replace") + b"\n")
                done += 1
                failed += outcome.failed
        seconds = time.monotonic() - started
        self.stderr.write(f"{done:,} descriptions in {seconds:.1f} s, {failed:,} with an error.")


def _output(target: str, stack: ExitStack) -> IO[bytes]:
    if target == "-":
        return sys.stdout.buffer
    return stack.enter_context(Path(target).open("wb"))
