"""manage.py benchmark_lookup: how often a description finds its code, beside other ways of looking."""

from __future__ import annotations

import json
import os
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from django.core.management.base import BaseCommand, CommandError

from catalog.choices import CodeSystem
from catalog.embedding.embedders import NoEmbedding, embedder
from catalog.errors import NoRelease
from catalog.lookup.answer import Lookup
from catalog.lookup.benchmark.endpoint import Endpoint, EndpointFailed
from catalog.lookup.benchmark.measure import OfTitles, Result, figures
from catalog.lookup.benchmark.meteor import best_meteor
from catalog.lookup.benchmark.peers import Finder, bm25_peers
from catalog.lookup.benchmark.published import PUBLISHED
from catalog.lookup.benchmark.terms import unknown_terms
from catalog.lookup.benchmark.variants import KINDS, Case, cases
from catalog.lookup.benchmark.wordings import DEVELOPMENT, HELD_OUT
from catalog.lookup.service import lookup_for
from catalog.queries import latest_release

_COLUMNS = (
    ("exact", "{:.2%}"), ("low", "{:.1%}"), ("high", "{:.1%}"), ("category", "{:.1%}"), ("valid", "{:.1%}"),
    ("fabricated", "{:.1%}"), ("mrr", "{:.3f}"), ("hit5", "{:.1%}"), ("hit10", "{:.1%}"), ("meteor", "{:.3f}"),
    ("similarity", "{:.3f}"), ("same_length", "{:.1%}"),
    ("same_digits", "{:.1%}"), ("p50_ms", "{:.1f}"), ("p95_ms", "{:.1f}"), ("p50_cpu_ms", "{:.1f}"),
    ("p95_cpu_ms", "{:.1f}"), ("n", "{:d}"),
)  # fmt: skip


