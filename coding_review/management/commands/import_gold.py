"""manage.py import_gold: an outside gold set, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding_review.actions.gold_exchange import import_gold
from coding_review.choices import GoldSetKind, GoldSetPurpose
from coding_review.errors import InvalidImport, ReviewError


class Command(BaseCommand):
    help = (
        "Import gold charts (the batch interface's gold lines, one chart a line) as a frozen set. A line that cannot "
        "be read is told with file and line; then nothing is imported and the command ends with 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument("--name", required=True, help="of the set; of a known name the next version")
        parser.add_argument("--purpose", required=True, choices=GoldSetPurpose.values)
        parser.add_argument(
            "--kind",
            default=GoldSetKind.SINGLE_READ.value,
            choices=GoldSetKind.values,
            help="how its makers read it (default: %(default)s)",
        )
        parser.add_argument(
            "--without-phi",
            action="store_true",
            help="every document is synthetic or de-identified: text may be exported without the right to PHI",
        )
        parser.add_argument("--actor", help="user name of who imports (default: the operator)")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                gold_set = import_gold(
                    _user(options["actor"]),
                    file,
                    name=options["name"],
                    purpose=options["purpose"],
                    kind=options["kind"],
                    without_phi=options["without_phi"],
                )
        except InvalidImport as error:
            for each in error.data["errors"]:
                self.stderr.write(f"{path}:{each['line']}: {each['message']}")
            raise CommandError(error.message, returncode=1) from error
        except ReviewError as error:
            raise CommandError(error.message, returncode=1) from error
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error
        counts, not_read = gold_set.manifest["counts"], gold_set.manifest["not_read"]
        self.stdout.write(
            f"{gold_set}, {gold_set.get_kind_display().lower()} for {gold_set.get_purpose_display().lower()}: "
            f"{counts['charts']:,} charts, {counts['labels']:,} labels; SHA-256 {gold_set.sha256}"
        )
        if not_read:
            self.stdout.write(f"Fields that are not read: {', '.join(not_read)}.")


def _user(name: str | None) -> User | None:
    if name is None:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError("There is no such active user.")
    return user
