"""manage.py catalog_status: which releases and tables are loaded, and for which dates."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from catalog.changes import compare, release_before
from catalog.choices import Origin
from catalog.corrections import Loaded
from catalog.models import Release, TableEdition, VectorSet


class Command(BaseCommand):
    help = "Lists the loaded releases and tables with their dates, counts and source."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--changes",
            nargs="?",
            type=int,
            const=20,
            metavar="MOST",
            help="what each release changed against the one before it, and the first MOST changed codes (20)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        releases = list(Release.objects.for_status())
        if not releases:
            self.stdout.write("No release is loaded. manage.py load_catalog icd10cm loads the built-in one.")
        for release in releases:
            self.stdout.write(_release(release))
            if options["changes"] is not None:
                self.stdout.write(_changes(release, options["changes"]))
        for edition in TableEdition.objects.for_status():
            self.stdout.write(_table(edition))


def _release(release: Release) -> str:
    return "\n".join(
        [
            str(release),
            f"  number    {Loaded.RELEASE} {release.pk}",
            *_common(release),
            f"  counts    {release.billable_count:,} billable, {release.node_count:,} nodes, "
            f"{release.note_count:,} notes",
            f"  source    {release.source} ({release.source_hash[:12]})",
            *(f"  vectors   {_vectors(found)}" for found in release.vector_sets.order_by("started_at")),
        ]
    )


def _vectors(found: VectorSet) -> str:
    if found.finished_at is not None:
        return f"{found.model}: {found.total:,} wordings, complete {found.finished_at:%Y-%m-%d %H:%M} UTC"
    share = found.done / found.total if found.total else 1.0
    return f"{found.model}: {found.done:,} of {found.total:,} wordings ({share:.0%})"


def _changes(release: Release, most: int) -> str:
    before = release_before(release)
    if before is None:
        return "  changes   no release before it is loaded"
    changes = compare(before, release)
    lines = list(changes.lines())
    said = [f"  changes   against {before.edition}: {changes.counts}"]
    said += [f"            {line}" for line in lines[:most]]
    if len(lines) > most:
        said.append(f"            and {len(lines) - most:,} more")
    return "\n".join(said)


def _table(edition: TableEdition) -> str:
    return "\n".join(
        [
            str(edition),
            f"  number    {Loaded.TABLE} {edition.pk}",
            *_common(edition),
            f"  counts    {edition.row_count:,} rows",
            f"  source    {edition.source} ({edition.source_hash[:12]})",
            *(f"  remark    {remark}" for remark in edition.remarks),
        ]
    )


def _common(loaded: Release | TableEdition) -> list[str]:
    until = loaded.valid_to or "open end"
    origin = "" if loaded.origin == Origin.PUBLISHED else f"; {loaded.get_origin_display().lower()}"
    return [
        f"  valid     {loaded.valid_from} to {until}",
        f"  status    {loaded.get_status_display().lower()}{origin}, "
        f"loaded {loaded.loaded_at:%Y-%m-%d %H:%M} UTC",
    ]
