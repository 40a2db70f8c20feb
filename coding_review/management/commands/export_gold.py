"""manage.py export_gold: a frozen gold set as JSONL, with its SHA-256 beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from coding_review.actions.gold_exchange import export_gold
from coding_review.management.export_command import ExportCommand
from coding_review.models import GoldSet


class Command(ExportCommand):
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
        beside = self.beside(out)
        sets = GoldSet.objects.filter(name=options["name"]).order_by("-version")
        if options["set_version"] is not None:
            sets = sets.filter(version=options["set_version"])
        gold_set = sets.first()
        if gold_set is None:
            raise CommandError("There is no such gold set.")
        actor = self.user_named(options["user"])
        written = self.write_whole(
            out, lambda file: export_gold(actor, gold_set.pk, out=file, with_text=options["with_text"])
        )
        self.stdout.write(
            f"{written.rows} charts of {gold_set} in {out}\nSHA-256 {written.sha256} in {beside}"
        )
