"""manage.py synthesize: charts that nobody was treated in, with their codes, as a file or as a stored run."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.models import Release
from catalog.queries import latest_release
from modelops.choices import SynthesisKind, SynthesisWriter
from modelops.errors import ModelopsError
from modelops.interchange import parse_chart_line
from modelops.synthesis.chart_rows import as_line, gold_row
from modelops.synthesis.diagnostics import Diagnostics
from modelops.synthesis.domains import DOMAINS
from modelops.synthesis.drawing import NothingFits
from modelops.synthesis.sources import Asked, drafts_of
from modelops.synthesis.store import begin, keep
from modelops.synthesis.tables import styles
from modelops.synthesis.types import SyntheticDraft

_MOST_DESCRIBED = 50


class Command(BaseCommand):
    help = (
        "Writes synthetic charts with their codes, the lines that support each and the traps set (JSONL, gold format). "
        "With the embedded writer the same seed gives the same bytes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kind", choices=SynthesisKind.values, default=str(SynthesisKind.ICD10CM.value))
        parser.add_argument(
            "--writer", choices=SynthesisWriter.values, default=str(SynthesisWriter.EMBEDDED.value)
        )
        parser.add_argument("--count", type=int, default=100)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--first", type=int, default=0, help="number of the first chart (to go on with a run)"
        )
        parser.add_argument("--domain", choices=DOMAINS, default="", help="seed codes of this domain only")
        parser.add_argument("--style", choices=sorted(styles()), default="", help="one style of note only")
        parser.add_argument(
            "--codes",
            default="",
            help="only these: a number (that many common codes), or a file with a code a line",
        )
        parser.add_argument("--companions", default="", metavar="LEAST-MOST", help="codes beside the seed")
        parser.add_argument(
            "--retrieve",
            action="store_true",
            help="compare each note with what the catalog finds for it (slow)",
        )
        parser.add_argument("--specialty", default="", help="of procedure notes")
        parser.add_argument("--base-url", action="append", default=[], help="of the language model's server")
        parser.add_argument("--model", default="", help="of the language model's server")
        parser.add_argument(
            "--describe",
            default="",
            metavar="FILE",
            help="with --writer llm: real charts (JSONL, batch interface) whose structure and style the model "
            "describes first, without anything of a person; run it where the charts are",
        )
        parser.add_argument("--out", default="", help="JSONL file, or - for standard output")
        parser.add_argument("--store", default="", metavar="NAME", help="keep the run with all intermediates")
        parser.add_argument(
            "--diagnostics", default="", metavar="FILE", help="what the charts are like, as JSON"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["count"] < 1:
            raise CommandError("--count is at least 1.")
        release = _release()
        asked = _asked(options)
        diagnostics = Diagnostics()
        begun = time.process_time()
        with ExitStack() as stack:
            out = _output(options["out"], stack)
            try:
                for draft in _kept(drafts_of(asked, release), options, release, diagnostics):
                    if out is not None and not draft.discarded:
                        out.write(as_line(gold_row(draft)).encode() + b"\n")
            except NothingFits as error:
                raise CommandError(f"No chart can be drawn: {error}.") from error
            except (ModelopsError, NoRelease) as error:
                raise CommandError(str(error)) from error
        seconds = time.process_time() - begun
        rows = diagnostics.rows()
        if options["diagnostics"]:
            _write(options["diagnostics"], rows)
        self.stderr.write(
            f"{rows['charts']:,} charts, {rows['charts'] - rows['kept']:,} discarded, {rows['distinct_codes']:,} "
            f"distinct codes, {rows['labels_per_note'].get('mean', 0):.1f} a chart, {rows['near_duplicates']:,} near "
            f"duplicates in the first {rows['compared']:,}, {rows['charts'] / max(seconds, 1e-9):,.0f} charts/s of "
            "processor time with all of it."
        )


def _asked(options: dict[str, Any]) -> Asked:
    return Asked(
        kind=options["kind"],
        writer=options["writer"],
        seed=options["seed"],
        count=options["count"],
        first=options["first"],
        domain=options["domain"],
        style=options["style"],
        codes=_codes(options["codes"]),
        companions=_companions(options["companions"]),
        retrieve=options["retrieve"],
        base_urls=tuple(options["base_url"]),
        model=options["model"],
        specialty=options["specialty"],
        documents=_documents(options),
    )


def _kept(
    drafts: Iterator[SyntheticDraft], options: dict[str, Any], release: Release, diagnostics: Diagnostics
) -> Iterator[SyntheticDraft]:
    """Counted, and stored where that was asked for."""
    if not options["store"]:
        for draft in drafts:
            diagnostics.add(draft)
            yield draft
        return
    names = ("count", "first", "domain", "style", "codes", "companions", "specialty", "retrieve")
    run = begin(
        options["store"],
        kind=options["kind"],
        writer=options["writer"],
        seed=options["seed"],
        settings={**{name: options[name] for name in names}, "release": release.edition},
    )
    yield from keep(run, drafts, diagnostics)


def _write(path: str, rows: dict[str, Any]) -> None:
    try:
        Path(path).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error


def _release() -> Release:
    try:
        return latest_release(CodeSystem.ICD10CM)
    except NoRelease as error:
        raise CommandError(
            "No ICD-10-CM release is loaded. manage.py load_catalog icd10cm loads the built-in one."
        ) from error


def _codes(said: str) -> tuple[str, ...]:
    if not said or said.isdigit():
        return (said,) if said else ()
    try:
        return tuple(Path(said).read_text(encoding="utf-8").split())
    except OSError as error:
        raise CommandError(f"{said}: {error.strerror}") from error


def _documents(options: dict[str, Any]) -> tuple[str, ...]:
    """Of the first charts, one request to the model for each."""
    if not options["describe"]:
        return ()
    if options["writer"] != SynthesisWriter.LLM:
        raise CommandError("--describe needs --writer llm.")
    found: list[str] = []
    try:
        with Path(options["describe"]).open(encoding="utf-8") as lines:
            for line in filter(str.strip, lines):
                found += [document.text for document in parse_chart_line(line).documents]
                if len(found) >= _MOST_DESCRIBED:
                    break
    except OSError as error:
        raise CommandError(f"{options['describe']}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise CommandError(f"{options['describe']} is not UTF-8.") from None
    if not found:
        raise CommandError(f"{options['describe']} holds no chart.")
    return tuple(found[:_MOST_DESCRIBED])


def _companions(said: str) -> tuple[int, int] | None:
    if not said:
        return None
    least, _, most = said.partition("-")
    if not least.isdigit() or not (most or least).isdigit() or int(least) > int(most or least):
        raise CommandError("--companions is two numbers, as in 1-4.")
    return int(least), int(most or least)


def _output(said: str, stack: ExitStack) -> IO[bytes] | None:
    if not said:
        return None
    if said == "-":
        return sys.stdout.buffer
    try:
        return stack.enter_context(Path(said).open("wb"))
    except OSError as error:
        raise CommandError(f"{said}: {error.strerror}") from error
