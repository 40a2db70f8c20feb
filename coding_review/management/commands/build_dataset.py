"""manage.py build_dataset NAME --from …: a dataset version, as docs/datasets.md says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding_review.actions.build_dataset import LABELS, Sources, build_dataset
from coding_review.errors import ReviewError
from coding_review.models import GoldSet
from modelops.datasets.augment import SHARE
from modelops.datasets.build import SETTLED, UNLABELLED, Options
from modelops.datasets.packing import PACK_TOKENS
from modelops.datasets.written import stored_lines
from modelops.engines.llm.code_prompts import CODE_PROMPTS, CODES
from modelops.models import DatasetVersion, SynthesisRun


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


def add_sources(parser: CommandParser) -> None:
    parser.add_argument(
        "--from",
        dest="sources",
        metavar="SOURCE",
        action="append",
        required=True,
        help="signed-off, gold:NAME or gold:NAME@VERSION (a set frozen for training), synthetic:FILE or "
        "synthetic:RUN (the newest stored run of that name), and for a curriculum's first stages catalog (every "
        "code), catalog:labels (codes of the other sources) or catalog:FILE (a code a line); may be given "
        "several times",
    )


def _user(name: str | None) -> User | None:
    if name is None:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError("There is no such active user.")
    return user


def sources_of(named: list[str], leave_out: list[str]) -> Sources:
    """Raises CommandError."""
    gold_sets: list[int] = []
    written = []
    catalog: tuple[str, ...] | None = None
    for source in named:
        kind, _, rest = source.partition(":")
        if source == "signed-off":
            continue
        if kind == "gold" and rest:
            gold_sets.append(_gold_set(rest))
        elif kind == "synthetic" and rest:
            written.append(_written(rest))
        elif kind == "catalog":
            catalog = _catalog(rest)
        else:
            raise CommandError(
                f"--from takes signed-off, gold:NAME, synthetic:FILE or catalog, not {source}."
            )
    return Sources(
        "signed-off" in named, tuple(gold_sets), tuple(written), frozenset(leave_out), catalog=catalog
    )


def _catalog(text: str) -> tuple[str, ...]:
    if text in ("", LABELS):
        return (text,) if text else ()
    try:
        codes = tuple(Path(text).read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"There is no file of codes {text}.") from error
    if not codes:
        raise CommandError(f"{text} names no code.")
    return codes


def _gold_set(text: str) -> int:
    name, _, version = text.partition("@")
    sets = GoldSet.objects.filter(name=name).order_by("-version")
    if version:
        sets = sets.filter(version=int(version)) if version.isdigit() else sets.none()
    found = sets.first()
    if found is None:
        raise CommandError(f"There is no gold set {text}.")
    return found.pk


def _written(text: str) -> tuple[str, Callable[[], Iterator[str]]]:
    path = Path(text)
    if path.is_file():

        def lines() -> Iterator[str]:
            with path.open(encoding="utf-8") as file:
                yield from file

        return f"synthetic:{path.stem}", lines
    run = SynthesisRun.objects.latest_named(text)
    if run is None:
        raise CommandError(f"There is neither a file nor a stored run {text}.")
    return f"synthetic:{text}", partial(stored_lines, run)


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
