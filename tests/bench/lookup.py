"""Descriptions to codes: the table of `benchmark_lookup` beside its peers and the published figures."""

from __future__ import annotations

import time

from django.core.management import call_command

from tests.bench.figures import report

SAMPLE, TITLES = 60, 500


def lookup() -> None:
    begun = time.perf_counter()
    call_command("embed_catalog", verbosity=0)
    report("Vectors of the release, with their index", f"{time.perf_counter() - begun:.0f} s")
    call_command("benchmark_lookup", sample=SAMPLE, titles=TITLES)
