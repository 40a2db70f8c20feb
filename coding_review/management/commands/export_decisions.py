"""Export decisions to a file, with its SHA-256 beside it."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from coding_review.actions.export_decisions import export_decisions
from coding_review.choices import DecisionAction
from coding_review.decision_search import DecisionFilters
from coding_review.exports.files import FORMATS
from coding_review.management.export_command import ExportCommand
from coding_review.models import ReviewerProfile
from coding_review.rules import reasons


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a day like 2026-04-30") from error


class Command(ExportCommand):
    help = (
        "Export decisions to OUT and their SHA-256 to OUT.sha256 (sha256sum -c reads it); the export is told to "
        "the audit log. Without --user it is made by the operator of the server: all encounters, never text."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("out", metavar="OUT", type=Path)
        parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="first day, UTC")
        parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="last day, UTC, inclusive")
        parser.add_argument("--reviewer", metavar="PSEUDONYM")
        parser.add_argument("--code", default="", help="code before or after, or how it begins")
        parser.add_argument("--action", default="", choices=DecisionAction.values, metavar="ACTION")
        parser.add_argument(
            "--reason", default="", choices=sorted(reasons.LABELS), metavar="REASON", help="or a family"
        )
        parser.add_argument("--format", choices=sorted(FORMATS), help="default: by OUT's suffix, else csv")
        parser.add_argument(
            "--user", metavar="NAME", help="whose rights and encounters the export is limited to"
        )
        parser.add_argument(
            "--with-text",
            action="store_true",
            help="comments and quotes too: PHI, needs --user with that right",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        beside = self.beside(out)
        actor = self.user_named(options["user"])
        filters = DecisionFilters(
            first=options["first"],
            last=options["last"],
            reviewer=self._reviewer(options["reviewer"]),
            code=options["code"],
            action=options["action"],
            reason=options["reason"],
        )
        suffix = out.suffix.removeprefix(".").lower()
        format = options["format"] or (suffix if suffix in FORMATS else "csv")
        written = self.write_whole(
            out,
            lambda file: export_decisions(
                actor, filters, format=format, out=file, with_text=options["with_text"]
            ),
        )
        self.stdout.write(f"{written.rows} decisions in {out}\nSHA-256 {written.sha256} in {beside}")

    def _reviewer(self, pseudonym: str | None) -> int | None:
        if pseudonym is None:
            return None
        profile = ReviewerProfile.objects.filter(pseudonym=pseudonym).first()
        if profile is None:
            raise CommandError(f"No reviewer with the pseudonym {pseudonym}.")
        return profile.user_id
