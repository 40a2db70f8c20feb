"""manage.py gold_agreement PROJECT: the figures of agreement as JSON (docs/agreement.md names the keys)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from coding_review.gold.agreement import agreement_of
from coding_review.models import GoldProject


class Command(BaseCommand):
    help = (
        "Writes the agreement between the readers of a gold project as JSON: keys and reasons as in "
        "docs/agreement.md. Readers stand in it by pseudonym; no text, no name."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", metavar="PROJECT", help="name of the gold project")
        parser.add_argument("--json", metavar="OUT", type=Path, help="a new file (default: standard output)")

    def handle(self, *args: Any, **options: Any) -> None:
        project = GoldProject.objects.filter(name=options["project"]).first()
        if project is None:
            raise CommandError("There is no gold project of this name.")
        text = json.dumps(agreement_of(project), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
        if options["json"] is None:
            self.stdout.write(text, ending="")
            return
        try:
            with options["json"].open("x", encoding="utf-8") as out:
                out.write(text)
        except OSError as error:
            raise CommandError(f"{options['json']}: {error.strerror}") from error
        self.stdout.write(f"Written to {options['json']}.")