class Command(BaseCommand):
    help = (
        "Scores the lookup on descriptions whose code is known: every title, and seeded variants of titles, those of "
        "development and those held out apart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sample", type=int, default=1000, help="variants of each kind (default: 1000)")
        parser.add_argument("--titles", type=int, default=0, help="titles to ask for (default: all)")
        parser.add_argument(
            "--variations",
            default="",
            help="folder of JSONL files of {text, code}, scored too as development",
        )
        parser.add_argument("--no-peers", action="store_true", help="leave out the other ways of looking")
        parser.add_argument(
            "--endpoint", default="", help="OpenAI-compatible base address of a model, scored too"
        )
        parser.add_argument("--json", default="", help="file for the figures")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["sample"] < 1:
            raise CommandError("--sample is at least 1.")
        try:
            lookup = lookup_for(latest_release(CodeSystem.ICD10CM))
        except NoRelease as error:
            raise CommandError("No ICD-10-CM release is loaded.") from error
        titles = [(node.code, node.title) for node in lookup.index.nodes if node.billable]
        names = dict(titles)
        finders: dict[str, Finder] = {"lookup": lambda text: [answer.code for answer in lookup.find(text)]}
        if not options["no_peers"]:
            finders |= bm25_peers(titles) | self._by_meaning(lookup)
        if options["endpoint"]:
            try:
                endpoint = Endpoint(options["endpoint"])
            except EndpointFailed as error:
                raise CommandError(str(error)) from error
            finders[endpoint.model] = endpoint.find
        meteor, similarity = best_meteor(), _similarity()
        columns = [one for one in _COLUMNS if one[0] != "similarity" or similarity is not None]
        self.stdout.write(meteor.name + ("" if similarity else "; no embedding, so no similarity"))
        self._say_machine()
        self._row("who", "what", [name for name, _ in columns])
        rows: list[dict[str, Any]] = []

        def score(who: str, what: str, find: Finder, asked: Sequence[Case], several: bool) -> None:
            if not asked:
                return
            found = figures(_ask(find, asked, several), names, meteor.score, similarity)
            rows.append({"who": who, "what": what, **found})
            self._row(who, what, [form.format(found[name]) for name, form in columns])

        some = titles[:: max(1, len(titles) // options["titles"])] if options["titles"] else titles
        score(
            "lookup",
            "titles",
            lambda text: [a.code for a in lookup.find(text, 1)],
            [Case(title, (code,)) for code, title in some],
            False,
        )
        for wordings in (DEVELOPMENT, HELD_OUT):
            for kind in KINDS[1:]:
                asked = list(cases(kind, titles, wordings, options["sample"]))
                what = f"{kind}, {wordings.name}"
                if kind == "multiple":
                    score("lookup", what, lambda text: [a.code for a in lookup.find_each(text)], asked, True)
                    continue
                for who, find in finders.items():
                    score(who, what, find, asked, False)
        if not options["no_peers"]:
            self._score_unknown_terms(lookup, options["sample"], score)
        for path in sorted(Path(options["variations"]).glob("*.jsonl")) if options["variations"] else ():
            score(
                "lookup",
                f"{path.stem}, given",
                finders["lookup"],
                _read(path, names)[: options["sample"]],
                False,
            )
        self.stdout.write("\nPublished, language models without a lookup tool:")
        for who, what, exact, fabricated in PUBLISHED:
            invented = "fabricated not reported" if fabricated is None else f"fabricated {fabricated:.1%}"
            self.stdout.write(f"  {who}: {what}: exact {exact:.1%}, {invented}")
        self._say_machine()
        if options["json"]:
            Path(options["json"]).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")

    def _score_unknown_terms(self, lookup: Lookup, sample: int, score: Callable[..., None]) -> None:
        try:
            model = embedder()
        except NoEmbedding as error:
            self.stdout.write(f"{error} So no terms that neither index nor embedding knows.")
            return
        unknown = unknown_terms(lookup.index, model.encode, sample)
        for source, asked in unknown.cases.items():
            for who, find in unknown.finders.items():
                score(who, f"{source or 'inclusion term'}, unknown", find, asked, False)

    def _by_meaning(self, lookup: Lookup) -> dict[str, Finder]:
        """The lookup without its vectors, and the vectors without the lookup; none where there are no vectors."""
        near, nodes = lookup.near, lookup.index.nodes
        if near is None or not near("diabetes"):
            self.stdout.write("No vectors of this release yet (manage.py embed_catalog): words alone.")
            return {}

        def nearest(text: str) -> list[str]:
            codes = (nodes[place].code for place, _ in near(text) if nodes[place].billable)
            return list(dict.fromkeys(codes))[:10]

        words = Lookup(lookup.index)
        return {
            "lookup, words alone": lambda text: [answer.code for answer in words.find(text)],
            "plain vector search": nearest,
        }

    def _row(self, who: str, what: str, values: Sequence[str]) -> None:
        self.stdout.write(f"{who:<26}{what:<28}" + "".join(f"{value:>12}" for value in values))

    def _say_machine(self) -> None:
        memory = psutil.Process().memory_info().rss / 2**20
        load = " ".join(f"{figure:.1f}" for figure in os.getloadavg())
        self.stdout.write(f"resident {memory:.0f} MB; load of the machine {load} on {os.cpu_count()} cores")


def _similarity() -> OfTitles | None:
    """The cosine of two titles by the embedding in use."""
    try:
        model = embedder()
    except NoEmbedding:
        return None

    def similarity(came: str, wanted: str) -> float:
        first, second = model.encode([came, wanted])
        return float(first @ second)

    return similarity


def _ask(find: Callable[[str], list[str]], asked: Sequence[Case], several: bool) -> list[Result]:
    results: list[Result] = []
    for case in asked:
        started, busy = time.perf_counter(), time.thread_time()
        got = tuple(find(case.text))
        busy, elapsed = time.thread_time() - busy, time.perf_counter() - started
        results.append(Result(case.codes, got, elapsed, several, busy))
    return results


def _read(path: Path, names: dict[str, str]) -> list[Case]:
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [Case(row["text"], (row["code"],)) for row in rows if row["code"] in names]
