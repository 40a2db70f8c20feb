"""manage.py audit_month: the monthly audit of signed code sets, as beat runs it."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from coding_review.actions.audit_month import audit_month
from coding_review.drift import month_before


class Command(BaseCommand):
    help = (
        "Checks the code sets signed in a month against the code edits: validity, bundling, modifiers. The counts "
        "are kept as an audit event and shown on the drift page."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--month", default="", metavar="YYYY-MM", help="default: the month before this one"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            day = date.fromisoformat(f"{options['month']}-01") if options["month"] else month_before()
        except ValueError as error:
            raise CommandError(f"{options['month']!r} is not a month like 2026-11.") from error
        for name, value in audit_month(day).data.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {value}")
