"""--from of the commands that read what datasets are built from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from coding_review.actions.build_dataset import LABELS, Sources
from coding_review.models import GoldSet
from modelops.datasets.written import stored_lines
from modelops.models import SynthesisRun


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
