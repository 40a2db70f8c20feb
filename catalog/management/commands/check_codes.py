"""manage.py check_codes IN OUT: the code edits without the web."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from catalog.choices import CodeSystem
from catalog.edits.batch import check_lines
from catalog.management.batch_command import BatchCommand, Written
from catalog.queries import latest_release


class Command(BatchCommand):
    help = (
        "Runs the code edits over code lines (JSONL, one encounter a line: id, claim_type, dates, age, sex, codes) "
        "and writes the findings of each. A line that is not such an object gets an error on its own output line "
        "and stops nothing. '-' stands for standard input or output."
    )
    source_help = "JSONL file of code lines, or - for standard input"
    target_help = "JSONL file of findings, or - for standard output"

    def prepare(self, options: dict[str, Any]) -> Callable[[Iterable[bytes]], Iterator[Written]]:
        latest_release(CodeSystem.ICD10CM)
        return check_lines
