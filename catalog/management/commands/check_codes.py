"""manage.py check_codes IN OUT: the code edits without the web."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from catalog.choices import CodeSystem
from catalog.edits.batch import check_lines
from catalog.errors import NoRelease
from catalog.queries import latest_release

_SAY_EVERY = 2.0


class Command(BaseCommand):
    help = (
        "Runs the code edits over code lines (JSONL, one encounter a line: id, claim_type, dates, age, sex, codes) "
        "and writes the findings of each. A line that is not such an object gets an error on its own output line "
        "and stops nothing. '-' stands for standard input or output."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="IN", help="JSONL file of code lines, or - for standard input")
        parser.add_argument("target", metavar="OUT", help="JSONL file of findings, or - for standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = options["source"], options["target"]
        if source != "-" and target != "-" and Path(source).resolve() == Path(target).resolve():
            raise CommandError("IN and OUT are the same file.")
        try:
            latest_release(CodeSystem.ICD10CM)
        except NoRelease as error:
            raise CommandError(
                "No ICD-10-CM release is loaded. manage.py load_catalog icd10cm loads the built-in one."
            ) from error
        done = failed = 0
        started = said = time.monotonic()
        with ExitStack() as stack:
            try:
                lines = sys.stdin.buffer if source == "-" else stack.enter_context(Path(source).open("rb"))
                out = _output(target, stack)
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}") from error
            for outcome in check_lines(lines):
                out.write(outcome.as_line().encode("utf-8", "replace") + b"\n")
                done += 1
                failed += outcome.failed
                if time.monotonic() - said >= _SAY_EVERY:
                    said = time.monotonic()
                    self.stderr.write(f"{done:,} lines, {failed:,} with an error")
        seconds = time.monotonic() - started
        self.stderr.write(f"{done:,} lines in {seconds:.1f} s, {failed:,} with an error.")


def _output(target: str, stack: ExitStack) -> IO[bytes]:
    if target == "-":
        return sys.stdout.buffer
    return stack.enter_context(Path(target).open("wb"))
