"""manage.py import_charts: a file, a folder or the demo encounters into the worklist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from catalog.choices import ClaimType
from coding_review.actions.receive_all import Received, receive_all
from coding_review.actions.receive_encounter import Outcome
from coding_review.choices import Confidentiality
from coding_review.demo.encounters import demo_encounters
from coding_review.intake.files import rows_of_path
from coding_review.intake.rows import Defaults, Row, RowError
from modelops.choices import Setting

DEMO = "demo"
_PROGRESS_EVERY = 100


class Command(BaseCommand):
    help = (
        "Takes in encounters from a .txt, .jsonl, .csv or .zip file, from a folder of such files, or the demo "
        "encounters (the word demo). Good rows go in; each bad one is told with file and line, and then the "
        "command ends with 1. Run again, it changes nothing that is already there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", help="file or folder, or the word demo")
        parser.add_argument(
            "--late", action="store_true", help="demo only: the documents that come after sign-off"
        )
        parser.add_argument("--actor", help="user name of who imports (default: the system)")
        parser.add_argument(
            "--source", default="import", help="the system ids come from, where a row has none"
        )
        parser.add_argument("--facility", default="", help="code, where a row has none")
        parser.add_argument("--work-group", default="", help="code, where a row has none")
        parser.add_argument(
            "--confidentiality", default=Confidentiality.NORMAL, choices=Confidentiality.values
        )
        parser.add_argument("--setting", default="", choices=Setting.values)
        parser.add_argument(
            "--claim-type", action="append", default=[], choices=ClaimType.values, help="may be given again"
        )
        parser.add_argument("--document-type", default="", help="such as discharge summary")
        for name in ("admit-date", "discharge-date", "date-of-service"):
            parser.add_argument(f"--{name}", type=date.fromisoformat, help="YYYY-MM-DD")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = _actor(options["actor"])
        is_demo = options["path"] == DEMO
        if options["late"] and not is_demo:
            raise CommandError("--late goes with demo only.")
        if is_demo:
            rows: Iterable[Row | RowError] = _demo_rows(late=options["late"])
        else:
            rows = rows_of_path(Path(options["path"]), _defaults(options))
        counts: Counter[str] = Counter()
        failed = 0
        for number, answer in enumerate(
            receive_all(actor, rows, via=DEMO if is_demo else "command"), start=1
        ):
            if isinstance(answer, Received):
                counts[answer.receipt.outcome] += 1
                self._differences(answer)
            else:
                failed += 1
                self.stderr.write(str(answer))
            if number % _PROGRESS_EVERY == 0:
                self.stderr.write(f"{number:,} rows …")
        parts = [f"{label}: {counts[value]:,}" for value, label in Outcome.choices if counts[value]]
        self.stdout.write("; ".join(parts) if parts else "Nothing taken in.")
        if failed:
            raise CommandError(
                f"{failed:,} {'row was' if failed == 1 else 'rows were'} not taken in.", returncode=1
            )
        if not counts:
            raise CommandError("There was nothing to take in.", returncode=1)

    def _differences(self, answer: Received) -> None:
        """What differs from what is already here: told, not taken over."""
        if answer.receipt.kept:
            place = RowError(answer.file, answer.line, f"kept as it was: {', '.join(answer.receipt.kept)}")
            self.stderr.write(str(place))


def _actor(username: str | None) -> User | None:
    if username is None:
        return None
    try:
        return User.objects.get(username=username, is_active=True)
    except User.DoesNotExist as error:
        raise CommandError("There is no such active user.") from error


def _defaults(options: dict[str, Any]) -> Defaults:
    return Defaults(
        source=options["source"],
        facility=options["facility"],
        work_group=options["work_group"],
        confidentiality=options["confidentiality"],
        setting=options["setting"],
        claim_types=tuple(options["claim_type"]),
        document_type=options["document_type"],
        admit_date=options["admit_date"],
        discharge_date=options["discharge_date"],
        date_of_service=options["date_of_service"],
    )


def _demo_rows(*, late: bool) -> Iterator[Row]:
    for encounter in demo_encounters():
        delivery = encounter.late_delivery if late else encounter.delivery
        if delivery is not None:
            yield Row(f"{DEMO}:{encounter.id}", None, delivery)
