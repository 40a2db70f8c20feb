"""manage.py words_in_doubt: what de-identification cannot decide by itself, as docs/datasets.md says."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding_review.actions.words_in_doubt import words_in_doubt
from coding_review.errors import ReviewError
from coding_review.management.dataset_sources import add_sources, sources_of


class Command(BaseCommand):
    help = (
        "Writes the words for which charts of real patients stay out of datasets to the file DEIDENTIFICATION_WORDS. "
        "Set ordinary or name in its second column; the next dataset goes by it. The file holds names of people."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_sources(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            listed = words_in_doubt(sources_of(options["sources"], []))
        except ReviewError as error:
            raise CommandError(error.message, returncode=1) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}", returncode=1) from error
        self.stdout.write(
            f"Charts of real patients: {listed.charts:,}, with words in doubt {listed.doubtful:,}. "
            f"Words to decide: {listed.words:,}, in {listed.path}"
        )
