"""manage.py recheck_codes IN OUT: old code lists against their own release and today's."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.utils import timezone

from catalog.choices import CodeSystem
from catalog.management.batch_command import BatchCommand, Written
from catalog.queries import latest_release
from catalog.recheck import Change, Rechecker


class Command(BatchCommand):
    help = (
        "Checks old code lists again (JSONL, one list a line: id, codes, and a date_of_service, discharge_date or "
        "catalog_release): how each code stood in the release of its list and how it stands today. Gold sets and "
        "predictions may be given as they are. A line that is no list gets an error on its own output line and "
        "stops nothing. '-' stands for standard input or output."
    )
    unit = "lists"
    source_help = "JSONL file of code lists, or - for standard input"
    target_help = "JSONL file of what became of the codes, or - for standard output"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--then", type=dt.date.fromisoformat, help="day of lists that say none themselves, YYYY-MM-DD"
        )
        parser.add_argument(
            "--now", type=dt.date.fromisoformat, help="day to check against, YYYY-MM-DD (default: today)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        counts = self.rechecker.counts
        said = ", ".join(f"{counts[change]:,} {change.replace('_', ' ')}" for change in Change)
        self.stderr.write(f"{counts.total():,} codes: {said}.")

    def prepare(self, options: dict[str, Any]) -> Callable[[Iterable[bytes]], Iterator[Written]]:
        latest_release(CodeSystem.ICD10CM)
        self.rechecker = Rechecker(options["then"], options["now"] or timezone.localdate())
        return self.rechecker.lines
