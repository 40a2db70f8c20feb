"""manage.py catalog_status: which releases are loaded, and for which dates."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from catalog.models import Release


class Command(BaseCommand):
    help = "Lists the loaded releases with their dates, counts and source."

    def handle(self, *args: Any, **options: Any) -> None:
        releases = list(Release.objects.for_status())
        if not releases:
            self.stdout.write("No release is loaded. manage.py load_catalog icd10cm loads the built-in one.")
            return
        for release in releases:
            until = release.valid_to or "open end"
            self.stdout.write(
                f"{release}\n"
                f"  valid     {release.valid_from} to {until}\n"
                f"  status    {release.get_status_display().lower()}, "
                f"loaded {release.loaded_at:%Y-%m-%d %H:%M} UTC\n"
                f"  counts    {release.billable_count:,} billable, {release.node_count:,} nodes, "
                f"{release.note_count:,} notes\n"
                f"  source    {release.source} ({release.source_hash[:12]})"
            )
