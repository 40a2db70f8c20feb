"""manage.py load_catalog SYSTEM [PATH]: one release of a code system or edition of a table into the database."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from catalog.changes import compare, release_before
from catalog.choices import CodeSystem, ReleaseStatus, TableKind
from catalog.corrections import Loaded
from catalog.errors import CatalogError, LoadRefused
from catalog.loaders.delivery import Stated
from catalog.loaders.store import LoadResult
from catalog.loaders.table_store import TableResult
from catalog.models import Release, TableEdition
from coding_review.actions.load_catalog import load_catalog

_SHOWN_ERRORS = 20


class Command(BaseCommand):
    help = (
        "Loads one release of a code system or one edition of a table: the built-in source, or published files "
        "at PATH (a file, a folder or a zip archive). docs/data-sources.md names every file."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        names = ", ".join([*CodeSystem.values, *TableKind.values])
        parser.add_argument("system", metavar="SYSTEM", help=f"one of {names}")
        parser.add_argument("path", metavar="PATH", nargs="?", type=Path, help="default: the built-in source")
        parser.add_argument(
            "--edition", default="", help="where the file does not say it, or says it wrongly"
        )
        parser.add_argument("--valid-from", type=dt.date.fromisoformat, help="first day in force, YYYY-MM-DD")
        parser.add_argument("--valid-to", type=dt.date.fromisoformat, help="last day in force, YYYY-MM-DD")
        parser.add_argument("--name", default="", help="which table of its kind: a value set, an HCC model")

    def handle(self, *args: Any, **options: Any) -> None:
        progress = _Progress(sys.stderr)
        stated = Stated(options["edition"], options["valid_from"], options["valid_to"], options["name"])
        try:
            result = load_catalog(None, options["system"], options["path"], stated=stated, report=progress)
        except LoadRefused as error:
            raise CommandError(_refused(error)) from error
        except CatalogError as error:
            raise CommandError(str(error)) from error
        finally:
            progress.close()
        self.stdout.write(_loaded(result))


def _loaded(result: LoadResult | TableResult) -> str:
    if isinstance(result, TableResult):
        edition = result.edition
        if result.already_loaded:
            return _already(edition, Loaded.TABLE)
        said = f"{edition}: {edition.row_count:,} rows in {result.seconds:.1f} s."
        return "\n".join([said, *edition.remarks])
    release = result.release
    if result.already_loaded:
        return _already(release, Loaded.RELEASE)
    said = (
        f"{release}: {release.billable_count:,} billable codes, {release.node_count:,} nodes, "
        f"{release.note_count:,} notes in {result.seconds:.1f} s."
    )
    before = release_before(release)
    if before is None:
        return said
    return f"{said}\nAgainst {before.edition}: {compare(before, release).counts}."


def _already(edition: Release | TableEdition, what: Loaded) -> str:
    said = f"{edition} is already loaded (source {edition.source_hash[:12]})."
    if edition.status == ReleaseStatus.WITHDRAWN:
        said += (
            f" It is withdrawn: manage.py correct_catalog {what} {edition.pk} --take-back --comment WHY "
            "brings it back."
        )
    return said


def _refused(error: LoadRefused) -> str:
    shown = [str(row) for row in error.errors[:_SHOWN_ERRORS]]
    more = len(error.errors) - len(shown)
    if more > 0:
        shown.append(f"and {more} more")
    return "\n".join([*shown, "Nothing was stored."])


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
