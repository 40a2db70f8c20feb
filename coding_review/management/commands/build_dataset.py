"""manage.py build_dataset NAME --from …: a dataset version, as docs/datasets.md says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding_review.actions.build_dataset import build_dataset
from coding_review.errors import ReviewError
from coding_review.management.dataset_sources import add_sources, sources_of
from modelops.datasets.augment import SHARE
from modelops.datasets.build import SETTLED, UNLABELLED, Options
from modelops.datasets.packing import PACK_TOKENS
from modelops.engines.llm.code_prompts import CODE_PROMPTS, CODES
from modelops.models import DatasetVersion


class Command(BaseCommand):
    help = (
        "Builds a version of the dataset NAME and prints its figures. Nothing is built where an example is in a gold "
        "set that models are measured on: its id is printed, and --leave-out ID builds without it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="small letters, digits and hyphens")
        add_sources(parser)
        parser.add_argument(
            "--tokenizer",
            metavar="DIR",
            type=Path,
            required=True,
            help="the base model's folder: tokenizer.json and chat template",
        )
        parser.add_argument("--prompt", choices=sorted(CODE_PROMPTS), default=CODES)
        parser.add_argument("--pack-tokens", type=int, default=PACK_TOKENS, metavar="N")
        parser.add_argument(
            "--augment", type=float, default=SHARE, metavar="SHARE", help="default: %(default)s"
        )
        parser.add_argument("--unlabelled", choices=UNLABELLED, default=SETTLED)
        parser.add_argument("--leave-out", action="append", default=[], metavar="ID")
        parser.add_argument("--user", metavar="NAME", help="who builds (default: the operator of the server)")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Options(
            prompt=options["prompt"],
            pack_tokens=options["pack_tokens"],
            augment=options["augment"],
            unlabelled=options["unlabelled"],
        )
        if chosen.pack_tokens < 1 or not 0 <= chosen.augment <= 1:
            raise CommandError("--pack-tokens is at least 1, --augment from 0 to 1.")
        try:
            version, new = build_dataset(
                _user(options["user"]),
                options["name"],
                sources_of(options["sources"], options["leave_out"]),
                tokenizer=options["tokenizer"],
                options=chosen,
            )
        except ReviewError as error:
            raise CommandError(error.message, returncode=1) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}", returncode=1) from error
        self.stdout.write(told(version, new=new))


def _user(name: str | None) -> User | None:
    if name is None:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError("There is no such active user.")
    return user


def told(version: DatasetVersion, *, new: bool) -> str:
    """A few lines for the terminal."""
    figures, manifest = version.statistics, version.manifest
    packing, examples = figures["packing"], figures["examples"]
    left_out = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in manifest["left_out"].items())
    return "\n".join(
        (
            f"{version}{'' if new else ', built before'}: {examples['train']:,} examples to train on "
            f"({figures['composites']:,} of them composites), {examples['validation']:,} to validate on; "
            f"{figures['codes']['distinct']:,} distinct codes, {figures['labels']:,} labels",
            f"left out: {left_out or 'none'}",
            f"{figures['tokens']['all']:,} tokens; {packing['packs']:,} packs of {packing['size']:,}, "
            f"{packing['useful']:.1%} of their tokens useful (unpacked {packing['useful_unpacked']:.1%}, padded to the "
            f"longest {packing['useful_padded_to_longest']:.1%})",
            f"gold sets compared: {len(manifest['leak_check']['sets']):,} with {manifest['leak_check']['charts']:,} "
            f"charts, no leak; {manifest['deidentified']['charts']:,} charts de-identified",
            f"SHA-256 {version.sha256} in {version.path}",
        )
    )
