"""manage.py embed_catalog: the vectors of the loaded releases, now and in the foreground."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from catalog.choices import CodeSystem
from catalog.embedding.embedders import NoEmbedding, embedder
from catalog.embedding.vectors import begin, go_on, open_releases


class Command(BaseCommand):
    help = (
        "Computes the vectors that search by meaning uses, for every loaded release that lacks them under the "
        "embedding in use (EMBEDDING_MODEL, else the shipped one). Interrupted, it goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--system", choices=CodeSystem.values, help="of one code system only")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = embedder()
        except NoEmbedding as error:
            raise CommandError(str(error)) from error
        releases = [
            release for release in open_releases(model.name) if options["system"] in (None, release.system)
        ]
        if not releases:
            self.stdout.write(f"Every release has its vectors ({model.name}).")
        for release in releases:
            started = time.monotonic()
            found, wordings = begin(release, model)
            with tqdm(
                total=found.total, initial=found.done, desc=str(release), unit="wordings", file=sys.stderr,
                disable=not sys.stderr.isatty(),
            ) as bar:  # fmt: skip
                go_on(found, wordings, model, report=partial(_move, bar))
            seconds = time.monotonic() - started
            self.stdout.write(f"{release}: {found.total:,} wordings by {model.name} in {seconds:.1f} s.")


def _move(bar: tqdm[Any], done: int, total: int) -> None:
    bar.update(done - bar.n)
