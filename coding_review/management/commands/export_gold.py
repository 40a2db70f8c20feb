"""manage.py export_gold: a frozen gold set as JSONL, with its SHA-256 beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding_review.actions.gold_exchange import export_gold
from coding_review.errors import ReviewError
from coding_review.models import GoldSet


class Command(BaseCommand):
    help = (
        "Export the gold set NAME to OUT in the batch interface's gold lines and its SHA-256 to OUT.sha256; the export "
        "is told to the audit log. Without --user it is made by the operator of the server: text only of sets "
        "without PHI."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("out", metavar="OUT", type=Path)
        parser.add_argument("--set-version", type=int, metavar="N", help="default: the newest")
        parser.add_argument(
            "--with-text", action="store_true", help="documents with their text, not only hashes"
        )
        parser.add_argument(
            "--user", metavar="NAME", help="whose rights and encounters the export is limited to"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        beside = out.with_name(out.name + ".sha256")
        for path in (out, beside):
            if path.exists():
                raise CommandError(f"{path} exists; it is not overwritten.")
        sets = GoldSet.objects.filter(name=options["name"]).order_by("-version")
        if options["set_version"] is not None:
            sets = sets.filter(version=options["set_version"])
        gold_set = sets.first()
        if gold_set is None:
            raise CommandError("There is no such gold set.")
        actor = self._user(options["user"])
        unfinished = out.with_name(out.name + ".unfinished")
        try:
            with unfinished.open("xb") as file:
                try:
                    written = export_gold(actor, gold_set.pk, out=file, with_text=options["with_text"])
                except BaseException:
                    unfinished.unlink()
                    raise
            beside.write_text(f"{written.sha256}  {out.name}\n", encoding="utf-8")
            unfinished.rename(out)
        except ReviewError as error:
            raise CommandError(error.message) from error
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error}") from error
        self.stdout.write(
            f"{written.rows} charts of {gold_set} in {out}\nSHA-256 {written.sha256} in {beside}"
        )

    def _user(self, name: str | None) -> User | None:
        if name is None:
            return None
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise CommandError(f"No active user {name}.")
        return user
