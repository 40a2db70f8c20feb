"""manage.py correct_catalog release|table NUMBER: withdraw what was loaded wrongly, or give it its right days."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.choices import ReleaseStatus
from catalog.corrections import KEEP, Loaded
from catalog.errors import CatalogError
from coding_review.actions.correct_catalog import correct_catalog

_NO_END = "open"


class Command(BaseCommand):
    help = (
        "Withdraws a loaded release or table, takes that back, or corrects its first and last day. Nothing is "
        "deleted: what was coded with it stays readable with it. catalog_status prints the numbers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=[each.value for each in Loaded])
        parser.add_argument("number", type=int, metavar="NUMBER", help="as catalog_status prints it")
        status = parser.add_mutually_exclusive_group()
        status.add_argument("--withdraw", action="store_true", help="never chosen for a date again")
        status.add_argument("--take-back", action="store_true", help="in force again after --withdraw")
        parser.add_argument("--valid-from", type=dt.date.fromisoformat, help="first day in force, YYYY-MM-DD")
        parser.add_argument(
            "--valid-to", type=_last_day, help=f"last day in force, YYYY-MM-DD, or {_NO_END} for none yet"
        )
        parser.add_argument("--comment", required=True, help="why; kept in the audit log")

    def handle(self, *args: Any, **options: Any) -> None:
        status = None
        if options["withdraw"] or options["take_back"]:
            status = ReleaseStatus.WITHDRAWN if options["withdraw"] else ReleaseStatus.COMPLETE
        last = options["valid_to"]
        try:
            done = correct_catalog(
                None,
                Loaded(options["what"]),
                options["number"],
                status=status,
                valid_from=options["valid_from"] or KEEP,
                valid_to=KEEP if last is None else None if last == _NO_END else last,
                comment=options["comment"],
            )
        except CatalogError as error:
            raise CommandError(str(error)) from error
        for change in done.changes:
            self.stdout.write(
                f"{done.edition}: {change.field} {change.before or _NO_END} -> {change.after or _NO_END}."
            )
        if done.code_sets:
            self.stdout.write(f"{done.code_sets:,} open code sets have another release now.")


def _last_day(text: str) -> dt.date | str:
    return text if text == _NO_END else dt.date.fromisoformat(text)
