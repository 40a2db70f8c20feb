"""Check the audit log's hash chains and name every row that does not verify."""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from coding_review.audit_check import (
    Counts,
    Fault,
    Head,
    compare_heads,
    head_lines,
    heads_digest,
    parse_head,
    snapshot,
    verify,
)
from coding_review.audit_rows import RowCounts, verify_rows


class Command(BaseCommand):
    help = (
        "Verify the audit log: exit code 0 and counts when it is whole, 1 and one line a fault when not. "
        "See docs/audit.md for what this can prove."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--encounter", type=int, metavar="ID", help="only this encounter's chain")
        parser.add_argument(
            "--heads",
            nargs="?",
            const="",
            metavar="FILE",
            help="when the log is whole, print the digest of its heads; with FILE, write the heads there too",
        )
        parser.add_argument(
            "--texts", action="store_true", help="hash every document's text anew too (reads all of them)"
        )
        parser.add_argument(
            "--against", metavar="FILE", help="check also that the rows named in FILE (--heads) still stand"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["encounter"] is not None and (
            options["heads"] is not None or options["against"] or options["texts"]
        ):
            raise CommandError("--encounter checks one chain; the other options are about all of them.")
        kept = self._kept(options["against"])
        counts, rows, faults = Counts(), RowCounts(), 0
        with snapshot():
            for fault in self._faults(options, counts, rows, kept):
                faults += 1
                self.stdout.write(str(fault))
            lines = list(head_lines()) if options["heads"] is not None and not faults else []
        what = f"{counts.events} events in {counts.chains} chains, {counts.payloads} payloads ({counts.purged} purged)"
        if faults:
            raise CommandError(f"{faults} {'fault' if faults == 1 else 'faults'} in {what}.", returncode=1)
        self.stdout.write(f"The audit log verifies: {what}.")
        if options["encounter"] is None:
            texts = f", {rows.texts} texts" if options["texts"] else ""
            gold = f", {rows.gold} gold judgements and rulings" if rows.gold else ""
            self.stdout.write(
                f"What it tells of is as it says: {rows.decisions} decisions, {rows.code_sets} signed code sets, "
                f"{rows.overrides} overrides{gold}{texts}."
            )
        if kept is not None:
            self.stdout.write(f"All {len(kept)} rows named in {options['against']} stand unchanged.")
        if options["heads"] is not None:
            self._heads(lines, options["heads"])

    def _faults(
        self, options: dict[str, Any], counts: Counts, rows: RowCounts, kept: list[Head] | None
    ) -> Iterator[Fault]:
        yield from verify(options["encounter"], counts)
        if options["encounter"] is None:
            yield from verify_rows(rows, texts=options["texts"])
        if kept is not None:
            yield from compare_heads(kept)

    def _kept(self, name: str | None) -> list[Head] | None:
        if not name:
            return None
        try:
            text = Path(name).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{name} cannot be read: {error}", returncode=2) from error
        heads = []
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                heads.append(parse_head(line))
            except ValueError as error:
                raise CommandError(f"{name}, line {number}: not a line of heads", returncode=2) from error
        self.stdout.write(f"Digest of {name}: {hashlib.sha256(text.encode('ascii')).hexdigest()}")
        return heads

    def _heads(self, lines: list[str], name: str) -> None:
        if name:
            try:
                with Path(name).open("x", encoding="ascii", newline="") as file:
                    file.writelines(lines)
            except OSError as error:
                raise CommandError(f"{name} cannot be written: {error}", returncode=2) from error
        self.stdout.write(f"Digest of {len(lines)} heads: {heads_digest(lines)}")
