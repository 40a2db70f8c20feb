"""manage.py lookup_codes IN OUT: descriptions to ICD-10-CM codes, without the web."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.management.base import CommandError

from catalog.choices import CodeSystem
from catalog.lookup.batch import look_up_lines
from catalog.lookup.service import lookup_for
from catalog.management.batch_command import BatchCommand, Written
from catalog.queries import latest_release


class Command(BatchCommand):
    help = (
        'Finds billable ICD-10-CM codes for descriptions (JSONL, {"id", "text"} a line) in the latest loaded '
        "release. A line that is no query gets an error on its own output line and stops nothing. '-' stands for "
        "standard input or output."
    )
    unit = "descriptions"
    source_help = "JSONL file of descriptions, or - for standard input"
    target_help = "JSONL file of codes, or - for standard output"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--top", type=int, default=10, help="codes a description (default: 10)")
        parser.add_argument(
            "--multiple", action="store_true", help="one code for each condition that the text names"
        )

    def prepare(self, options: dict[str, Any]) -> Callable[[Iterable[bytes]], Iterator[Written]]:
        if not 1 <= options["top"] <= 100:
            raise CommandError("--top is from 1 to 100.")
        lookup = lookup_for(latest_release(CodeSystem.ICD10CM))
        return lambda lines: look_up_lines(lines, lookup, options["top"], options["multiple"])
