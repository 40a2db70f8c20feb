"""manage.py phi_residual: what of planted identifiers the gate of synthetic charts lets through."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.queries import latest_release
from modelops.synthesis.drawing import Drawing, Wanted
from modelops.synthesis.making import days_of
from modelops.synthesis.phi_gate import PhiGate
from modelops.synthesis.planted import SETS, Residual, residual
from modelops.synthesis.release_vocabulary import vocabulary_of


class Command(BaseCommand):
    help = (
        "Plants invented identifiers in sentences and prints how many of them the gate of synthetic charts lets "
        "through, by kind. The same figures each time, with the same release."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--count", type=int, default=900, help="sentences of each set (default: %(default)s)"
        )
        parser.add_argument("--json", action="store_true", help="as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["count"] < 1:
            raise CommandError("--count is at least 1.")
        try:
            release = latest_release(CodeSystem.ICD10CM)
        except NoRelease as error:
            raise CommandError(
                "No ICD-10-CM release is loaded. manage.py load_catalog icd10cm loads the built-in one."
            ) from error
        vocabulary = vocabulary_of(release)
        gate = PhiGate(term.title for term in vocabulary.terms.values())
        order = Drawing(vocabulary, Wanted(), days_of(release.valid_from, release.valid_to)).order(1, 0)
        found = {which: residual(gate, order, which, options["count"]) for which in SETS}
        if options["json"]:
            self.stdout.write(json.dumps({which: _row(one) for which, one in found.items()}, indent=1))
            return
        for which, one in found.items():
            self.stdout.write(
                f"{which}: {sum(one.missed.values())} of {sum(one.planted.values())} let through ({one.rate:.1%})"
            )
            for kind, planted in one.planted.items():
                self.stdout.write(f"  {kind}: {one.missed.get(kind, 0)} of {planted}")


def _row(one: Residual) -> dict[str, Any]:
    return {"planted": dict(one.planted), "missed": dict(one.missed), "rate": round(one.rate, 4)}
