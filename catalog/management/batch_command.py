"""What the commands of the batch interfaces share: IN and OUT, a count, what stops them before a line is read."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol

from django.core.management.base import BaseCommand, CommandError

from catalog.errors import NoRelease

_SAY_EVERY = 2.0


class Written(Protocol):
    """One line's outcome."""

    @property
    def failed(self) -> bool: ...

    def as_line(self) -> str: ...


class BatchCommand(BaseCommand, ABC):
    """`unit` is what a line is called in the counts."""

    unit = "lines"
    source_help = "JSONL file, or - for standard input"
    target_help = "JSONL file, or - for standard output"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", metavar="IN", help=self.source_help)
        parser.add_argument("target", metavar="OUT", help=self.target_help)

    @abstractmethod
    def prepare(self, options: dict[str, Any]) -> Callable[[Iterable[bytes]], Iterator[Written]]:
        """What answers the lines; raises CommandError or NoRelease before OUT is touched."""

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = options["source"], options["target"]
        if source != "-" and target != "-" and Path(source).resolve() == Path(target).resolve():
            raise CommandError("IN and OUT are the same file.")
        try:
            answer = self.prepare(options)
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
            started = said = time.monotonic()
            for outcome in answer(lines):
                out.write(outcome.as_line().encode("utf-8", "replace") + b"\n")
                done += 1
                failed += outcome.failed
                if time.monotonic() - said >= _SAY_EVERY:
                    said = time.monotonic()
                    self.stderr.write(f"{done:,} {self.unit}, {failed:,} with an error")
        seconds = time.monotonic() - started
        self.stderr.write(f"{done:,} {self.unit} in {seconds:.1f} s, {failed:,} with an error.")


def _output(target: str, stack: ExitStack) -> IO[bytes]:
    if target == "-":
        return sys.stdout.buffer
    return stack.enter_context(Path(target).open("wb"))
