"""manage.py load_catalog SYSTEM [PATH]: one release of a code system into the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.choices import CodeSystem
from catalog.errors import CatalogError
from coding_review.actions.load_catalog import load_catalog


class Command(BaseCommand):
    help = "Loads one release of a code system: the built-in source, or published files at PATH."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("system", metavar="SYSTEM", help=f"one of {', '.join(CodeSystem.values)}")
        parser.add_argument("path", metavar="PATH", nargs="?", type=Path, help="default: the built-in source")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = _Progress(sys.stderr)
        try:
            result = load_catalog(None, options["system"], options["path"], report=progress)
        except CatalogError as error:
            raise CommandError(str(error)) from error
        finally:
            progress.close()
        release = result.release
        if result.already_loaded:
            self.stdout.write(f"{release} is already loaded (source {release.source_hash[:12]}).")
            return
        self.stdout.write(
            f"{release}: {release.billable_count:,} billable codes, {release.node_count:,} nodes, "
            f"{release.note_count:,} notes in {result.seconds:.1f} s."
        )


class _Progress:
    """A bar on a terminal, a plain line a phase elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.bar: tqdm[Any] | None = None
        self.phase = ""

    def __call__(self, phase: str, done: int, total: int) -> None:
        if not self.stream.isatty():
            if phase != self.phase:
                self.stream.write(f"{phase} …\n")
                self.stream.flush()
            self.phase = phase
            return
        if phase != self.phase or self.bar is None or (self.bar.total or 0) < done:
            self.close()
            self.bar = tqdm(total=total, desc=phase, unit="rows", file=self.stream, leave=True)
            self.phase = phase
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
        self.bar = None
