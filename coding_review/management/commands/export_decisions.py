"""Export decisions to a file, with its SHA-256 beside it."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from coding_review.actions.export_decisions import export_decisions
from coding_review.choices import DecisionAction
from coding_review.decision_search import DecisionFilters
from coding_review.errors import ReviewError
from coding_review.exports.files import FORMATS, Written
from coding_review.models import ReviewerProfile
from coding_review.rules import reasons


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a day like 2026-04-30") from error


class Command(BaseCommand):
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
        beside = out.with_name(out.name + ".sha256")
        for path in (out, beside):
            if path.exists():
                raise CommandError(f"{path} exists; it is not overwritten.")
        actor = self._user(options["user"])
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
        written = self._write(actor, filters, format, options["with_text"], out, beside)
        self.stdout.write(f"{written.rows} decisions in {out}\nSHA-256 {written.sha256} in {beside}")

    def _write(
        self,
        actor: User | None,
        filters: DecisionFilters,
        format: str,
        with_text: bool,
        out: Path,
        beside: Path,
    ) -> Written:
        """OUT appears whole or not at all."""
        unfinished = out.with_name(out.name + ".unfinished")
        try:
            with unfinished.open("xb") as file:
                try:
                    written = export_decisions(actor, filters, format=format, out=file, with_text=with_text)
                except BaseException:
                    unfinished.unlink()
                    raise
            beside.write_text(f"{written.sha256}  {out.name}\n", encoding="utf-8")
            unfinished.rename(out)
        except ReviewError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error}") from error
        return written

    def _user(self, name: str | None) -> User | None:
        if name is None:
            return None
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"No active user {name}.")
        return user

    def _reviewer(self, pseudonym: str | None) -> int | None:
        if pseudonym is None:
            return None
        profile = ReviewerProfile.objects.filter(pseudonym=pseudonym).first()
        if profile is None:
            raise CommandError(f"No reviewer with the pseudonym {pseudonym}.")
        return profile.user_id
